#!/usr/bin/env bash
# Layouts on the command line: layout=any from tuning to export, blocks that pad, gaps between rows.
#
#     test_layouts.sh DLTUNE-PROGRAM
set -u
. "$(dirname "$0")/common.sh"
export DLTUNE_DB=$folder/tune.db

value() { # KEY: of the one line of JSON in $out
    sed -n "s/.*\"$1\":\([^,}]*\).*/\1/p" "$out"
}

any=(conv2d --shape n=1,c=8,h=4,w=4,k=8,r=1,s=1 --layout any --target c)
key="conv2d n=1 c=8 h=4 w=4 k=8 r=1 s=1 layout=any target=c threads=1"

# ---- wrong usage ----
expect 2 "unknown key 'layout'" matmul --shape m=5,n=7,k=3 --layout any
expect 2 "stride: 'any'" conv2d --shape c=8,h=4,w=4,k=8,r=1,s=1 --stride any
expect 2 "c: '0'" conv2d --shape c=0,h=4,w=4,k=8,r=1,s=1 --layout any

# ---- nothing stored ----
expect 3 "there is no such database" query "${any[@]}"
expect 0 "output[n=1, k=8" explain "${any[@]}" --default --show expression

# ---- one line for all alternatives, whose trials are those asked for ----
run "${any[@]}" --trials 12 --json --quiet
[ "$status" -eq 0 ] || fail "status $status: tuning"
[ "$(wc -l <"$out")" -eq 1 ] || fail "not one line of JSON"
grep -qF "\"task\":\"$key\"" "$out" || fail "the result's task is another"
grep -qF '"layouts":{"x":"n' "$out" || fail "the result has no layouts"
[ "$(value trials)" -eq 12 ] || fail "$(value trials) trials, not 12"
"$dltune" db list >"$out"
[ "$(grep -c 'target=c' "$out")" -eq 3 ] || fail "not three alternatives: nchw, nhwc, blocks of 8"
grep -q 'layout=any' "$out" && fail "a record of layout=any"
expect 3 "layout=any target=c threads=1\`, whatever is chosen" \
    query conv2d --shape c=8,h=5,w=4,k=8,r=1,s=1 --layout any --target c

# ---- the best of them is the answer of every command ----
run query "${any[@]}" --json
grep -qF "\"task\":\"$key\"" "$out" || fail "query: the task is another"
best=$(value median_us)
[ "$(value trials)" -eq 12 ] || fail "query: $(value trials) trials, not 12"
for layout in nchw nhwc n,c/8,h,w,c%8; do
    run query "${any[@]/any/$layout}" --json
    awk "BEGIN {exit !($(value median_us) >= $best)}" || fail "$layout is faster than any"
done
expect 0 "layout=nhwc target=c" db show "${any[@]}"
expect 0 '"task":' db show "${any[@]}" --json
[ "$(wc -l <"$out")" -ge 12 ] || fail "db show has $(wc -l <"$out") lines"
expect 0 '"identity"' db export "${any[@]}"
expect 0 "1 bests run, 0 wrong" db check --run "${any[@]}"
run db failures "${any[@]}" && [ "$status" -eq 0 ] || fail "db failures"
expect 0 "$key" bench "${any[@]}"
expect 0 "the stored best" explain "${any[@]}" --show schedule
expect 0 "1 kernel" export "${any[@]}" --name net --out lib
printf 'conv2d c=8 h=4 w=4 k=8 r=1 s=1 layout=any count=2\nconv2d layout=any c=8 h=4 w=4 k=8 r=1 s=1\n' >list
run tune list --target c --trials 3 --json --quiet
[ "$(wc -l <"$out")" -eq 1 ] || fail "equal workloads of a list are not one"
[ "$(value count)" -eq 3 ] || fail "they are not counted together"
[ "$(value known)" -eq 12 ] || fail "$(value known) points known, not 12"

# ---- within seconds, and stopped ----
run "${any[@]/h=4/h=7}" --time 2 --json --quiet
[ "$status" -eq 0 ] || fail "status $status with --time"
awk "BEGIN {exit !($(value seconds) < 20)}" || fail "$(value seconds) seconds, not 2"
"$dltune" "${any[@]/h=4/h=40}" --time 60 --quiet >"$out" 2>"$err" &
program=$!
for _ in $(seq 200); do
    [ "$("$dltune" db list 2>/dev/null | grep -c h=40)" -gt 0 ] && break
    sleep 0.05
done
sleep 0.3
kill -TERM $program
wait $program
status=$?
[ "$status" -eq 143 ] || fail "status $status after SIGTERM, not 143"
grep -q interrupted "$out" || fail "an interrupted run does not print its best"

# ---- lanes that blocks add, gaps between rows: right on every target that runs here ----
for target in $("$dltune" targets --json | sed -n 's/.*"target":"\([^"]*\)".*"runs_here":true.*/\1/p'); do
    for layout in n,c/16,h,w,c%16 n,c/8,h,w,c%8 n,h,w,c/4,c%4; do
        expect 0 "best" conv2d --shape c=20,h=5,w=6,k=11,r=3,s=3 --pad 1 --layout $layout \
            --target "$target" --trials 8 --quiet
        grep -q " wrong" "$out" && fail "$layout on $target: wrong"
    done
    expect 0 "best" matmul --shape m=7,n=13,k=29 --ldc 20 --target "$target" --trials 8 --quiet
    grep -q " wrong" "$out" && fail "ldc on $target: wrong"
done

finish
