#!/usr/bin/env bash
# No file includes upward, and none round.
#
#     test_includes.sh ROOMS [SOURCE]
#
# ROOMS is what CMakeLists.txt says of its modules (build/rooms.txt): the folders and files of each,
# and what it links. A file of a module may include headers of its own module and of those that it
# links, directly or not; those of include/ belong to nobody and are open to all.
#
# Within a folder, a file and its header are one unit. Units that lead back to themselves by their
# includes are a circle. Circles that are meant stand in circles.txt, each with its reason.
set -euo pipefail
rooms=$1
here=$(cd "$(dirname "$0")" && pwd)
cd "${2:-$here/../..}"

list=$(mktemp)
trap 'rm -f "$list"' EXIT
awk '$1 == "folder" {print $3} $1 == "file" {sub(/\/[^\/]*$/, "", $3); print $3}' "$rooms" | sort -u |
    while read -r folder; do
        find "$folder" -maxdepth 1 -name '*.[ch]' -print0 | xargs -0r grep -HoE '^#include "[^"]+"' || true
    done | sed 's/:#include "/ /; s/"$//' | sort >"$list"

awk -f "$here/includes.awk" "$rooms" "$here/circles.txt" "$list"
