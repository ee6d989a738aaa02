#!/bin/sh
# Hours of the differential test (tests/differential) with seeds that were not tried before.
#
#     tools/differential-night.sh [MINUTES [TARGET,...]] [--first-seed N] [OPTION...]
#
# Default kernels and tuned ones in turns, a new seed each time, until MINUTES (60) are over. The seed
# begins at the number of seconds since 1970 unless told. Other options go to build/differential.
# Findings are collected in build/differential-night.txt and printed; each line tells how to see it
# again. The exit status is 1 if there was one.
set -u
cd "$(dirname "$0")/.."
build=${BUILD:-build}
minutes=60
targets=
case ${1:-} in [0-9]*) minutes=$1; shift ;; esac
case ${1:-} in [a-z]*) targets="--targets $1"; shift ;; esac
seed=$(date +%s)
if [ "${1:-}" = --first-seed ]; then seed=$2; shift 2; fi

cmake --build "$build" -j "${JOBS:-2}" --target differential dltune dltune-worker || exit 2
found="$build/differential-night.txt"
: >"$found"
end=$(($(date +%s) + minutes * 60))
mode=default
while [ "$(date +%s)" -lt "$end" ]; do
    left=$((end - $(date +%s)))
    [ "$left" -gt 300 ] && left=300
    # shellcheck disable=SC2086 # targets is an option and its value, or nothing
    nice -n 15 "$build/differential" --program "$build/dltune" --mode "$mode" --seed "$seed" \
        --count 1000000 --seconds "$left" $targets "$@" >"$build/differential-night.out"
    grep -E '^(MISMATCH|CRASH|  smaller|refused|    e\.g\.)' "$build/differential-night.out" >>"$found"
    echo "seed $seed, $mode: $(tail -n 1 "$build/differential-night.out")"
    seed=$((seed + 1))
    case $mode in default) mode=tuned ;; *) mode=default ;; esac
done
cat "$found"
! grep -qE '^(MISMATCH|CRASH)' "$found"
