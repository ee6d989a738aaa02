#!/bin/sh
# Whether --time S bounds the run: workloads whose default takes from some 10 us to 2 s a call, each
# tuned into an empty database of its own. Prints the seconds used and allowed (the most of S + 10 %,
# S + 1 s and four calls of the default) and the stored best. Fails if one was late or stored nothing.
#
#     tools/time-limits.sh [PROGRAM [SECONDS]]
#
# The default's time is known where the run measured it: after the limit. On a busy machine the
# seconds that other programs take count, too.
set -u
program=${1:-build/dltune}
seconds=${2:-2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
late=0
number=0

now() { date +%s.%N; }

while read -r workload; do
    number=$((number + 1))
    database=$folder/$number.db
    start=$(now)
    # shellcheck disable=SC2086 # words of the workload
    "$program" $workload --time "$seconds" --quiet --db "$database" >"$folder/out" 2>"$folder/err"
    status=$?
    end=$(now)
    # shellcheck disable=SC2086
    best=$("$program" query $workload --quiet --db "$database" 2>/dev/null |
        sed -n 's/^  best *\([^ ]* us\).*/\1/p')
    # the first record is the default's
    default=$(sqlite3 "$database" "select median_us from record where verified order by id limit 1" \
        2>/dev/null)
    awk -v workload="$workload" -v used="$start $end" -v seconds="$seconds" -v best="$best" \
        -v default_us="${default:-0}" -v status="$status" '
        function largest(a, b) { return a > b ? a : b }
        BEGIN {
            split(used, times, " ")
            used = times[2] - times[1]
            allowed = largest(largest(1.1 * seconds, seconds + 1), 4e-6 * default_us)
            late = used > allowed || best == "" || status != 0
            printf "%6.2f s of %6.2f  default %10.1f us  best %14s  %s%s\n", used, allowed,
                default_us, best == "" ? "none" : best, workload, late ? "  <-- not held" : ""
            exit late
        }' || late=1
done <<WORKLOADS
matmul m=128 n=128 k=128
batch_matmul b=12 m=128 n=128 k=64
conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 layout=any
conv2d_transpose c=256 h=28 w=28 k=128 r=4 s=4 stride=2 pad=1
matmul m=1024 n=1024 k=1024 --threads 2
matmul m=1 n=1 k=30000000
conv2d n=8 c=256 h=56 w=56 k=256 r=3 s=3 pad=1
conv2d c=32 h=112 w=112 k=32 r=3 s=3 pad=1 --target c
matmul m=4096 n=4096 k=4096
matmul m=6144 n=5120 k=5120
WORKLOADS
exit $late
