#!/usr/bin/env bash
# Eight programs tune into one file and are killed at random: afterwards the file is whole, every
# record that a reader ever saw is still there, none is there twice, no killed program has left a
# worker behind, and one that continued has measured nothing again.
#
#     test_crash.sh DLTUNE-PROGRAM [SECONDS [ROUNDS]]
set -u
dltune=$(realpath "$1")
seconds=${2:-6}
rounds=${3:-1}
tuners=8
folder=$(mktemp -d)
cd "$folder" || exit 1
export XDG_DATA_HOME=$folder/data HOME=$folder/home LC_ALL=C
pids=()

end() { # TUNER
    kill -9 "${pids[$1]}" 2>/dev/null
    wait "${pids[$1]}" 2>/dev/null
}

end_all() {
    for i in "${!pids[@]}"; do end "$i"; done
    cd / && rm -rf "$folder"
}
trap end_all EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# Each tunes work of its own, so that no two may measure the same candidate.
start() { # TUNER
    "$dltune" matmul m=$((40 + $1)) n=96 k=64 --trials 100000 --quiet --db shared.db \
        >/dev/null 2>"errors.$1" </dev/null &
    pids[$1]=$!
}

# Readers work at any time; at first there may be no file, or an empty one.
identities() {
    "$dltune" db export --db shared.db >lines 2>errors ||
        grep -qE 'no such database|it is empty' errors || fail "a reader: $(cat errors)" >&2
    grep -o '"identity":"[0-9a-f]*"' lines | sort
}

# Programs of ours that still run in the folder: a worker ends with its tuner, soon after it.
left_behind() {
    local process
    for process in $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$folder" 2>/dev/null); do
        readlink "${process%cwd}exe" | grep dltune
    done
}

crash() { # ROUND
    local end=$((SECONDS + seconds)) killed=0 victim
    RANDOM=$1
    rm -f shared.db* seen
    for ((i = 0; i < tuners; i++)); do start $i; done
    while [ $SECONDS -lt $end ] || [ ! -s seen ]; do
        sleep $((RANDOM % 2)).$((RANDOM % 9 + 1)) # a second on average: a start takes half of one
        victim=$((RANDOM % tuners))
        [ ! -s errors.$victim ] || fail "a tuner says: $(cat errors.$victim)"
        end $victim
        start $victim
        killed=$((killed + 1))
        [ $((killed % 4)) -eq 0 ] && identities >>seen
    done
    for ((i = 0; i < tuners; i++)); do end $i; done
    echo "round $1: $killed tuners killed, $(check)" || exit 1
}

check() {
    local tries=20
    "$dltune" db check --db shared.db >checked 2>&1 || fail "db check: $(cat checked)" >&2
    grep -q ', 0 bad' checked || fail "db check: $(cat checked)" >&2
    identities >now || exit 1
    [ -z "$(uniq -d now)" ] || fail "a record is there twice" >&2
    touch seen
    [ -z "$(sort -u seen | comm -23 - now)" ] || fail "a committed record is lost" >&2
    [ -z "$(sed 's/"identity":"[^"]*",//; s/"outcome".*//' lines | sort | uniq -d)" ] ||
        fail "a candidate was measured twice" >&2
    while [ -n "$(left_behind)" ]; do
        [ $((tries -= 1)) -gt 0 ] || fail "a killed tuner's worker is still there" >&2
        sleep 0.1
    done
    echo "$(wc -l <now) records, $(sort -u seen | wc -l) of them seen before; $(cat checked)"
}

for ((round = 1; round <= rounds; round++)); do crash $round; done
