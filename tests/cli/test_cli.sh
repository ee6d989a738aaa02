#!/usr/bin/env bash
# What users meet on the command line: exit statuses, messages, and that bad input writes nothing.
#
#     test_cli.sh DLTUNE-PROGRAM
#
# Each `expect` is a line of a table: the exit status, a piece of the message (on standard error, or
# on standard output if the status is 0), and the arguments.
set -u
. "$(dirname "$0")/common.sh"

# Stricter than the common one: messages have their place, and nothing else is there.
expect() {
    local want=$1 piece=$2 where=$err
    shift 2
    run "$@"
    [ "$want" -eq 0 ] && where=$out
    [ "$status" -eq "$want" ] || { fail "status $status, not $want: dltune $*"; return; }
    grep -qF -- "$piece" "$where" || { fail "no '$piece' from: dltune $*"; return; }
    if [ "$want" -ne 0 ]; then
        grep -q '^dltune: ' "$err" || fail "no 'dltune: ' before the message: dltune $*"
        [ -s "$out" ] && fail "standard output is not empty: dltune $*"
    fi
}

writes_nothing() { # FILES THAT WERE THERE
    local now
    now=$(find . -type f -o -type l | sort | tr '\n' ' ')
    [ "$now" = "$1" ] || fail "files are '$now', not '$1'"
}

conv=(conv2d --shape n=1,c=4,h=6,w=6,k=4,r=3,s=3)
matmul=(matmul --shape m=5,n=7,k=3)
tune=(--target c --trials 3 --quiet)

# ---- wrong usage: status 2, nothing written ----
expect 2 "no command"
expect 2 "'softmacks' is neither a command nor an operator; it may be a command: tune query" softmacks
expect 2 "an operator: conv2d conv2d_transpose matmul batch_matmul expression" softmacks --shape n=1
expect 2 "--frobnicate: unknown option; it may be one of: --shape" "${conv[@]}" --frobnicate 3
expect 2 "--peers: unknown option" "${conv[@]}" --peers
expect 2 "-x: unknown option" "${conv[@]}" -x
expect 2 "c: missing; conv2d needs it (input channels)" conv2d --shape n=1,h=6,w=6,k=4,r=3,s=3
expect 2 "c: '0' is not a number from 1" conv2d --shape n=1,c=0,h=6,w=6,k=4,r=3,s=3
expect 2 "c: '-4' is not a number from 1" conv2d --shape n=1,c=-4,h=6,w=6,k=4,r=3,s=3
expect 2 "m: '99999999999999999999' is not a number" matmul --shape m=99999999999999999999,n=1,k=1
expect 2 "are possible" matmul --shape m=2147483647,n=2147483647,k=2147483647
expect 2 "m: '5.5' is not a number" matmul --shape m=5.5,n=7,k=3
expect 2 "unknown key 'q'" matmul --shape m=5,n=7,k=3,q=1
expect 2 "unknown key 'lda'" "${conv[@]}" --lda 64
expect 2 "accumulate: 'yes' is not a number from 0 to 1" "${matmul[@]}" --accumulate yes
expect 2 "accumulate: '2' is not a number from 0 to 1" "${conv[@]}" --accumulate 2
expect 2 "b: missing; batch_matmul needs it" batch_matmul --shape m=5,n=7,k=3
expect 2 "ldc: '6' is not a number from 7" batch_matmul --shape b=2,m=5,n=7,k=3 --ldc 6
expect 2 "output_padding: 1 along h is not less than the stride, 1" \
    conv2d_transpose --shape c=4,h=6,w=6,k=4,r=3,s=3 --output_padding 1
expect 2 "pad: 5 and 5 along h leave nothing of the output's 8" \
    conv2d_transpose --shape c=4,h=6,w=6,k=4,r=3,s=3 --pad 5
expect 2 "m: given twice" matmul --shape m=5,n=7,k=3 --m 6
expect 2 "--shape: 'm' is not a list of key=value" matmul --shape m
expect 2 "--shape: '' is not a list of key=value" matmul --shape ""
expect 2 "--shape: its value is missing" matmul --shape
expect 2 "m: its value is empty" matmul --shape m=,n=7,k=3
expect 2 "r: 9 with dilation 1 spans 9, more than the padded input's 6" \
    conv2d --shape c=4,h=6,w=6,k=4,r=9,s=3
