#!/usr/bin/env bash
# What an epilogue costs: tunes convolutions bare, with bias and activation, and with a residual too, and
# times them again side by side (docs/benchmarks.md).
#
#     tools/epilogue-cost.sh --trials 300 --db epilogues.db
#
# A residual has to be read, so its cost is compared with its bytes at the bandwidth that `dltune targets
# --measure` finds for the cache that holds both tensors.
set -euo pipefail

usage="usage: tools/epilogue-cost.sh [options]
  --db FILE      the database (build/epilogues.db)
  --trials N     candidates a workload (300)
  --rounds N     a figure is the median of so many \`dltune bench\` (5)
  --no-tune      only time what is stored
The program is \$DLTUNE, else build/dltune."

wrong() {
    printf 'epilogue-cost: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

root=$(cd "$(dirname "$0")/.." && pwd)
dltune=${DLTUNE:-$root/build/dltune}
db=$root/build/epilogues.db trials=300 rounds=5 tune=yes
while [ $# -gt 0 ]; do
    case $1 in
    --help) echo "$usage" && exit ;;
    --no-tune) tune=no && shift && continue ;;
    --*) [ $# -gt 1 ] || wrong "$1: its value is missing" ;;
    esac
    case $1 in
    --db) db=$2 ;;
    --trials) trials=$2 ;;
    --rounds) rounds=$2 ;;
    *) wrong "$1: unknown argument" ;;
    esac
    shift 2
done
[ -x "$dltune" ] || wrong "$dltune is no program; build it, or say where it is in \$DLTUNE"

list=$(mktemp) times=$(mktemp) roofs=$(mktemp)
trap 'rm -f "$list" "$times" "$roofs"' EXIT
suite=$root/bench/suites/epilogues.txt
grep '^conv2d' "$suite" | while read -r bare; do
    printf '%s\n' "$bare" "$bare post=bias,relu" "$bare post=bias,add,relu"
done >"$list"

[ $tune = no ] || "$dltune" tune "$list" --trials "$trials" --db "$db" >/dev/null
"$dltune" targets --measure --json >"$roofs"
for ((round = 0; round < rounds; round++)); do
    "$dltune" bench --list "$list" --db "$db" --json --quiet >>"$times"
done
awk -f "$root/tools/epilogue-cost.awk" "$roofs" "$times"
