#!/usr/bin/env bash
# Tunes the workloads of suites, then times them beside other libraries (docs/benchmarks.md).
#
#     tools/run-suites.sh --trials 300 --db best.db bench/suites/resnet50.txt bench/suites/bert.txt
#
# Of each SUITE.txt it leaves in --out: SUITE.list, the workloads that were taken; SUITE.table;
# SUITE.jsonl, a line a workload. A workload that dltune does not know is skipped with a line that
# says why. The same command again continues: it measures as many new candidates.
set -euo pipefail

usage="usage: tools/run-suites.sh [options] SUITE.txt...
  --db FILE        the database (DIR/suites.db)
  --out DIR        where tables go, created if missing (build/suites)
  --trials N       candidates a workload (256)
  --time S         instead: seconds a suite
  --no-tune        only bench what is stored
  --threads N      of kernels and libraries (1)
  --target NAME    as \`dltune targets\` lists (native)
  --layout LAYOUT  of workloads that have one and do not name it; any: the tuner's choice
  --processes N    a figure is the median over so many (5)
  --baseline DIR   an earlier --out: fails where a kernel became slower
The program is \$DLTUNE, else build/dltune."

wrong() {
    printf 'run-suites: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

say() { printf '%s\n' "$*" >&2; }

root=$(cd "$(dirname "$0")/.." && pwd)
dltune=${DLTUNE:-$root/build/dltune}
out=$root/build/suites db='' layout='' baseline='' tune=yes
limit=() place=() bench=() suites=()

while [ $# -gt 0 ]; do
    case $1 in
    --help) echo "$usage" && exit ;;
    --no-tune) tune=no && shift && continue ;;
    --*) [ $# -gt 1 ] || wrong "$1: its value is missing" ;;
    *) suites+=("$1") && shift && continue ;;
    esac
    case $1 in
    --db) db=$2 ;;
    --out) out=$2 ;;
    --trials | --time) limit+=("$1" "$2") ;;
    --threads | --target) place+=("$1" "$2") ;;
    --layout) layout=$2 ;;
    --processes) bench+=("$1" "$2") ;;
    --baseline) baseline=$2 ;;
    *) wrong "$1: unknown option" ;;
    esac
    shift 2
done
[ ${#suites[@]} -gt 0 ] || wrong "no suite is given; there are some in bench/suites"
for suite in "${suites[@]}"; do
    [ -r "$suite" ] || wrong "$suite: cannot be read"
done
[ -x "$dltune" ] || wrong "$dltune is no program; build it, or say where it is in \$DLTUNE"
mkdir -p "$out"
db=${db:-$out/suites.db}

# Whether dltune knows a workload; if not, why is in $reason.
knows() {
    reason=$("$dltune" explain "$1" "${place[@]}" --default --show expression 2>&1 >/dev/null)
}

# The workloads of a suite that dltune knows, with --layout where they take one.
take() {
    local line with
    while read -r line; do
        line=${line%%#*}
        [ -n "${line// /}" ] || continue
        with="$line layout=$layout"
        if [ -n "$layout" ] && [[ $line != *layout=* ]] && knows "$with"; then
            echo "$with"
        elif knows "$line"; then
            echo "$line"
        else
            say "skipped: $line: ${reason#dltune: }"
        fi
    done <"$1"
}

failed=0
trap 'exit 130' INT # dltune itself keeps what it has and ends
run_suite() { # FILE
    local name beside=("${bench[@]}") begin=$SECONDS
    name=$(basename "$1" .txt)
    say "== $name"
    take "$1" >"$out/$name.list"
    if [ ! -s "$out/$name.list" ]; then
        say "$name: no workload is left"
        return
    fi
    if [ $tune = yes ]; then
        "$dltune" tune "$out/$name.list" "${place[@]}" "${limit[@]}" --db "$db" --json \
            >"$out/$name.tuned.jsonl" || failed=1
        say "$name: tuned in $((SECONDS - begin)) s"
    fi
    [ -z "$baseline" ] || beside+=(--baseline "$baseline/$name.jsonl")
    rm -f "$out/$name.table"
    "$dltune" bench --list "$out/$name.list" "${place[@]}" "${beside[@]}" --peers --json --quiet \
        --table "$out/$name.table" --db "$db" >"$out/$name.jsonl.new" || failed=1
    mv "$out/$name.jsonl.new" "$out/$name.jsonl"
    [ ! -e "$out/$name.table" ] || cat "$out/$name.table"
    say "$name: $((SECONDS - begin)) s"
}

for suite in "${suites[@]}"; do
    run_suite "$suite"
done
say "all: $SECONDS s"
exit $failed