expect 2 "spans 9, more than the padded input's 6" "${conv[@]}" --dilation 4
expect 2 "stride: '0'" "${conv[@]}" --stride 0
expect 2 "groups: 3" "${conv[@]}" --groups 3
expect 2 "layout" "${conv[@]}" --layout nchx
expect 2 "post" "${conv[@]}" --post bias,gelou
expect 2 "const" "${conv[@]}" --const wait
expect 2 "dtype" "${conv[@]}" --dtype f99
expect 2 "target: 'z80' is not native" "${matmul[@]}" --target z80
expect 2 "--threads: '0' is not a number from 1 to 1024" "${matmul[@]}" --threads 0
expect 2 "--trials: '0' is not a number from 1" "${matmul[@]}" --trials 0
expect 2 "--trials: '1e3' is not a number" "${matmul[@]}" --trials 1e3
expect 2 "--trials: '99999999999999999999' is not a number" "${matmul[@]}" --trials 99999999999999999999
expect 2 "--time: '-1' is not a number above 0" "${matmul[@]}" --time -1
expect 2 "--time: 'nan' is not a number above 0" "${matmul[@]}" --time nan
expect 2 "--time: its value is missing" "${matmul[@]}" --time
expect 2 "--seed: '-1'" "${matmul[@]}" --seed -1
expect 2 "--algorithm: 'magic' is unknown; it may be one of: all direct" "${matmul[@]}" --algorithm magic
expect 2 "--strategy: 'luck' is unknown; it may be one of: model annealing" "${matmul[@]}" --strategy luck
expect 2 "--max-error: '2' is not a number" "${matmul[@]}" --max-error 2
expect 2 "--json: takes no value" "${matmul[@]}" --json=yes
expect 2 "--db: its value is empty: FILE" "${matmul[@]}" --db ""
expect 2 "tune: needs one file" tune
expect 2 "m: missing" query matmul --shape n=7,k=3
expect 2 "--name: missing" export "${matmul[@]}"
expect 2 "db: 'burn' is not something to do" db burn
expect 2 "--show: 'magic' is no part" explain "${matmul[@]}" --default --show magic
expect 2 "targets: takes no arguments" targets all
expect 2 "--shape: 'm=5,,n=7,k=3' is not a list of key=value" matmul --shape m=5,,n=7,k=3
expect 2 "--shape: '=5' is not a list of key=value" matmul --shape =5
expect 2 "m: '0x10' is not a number" matmul --shape m=0x10,n=7,k=3
expect 2 "m: ' 5' is not a number" matmul --shape "m= 5,n=7,k=3"
expect 2 "k: given twice, '3' and '3'" matmul --shape m=5,n=7,k=3,k=3
expect 2 "unknown key 'M'" matmul --shape M=5,n=7,k=3
expect 2 "'k' is not a key=value pair" matmul m=5 n=7 k
expect 2 "k: its value is empty" matmul m=5 n=7 k=
expect 2 "'extra' is not a key=value pair" matmul m=5 n=7 k=3 extra
expect 2 "k: '3"$'\xff'"' is not a number" matmul m=5 n=7 k=3$'\xff'
expect 2 "'' is neither a command nor an operator" ""
expect 2 "lda: '2' is not a number from 3" matmul m=5 n=7 k=3 lda=2
expect 2 "post: 'bias,bias' has bias twice" matmul m=5 n=7 k=3 post=bias,bias
expect 2 "const: 'none' in 'none,b'" matmul m=5 n=7 k=3 const=none,b
expect 2 "stride: '2x2x2' is not a number" "${conv[@]}" --stride 2x2x2
expect 2 "pad: '1,2,3' is not a number" "${conv[@]}" --pad 1,2,3
expect 2 "layout: 'n c h': axis w has no place" "${conv[@]}" --layout "n c h"
expect 2 "layout: 'n c/0 h w c%0'" "${conv[@]}" --layout "n c/0 h w c%0"
expect 2 "count: '0' is not a number" "${conv[@]}" count=0
expect 2 "--time: '0' is not a number above 0" "${matmul[@]}" --time 0
expect 2 "--time: 'inf' is not a number above 0" "${matmul[@]}" --time inf
expect 2 "--threads: '1025' is not a number from 1 to 1024" "${matmul[@]}" --threads 1025
expect 2 "--seed: '0x1' is not a number" "${matmul[@]}" --seed 0x1
expect 2 "--strategy: its value is empty: NAME" "${matmul[@]}" --strategy ""
expect 2 "--db: the path is too long" "${matmul[@]}" --db "$(printf 'x%.0s' {1..5000})"
expect 2 "text: missing" expression
expect 2 "text: line 1, column 2: expected '['" expression text=x
expect 2 "text: tensor y: it reads x with i + 1 for axis i, which is 1 to 8" \
    expression 'text=input x[i=8] f32 variable; y[i=8] f32 = x[i+1]'
