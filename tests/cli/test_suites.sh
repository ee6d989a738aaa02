#!/usr/bin/env bash
# tools/run-suites.sh: what it takes and skips, what it leaves, and its exit status.
#
#     test_suites.sh DLTUNE-PROGRAM
set -u
script=$(cd "$(dirname "$0")/../.." && pwd)/tools/run-suites.sh
. "$(dirname "$0")/common.sh"
export DLTUNE=$dltune

run() {
    "$script" "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

# FILE PIECE
has() {
    grep -qF -- "$2" "$1" || fail "no '$2' in $1"
}

cat >mixed.txt <<'END'
# one that takes a layout, one that has none, two that are not known
conv2d c=3 h=4 w=4 k=8 r=1 s=1 count=2
matmul m=2 n=3 k=4 # small

frobnicate n=1
matmul m=2 n=3
END
echo 'frobnicate n=2' >unknown.txt

run --target c --trials 1 --processes 1 --layout any --out new/suites mixed.txt unknown.txt
[ "$status" -eq 0 ] || fail "status $status"
has "$err" "skipped: frobnicate n=1: operator: 'frobnicate' is unknown"
has "$err" "skipped: matmul m=2 n=3: k: missing"
has "$err" "unknown: no workload is left"
has "$err" "all: "
has new/suites/mixed.list "layout=any"
[ "$(wc -l <new/suites/mixed.list)" -eq 2 ] || fail "not two workloads were taken"
[ "$(grep -c '"peers":\[' new/suites/mixed.jsonl)" -eq 2 ] || fail "not two lines of JSON"
[ "$(wc -l <new/suites/mixed.jsonl)" -eq 2 ] || fail "more than a line a workload"
has new/suites/mixed.table "matmul m=2 n=3 k=4"
cmp -s "$out" new/suites/mixed.table || fail "the table is not printed"
[ -s new/suites/suites.db ] || fail "no database"

# Again without tuning, against times that nobody reaches.
sed -i 's/"median_us":[^,]*/"median_us":1e-9/' new/suites/mixed.jsonl
run --target c --no-tune --processes 1 --layout any --db new/suites/suites.db --out more \
    --baseline new/suites mixed.txt
[ "$status" -eq 1 ] || fail "status $status, not 1, for a regression"
has "$err" "slower than the baseline"
[ -e more/mixed.tuned.jsonl ] && fail "tuned although --no-tune"

for arguments in "" "--frobnicate 1 mixed.txt" "none.txt" "mixed.txt --db"; do
    # shellcheck disable=SC2086
    run $arguments
    [ "$status" -eq 2 ] || fail "status $status, not 2: $arguments"
    has "$err" "usage:"
done

finish