expect 2 "there is no operation frob" \
    expression 'text=input x[i=8] f32 variable; y[i=8] f32 = frob(x[i])'
expect 2 "nested more than 200 deep" \
    expression "text=input x[i=8] f32 variable; y[i=8] f32 = $(printf '(%.0s' {1..300})x[i]"
expect 2 "db list: 'show' was not expected" db list show
writes_nothing ""


# Types are refused where they are named, before anything is measured.
f64='text=input x[i=8] f64 variable; y[i=8] f64 = x[i] * 2'
for command in "" query bench explain; do
    # shellcheck disable=SC2086 # the command's words
    expect 2 "tensor x: its type is f64, but the target x86-avx2 computes in f32 only; the target c takes" \
        $command expression "$f64" --target x86-avx2
done
expect 2 "tensor a: its type is bf16, but the target x86-avx2" "${matmul[@]}" --dtype bf16 --target x86-avx2
expect 2 "tensor output: sum in s8 is not possible" "${matmul[@]}" --dtype s8 --target c
expect 2 "tensor y: / in s32 is not possible; convert to f32 or f64 before it" \
    expression 'text=input x[i=8] s32 variable; y[i=8] s32 = x[i] / x[i]' --target c
expect 2 "tensor y: convert from f32 to s32 is not possible" \
    expression 'text=input x[i=8] f32 variable; y[i=8] s32 = convert(s32, x[i])' --target c
expect 2 "tensor y: 300 is no number of type s8, which holds -128 to 127" \
    expression 'text=input x[i=8] s8 variable; y[i=8] s8 = max(x[i], 300)' --target c
writes_nothing ""

# ---- databases and files that will not do: status 1, left as they were ----
printf 'this is no database, only some text\n' >text.db
expect 1 "not a database of dltune" "${matmul[@]}" "${tune[@]}" --db text.db
expect 1 "not a database of dltune" query "${matmul[@]}" --db text.db
expect 1 "is a folder" "${matmul[@]}" "${tune[@]}" --db .
expect 1 "No such file or directory" tune none.txt
[ "$(cat text.db)" = "this is no database, only some text" ] || fail "text.db was changed"
printf 'matmul m=5 n=7 k=3\nmatmul m=5 n=0 k=3\n' >bad.txt
expect 2 "bad.txt:2: n: '0' is not a number" tune bad.txt "${tune[@]}" --db list.db
printf '# nothing\n\n' >empty.txt
expect 2 "empty.txt: has no workload" tune empty.txt "${tune[@]}" --db list.db
printf 'matmul m=5 n=7 k=3\0 k=4\n' >binary.txt
expect 2 "binary.txt:1: has a byte 0" tune binary.txt "${tune[@]}" --db list.db
if [ "$(id -u)" -ne 0 ]; then
    mkdir locked && chmod a-w locked
    expect 1 "not writable" "${matmul[@]}" "${tune[@]}" --db locked/tune.db
fi
mkdir folder
expect 1 "folder: Is a directory" tune folder "${tune[@]}" --db list.db
expect 1 "baseline: folder: Is a directory" bench --baseline folder --db text.db
expect 2 "baseline: empty.txt:1: not a line of" bench --baseline empty.txt --db text.db
: >blank.txt
expect 2 "baseline: blank.txt: has no workload" bench --baseline blank.txt --db text.db
expect 1 "folder: Is a directory" explain --replay folder
writes_nothing "./bad.txt ./binary.txt ./blank.txt ./empty.txt ./text.db "

# ---- nothing stored: status 3, and only for query ----
expect 3 "there is no such database" query "${matmul[@]}" --target c --db tune.db
expect 1 "there is no such database" bench --target c --db tune.db
[ -e tune.db ] && fail "query created a database"

# ---- tuning, and everything after it ----
expect 0 "matmul m=5 n=7 k=3 target=c threads=1" "${matmul[@]}" "${tune[@]}" --db tune.db
expect 3 "nothing stored for" query "${conv[@]}" --target c --db tune.db
expect 1 "nothing stored for" explain "${conv[@]}" --target c --db tune.db
expect 1 "nothing stored for" export "${conv[@]}" --target c --db tune.db --name net
expect 0 "GFLOP/s" query "${matmul[@]}" --target c --db tune.db
expect 0 "GFLOP/s" query "matmul k=3 n=7 m=5" --target c --db tune.db
expect 0 "GFLOP/s" query matmul k=3 n=7 --m 5 --target=c --db=tune.db
expect 0 "known before" "${matmul[@]}" "${tune[@]}" --db tune.db
expect 0 "right  matmul m=5 n=7 k=3 target=c threads=1" db list --db tune.db
expect 0 ", 0 bad" db check --db tune.db
expect 0 "stored" bench --target c --db tune.db
expect 0 "libnet.a" export --target c --db tune.db --name net --out lib
for file in libnet.a net.h net.c net.pc; do
    [ -s "lib/$file" ] || fail "export did not write $file"
done
expect 0 "output[m=5, n=7]" explain "${matmul[@]}" --target c --db tune.db
expect 0 "-- after build_nests" explain "${matmul[@]}" --target c --db tune.db --pass build_nests
expect 2 "--pass: 'magic' is not a pass" explain "${matmul[@]}" --target c --db tune.db --pass magic
expect 0 "vfmadd" explain matmul m=8 n=64 k=64 --target x86-avx2 --default
expect 0 "" explain "${matmul[@]}" --space
expect 0 "native" targets
expect 0 "dltune " version
expect 0 "dltune " --version
expect 2 "version: takes no arguments, but got 'now'" version now
expect 0 "commands:" --help
expect 0 "input channels" conv2d --help
expect 0 "--baseline" bench --help

# What is asked for and not there is said, whatever its layouts.
expect 1 'nothing stored for `matmul m=9 n=9 k=9 ' db show matmul m=9 n=9 k=9 --target c --db tune.db
expect 1 "layout=any" db show "${conv[@]}" --layout any --target c --db tune.db
expect 1 "folder: Is a directory" db import folder --db tune.db
expect 2 "name: '1a' is no C identifier" export --name 1a --target c --db tune.db
expect 1 "text.db: cannot create this folder: Not a directory" \
    export --target c --db tune.db --name net --out text.db

# One quoted word is a workload everywhere; activations may be repeated; padding may be wide.
expect 0 "matmul m=4 n=4 k=4 target=c" "matmul m=4 n=4 k=4" "${tune[@]}" --db quoted.db
expect 0 "matmul m=4 n=4 k=4 target=c" " matmul  m=4 n=4" k=4 "${tune[@]}" --db quoted.db
for command in query bench explain export\ --name\ net\ --out\ lib; do
    # shellcheck disable=SC2086 # the command's words
    expect 0 "" $command "matmul m=4 n=4 k=4" --target c --db quoted.db
done
expect 0 "input" "matmul m=4" --help
expect 2 "'softmacks m=4' is neither a command nor an operator" "softmacks m=4"
expect 0 "post=relu,relu,tanh,tanh" "${matmul[@]}" --post relu,relu,tanh,tanh "${tune[@]}" --db quoted.db
expect 0 "pad=1" conv2d c=8 h=9 w=9 k=8 r=1 s=1 pad=1 --trials 2 --quiet --db quoted.db
for type in f64 bf16 s32; do
    expect 0 "dtype=$type" "${matmul[@]}" --dtype $type "${tune[@]}" --db quoted.db
done

# Standard input is a list; a carriage return alone ends a line too.
printf 'matmul m=4 n=4 k=4\rmatmul m=4 n=4 k=5 # x\r\n#\nmatmul m=4 n=4 k=6' >mixed.txt
"$dltune" tune - "${tune[@]}" --db quoted.db <mixed.txt >"$out" 2>"$err" || fail "tune -"
[ "$(grep -c '^matmul ' "$out")" -eq 3 ] || fail "tune - did not tune three lines"
"$dltune" bench - --target c --db quoted.db <mixed.txt >"$out" 2>"$err" || fail "bench -"
[ "$(grep -c '^matmul ' "$out")" -eq 3 ] || fail "bench - did not time three lines"
"$dltune" export --list - --name net --out lib --target c --db quoted.db <mixed.txt >"$out" 2>"$err" ||
    fail "export --list -"
grep -q '3 kernels' "$out" || fail "export --list - did not write three kernels"
echo 'matmul m=0 n=4 k=4' | "$dltune" tune - "${tune[@]}" --db quoted.db >"$out" 2>"$err"
grep -q 'standard input:1: m: ' "$err" || fail "the line of standard input is not named"

expect 2 "tensor x: its type is f64" export --name n expression "$f64" --target x86-avx2 --db quoted.db

# A library of those that could be tuned; the others are named. An error bound of nearly nothing is
# met by what only moves numbers.
printf '%s\n' 'matmul m=5 n=7 k=31' 'expression text="input x[i=8] f32 variable; y[i=8] f32 = max(x[i], 0)"' >mostly.txt
run tune mostly.txt --target c --trials 3 --max-error 1e-30 --name mostly --out lib --db mostly.db
[ "$status" -eq 1 ] || fail "status $status: a list with a line that fails"
grep -qF 'libmostly.a: is without `matmul m=5 n=7 k=31 target=c threads=1`' "$err" || fail "what is left out is not named"
grep -q 'libmostly.a .*: 1 kernel$' "$out" || fail "no library of the rest"
[ -s lib/libmostly.a ] || fail "libmostly.a is not there"
printf 'matmul m=5 n=7 k=31\n' >none.txt
run tune none.txt "${tune[@]}" --max-error 1e-30 --name none --out lib --db none.db
[ "$status" -eq 1 ] || fail "status $status: a list that fails"
grep -q 'libnone.a: was not written' "$err" || fail "that there is no library is not said"
rm none.txt

# More threads than processors: one line, and the task is the one that was asked for.
run "${matmul[@]}" "${tune[@]}" --threads 1000 --db quoted.db
[ "$status" -eq 0 ] || fail "status $status: too many threads"
grep -q 'threads=1000$' "$out" || fail "the task is not for as many threads as asked"
[ "$(grep -c 'warning: --threads: 1000, but this process may use' "$err")" -eq 1 ] ||
    fail "too many threads are not warned of once"
run "${matmul[@]}" "${tune[@]}" --db quoted.db
grep -q 'warning' "$err" && fail "one thread is warned of"

# Without a home folder the database is not put where one happens to be.
own=$(getent passwd "$(id -u)" | cut -d: -f6)
if [ -n "$own" ]; then
    for home in "" here; do
        env -u XDG_DATA_HOME HOME=$home "$dltune" query "${matmul[@]}" >"$out" 2>"$err"
        grep -qF "dltune: $own/.local/share/dltune/tune.db" "$err" || [ -e "$own/.local/share/dltune/tune.db" ] ||
            fail "HOME='$home': not in the home folder of the password file"
    done
    env -u XDG_DATA_HOME -u HOME "$dltune" query "${matmul[@]}" >"$out" 2>"$err"
    [ -e .local ] && fail "a database in the current folder"
fi

# Lists as editors leave them: a mark before the first line, ends of lines of any kind, equal lines.
printf '\xef\xbb\xbfmatmul m=2 n=2 k=2\r\n\t# nothing\r\n\r\nmatmul k=2\tn=2 m=2 count=3' >editors.txt
run tune editors.txt --target c --trials 1 --json --quiet --db editors.db
[ "$status" -eq 0 ] || fail "status $status: tune editors.txt"
[ "$(wc -l <"$out")" -eq 1 ] || fail "equal lines were tuned twice"
grep -q '"count":4' "$out" || fail "equal lines are not counted together"

# What cannot be printed is said once, and nothing that was stored is lost.
if [ -w /dev/full ]; then
    for command in "db export" "db list --json" "bench --target c" "query matmul m=2 n=2 k=2 --target c" \
        "tune editors.txt --target c --trials 1 --quiet"; do
        # shellcheck disable=SC2086 # the command's words
        "$dltune" $command --db editors.db >/dev/full 2>"$err" </dev/null
        status=$?
        [ "$status" -eq 1 ] || fail "status $status with a full standard output: $command"
        [ "$(grep -c 'standard output: cannot be written' "$err")" -eq 1 ] ||
            fail "not one word of a full standard output: $command"
    done
fi
"$dltune" matmul m=2 n=2 k=2 --target c --trials 1 --db editors.db >&- 2>&- </dev/null
[ $? -eq 1 ] || fail "a closed standard output is no failure"
expect 0 " 0 bad" db check --db editors.db

# Progress goes nowhere but to standard error; --json leaves one object a line on standard output.
printf 'matmul m=5 n=7 k=3 count=2\nmatmul m=2 n=2 k=2 # small\n' >two.txt
run tune two.txt --target c --trials 2 --json --db two.db
[ "$status" -eq 0 ] || fail "status $status: tune two.txt"
[ "$(grep -c '^{"task":.*}$' "$out")" -eq 2 ] || fail "not two lines of JSON"
[ "$(wc -l <"$out")" -eq 2 ] || fail "more than JSON on standard output"
has_keys() {
    local key
    for key in task status target host threads layouts algorithm schedule knobs median_us min_us clock \
        gflops gflops_nominal peak_gflops peak_fraction max_error trials errors seconds trials_per_s \
        verified seed; do
        grep -q "\"$key\":" "$out" || fail "no \"$key\" in the JSON of $1"
    done
}
has_keys "a tuned workload"
grep -q '"quality":{"records":' "$out" || fail "the model's quality is not in the JSON"

# A list with a time is tuned as a network: its total, which is no JSON, goes to standard error.
run tune two.txt --target c --time 2 --trials 20 --json --db net.db
[ "$status" -eq 0 ] || fail "status $status: tune two.txt --time 2"
[ "$(grep -c '^{"task":.*"status":"ok".*}$' "$out")" -eq 2 ] || fail "not two lines of a network"
grep -q "^total .* ms of 3 calls, .* search and model took" "$err" || fail "no total of a network"
run tune two.txt --target c --time 2 --trials 2 --db net.db
grep -q "^total .* ms of 3 calls, .* trials" "$out" || fail "no total in the table of a network"
run "${matmul[@]}" --target c --trials 4 --patience 1 --json --db patient.db
[ "$status" -eq 0 ] || fail "status $status: --patience 1"
grep -q '"hopeless":' "$out" || fail "whether hope ended is not told"
expect 2 "--patience: '-1' is not a number" "${matmul[@]}" --patience -1
run query matmul k=2 m=2 n=2 --target c --json --db two.db
has_keys "a queried workload"
run bench --target c --json --db two.db
has_keys "a benchmark"
[ "$(wc -l <"$out")" -eq 2 ] || fail "not two lines of a benchmark"

# A benchmark against itself, and against times that nobody reaches.
cp "$out" two.json
sed 's/"median_us":[^,]*/"median_us":1e-9/' two.json >fast.json
sed 's/"median_us":[^,]*/"median_us":1e9/' two.json >slow.json
expect 0 "stored" bench --target c --db two.db --baseline slow.json
run bench --target c --json --db two.db --baseline fast.json
[ "$status" -eq 1 ] || fail "status $status, not 1, for a regression"
grep -q "slower than the baseline" "$err" || fail "no word of a regression"
expect 2 "two.txt:1: not a line of" bench --target c --db two.db --baseline two.txt
expect 1 "none.json: No such file" bench --target c --db two.db --baseline none.json
sed 's/"host":"[^"]*"/"host":"another"/' two.json >foreign.json
expect 2 "foreign.json:1: of another host, 'another'" bench --target c --db two.db --baseline foreign.json
# What is not stored is said; the rest is timed.
printf 'matmul m=3 n=3 k=3\nmatmul m=2 n=2 k=2\n' >half.txt
expect 1 "nothere.txt: No such file" bench nothere.txt --target c --db two.db
expect 2 "a file of workloads and a workload were given" bench matmul m=2 n=2 k=2 --list half.txt --target c --db two.db
run bench half.txt --target c --json --db two.db
[ "$status" -eq 1 ] || fail "status $status, not 1, where something is not stored"
grep -q 'nothing stored for `matmul m=3 n=3 k=3' "$err" || fail "no word of what is not stored"
grep -q '"task":"matmul m=2 n=2 k=2 ' "$out" || fail "the stored workload was not timed"

# Beside peers, whichever are installed. Without the worker that has them all else goes on.
beside=(--peers --processes 1 --target c --db two.db)
expect 0 "dltune us" bench matmul m=2 n=2 k=2 "${beside[@]}"
grep -q '^1/1 matmul m=2 n=2 k=2 target=c threads=1$' "$err" || fail "no progress of a benchmark"
run bench matmul m=2 n=2 k=2 "${beside[@]}" --json --quiet --table two.table
[ "$status" -eq 0 ] || fail "status $status: bench --peers --json"
[ -s "$err" ] && fail "progress although --quiet"
[ "$(wc -l <"$out")" -eq 1 ] || fail "not one line of a benchmark beside peers"
has_keys "a benchmark beside peers"
grep -q '"peers":\[' "$out" || fail "no peers in the JSON"
grep -q '^matmul m=2 n=2 k=2 ' two.table || fail "no table"
cp "$out" beside.json
sed 's/"median_us":[^,]*/"median_us":1e-9/' beside.json >fast.json
run bench matmul m=2 n=2 k=2 "${beside[@]}" --baseline fast.json
[ "$status" -eq 1 ] || fail "status $status, not 1, for a regression beside peers"
expect 1 "nothing stored for" bench matmul m=3 n=3 k=3 "${beside[@]}"
run bench matmul m=2 n=2 k=2 "${beside[@]}" --table none/two.table
[ "$status" -eq 1 ] || fail "status $status, not 1, for a table that cannot be written"
grep -q "^dltune: --table: none/two.table: No such file" "$err" || fail "no word of the table"
expect 2 "--table: only with --peers" bench --target c --db two.db --table two.table
expect 2 "--processes: '26' is not a number from 1 to 25" bench --peers --processes 26
export DLTUNE_BENCH_WORKER=$folder/no-worker
expect 1 "no-worker is no program" bench matmul m=2 n=2 k=2 "${beside[@]}" --quiet
expect 0 "stored" bench --target c --db two.db
unset DLTUNE_BENCH_WORKER

# Ctrl-C keeps what was found, and the same command again goes on.
"$dltune" matmul --shape m=96,n=96,k=96 --target c --time 60 --quiet --db stop.db \
    >"$out" 2>"$err" &
program=$!
for _ in $(seq 200); do
    [ "$("$dltune" db list --db stop.db 2>/dev/null | awk '{print $3}')" -gt 3 ] 2>/dev/null && break
    sleep 0.05
done
kill -INT $program # which a shell lets its background commands ignore: so it must stay
sleep 0.3
kill -TERM $program
wait $program
status=$?
[ "$status" -eq 143 ] || fail "status $status after SIGTERM, not 143"
grep -q interrupted "$out" || fail "an interrupted run does not print its best"
expect 0 "known before" matmul --shape m=96,n=96,k=96 --target c --trials 1 --db stop.db

# Where no number of trials helps, the commonest reason and what does are said.
run matmul m=8 n=8 k=300 --target c --trials 3 --max-error 1e-9 --quiet --db strict.db
[ "$status" -eq 1 ] || fail "status $status where no candidate is right enough"
grep -q 'no candidate was right: 3 of 3 were wrong (.*more than the 1e-09 allowed); allow more with --max-error$' "$err" ||
    fail "no word of why nothing was right"
grep -q -- '--trials' "$err" && fail "more trials are advised, which do not help"

# A run that goes on prints the stored best, which is that of `query`, and its own beside it.
for _ in 1 2 3; do
    run matmul m=24 n=24 k=24 --target c --trials 4 --quiet --db again.db
    own=$(sed -n 's/^  best *//p' "$out")
    run query matmul m=24 n=24 k=24 --target c --quiet --db again.db
    stored=$(sed -n 's/^  best *//p' "$out")
    [ "${own%% us*}" = "${stored%% us*}" ] || fail "'$own' is said to be the best, query gives '$stored'"
done
if command -v sqlite3 >/dev/null; then # as if an earlier run had been four times as fast
    sqlite3 again.db "update record set median_us = median_us / 4, minimum_us = minimum_us / 4,
        checksum = null where outcome = 'ok'"
    run query matmul m=24 n=24 k=24 --target c --quiet --db again.db
    stored=$(sed -n 's/^  best *//p' "$out")
    run matmul m=24 n=24 k=24 --target c --trials 1 --quiet --db again.db
    own=$(sed -n 's/^  best *//p' "$out")
    [ "${own%% us*}" = "${stored%% us*}" ] || fail "'$own' is said to be the best, '$stored' is stored"
    grep -q '^  this run ' "$out" || fail "no word of this run's own best"
fi

# Files that may not grow, or a full disk: a message, and what was stored before is whole.
(ulimit -f 400; run matmul m=40 n=40 k=40 --target c --trials 200 --quiet --db limited.db
    [ "$status" -eq 1 ] || fail "status $status where files may not grow"
    grep -q 'limited.db: cannot grow: files may have 400 KiB here' "$err" ||
        fail "no word of the limit of file sizes"
    [ "$failures" -eq 0 ]) || failures=$((failures + 1))
expect 0 ", 0 bad" db check --db limited.db
mkdir full
if mount -t tmpfs -o size=300k tmpfs full 2>/dev/null; then
    run matmul m=40 n=40 k=40 --target c --trials 200 --quiet --db full/tune.db
    [ "$status" -eq 1 ] || fail "status $status on a full disk"
    grep -q 'full/tune.db: the disk is full' "$err" || fail "no word of a full disk"
    expect 0 ", 0 bad" db check --db full/tune.db
    umount full
fi

# A task that no memory holds is said to be one, by its size.
run matmul m=1048576 n=1048576 k=1 --target c --trials 1 --db large.db
[ "$status" -eq 1 ] || fail "status $status: a task of terabytes"
grep -q '^dltune: .* GiB of memory, this machine has' "$err" || fail "no word of memory"

# Installed under any prefix, the program finds its worker.
mkdir -p prefix/bin prefix/libexec/dltune
cp "$dltune" prefix/bin/dltune
cp "$(dirname "$dltune")/dltune-worker" prefix/libexec/dltune/
prefix/bin/dltune matmul m=5 n=7 k=3 --target c --trials 1 --quiet --db prefix/tune.db \
    >"$out" 2>"$err" || fail "an installed program does not find its worker"

# One word of the shell is one value, whatever spaces and signs are in it.
text='input x[i=8, j=9] f32 variable; y[i=8] f32 = sum(j=9) x[i, j]'
expect 0 "expression text=" expression "text=$text" --target c --trials 2 --db expression.db
expect 0 "expression text=" query expression "text=$text" --target c --db expression.db
expect 0 "matmul m=5 n=7 k=3" query matmul 'm=5 n=7' k=3 --target c --db tune.db

# A list is tuned and exported in one command; a name that is none is refused before any tuning.
expect 0 "libboth.a  both.h  both.c  both.pc: 2 kernels" tune two.txt --target c --trials 1 \
    --db two.db --name both --out library
[ -s library/libboth.a ] || fail "there is no library"
expect 2 "name: 'a-b' is no C identifier" tune two.txt --name a-b --db never.db
expect 2 "--out: means nothing without --name" tune two.txt --out library --db never.db
[ ! -e never.db ] || fail "something was tuned under a bad name"

finish
