#!/usr/bin/env bash
# `dltune db`: files joined, cleaned, checked and repaired, from the command line.
#
#     test_db.sh DLTUNE-PROGRAM
set -u
. "$(dirname "$0")/common.sh"

for seed in 1 2; do
    "$dltune" matmul m=5 n=7 k=3 --target c --trials 4 --quiet --seed $seed --db $seed.db >/dev/null
done

expect 0 "1.db: " db merge 1.db 2.db --db all.db
expect 0 ", 0 of them new" db merge 1.db 2.db --db all.db
expect 2 "db merge: the names of files are missing" db merge --db all.db
expect 1 "none.db: there is no such database" db merge none.db --db all.db
expect 1 "none.db: there is no such database" db merge 1.db none.db --db new.db
expect 1 "none: No such file" db import none --db new.db
expect 1 "new.db: there is no such database" db prune --db new.db
[ ! -e new.db ] || fail "new.db was created"
expect 2 "db: what to do is missing; it may be one of: list" db
expect 2 "db list: 'x' was not expected" db list x --db all.db
expect 2 "it may be one of: list show failures export import merge prune check" db shew

"$dltune" db export --db all.db >lines || fail "db export"
expect 0 ", 0 of them new" db import lines --db all.db
expect 0 '"read":' db import lines --db copy.db --json
"$dltune" db export --db copy.db | cmp - lines || fail "what was imported is exported otherwise"
echo '{"schema":"dltune-record/9"}' >future
expect 1 "future: line 1: schema: 'dltune-record/9' is not known" db import future --db copy.db
expect 1 "missing: No such file" db import missing --db copy.db

expect 0 ", 0 bad" db check --db all.db
expect 0 "1 bests run, 0 wrong" db check --run --db all.db
expect 0 "records removed" db prune --keep 1 --db copy.db
expect 2 "--keep: means nothing to db list; it belongs to db prune" db list --keep 2 --db copy.db
expect 2 "--out: means nothing to db export" db export --out lines --db copy.db
expect 2 "--keep: '0' is not a number from 1" db prune --keep 0 --db copy.db
expect 0 "us" query matmul m=5 n=7 k=3 --target c --db copy.db

# failures, and one of them again
"$dltune" db failures --db all.db || fail "db failures"
printf 'dltune failure 1\ntask matmul m=5 n=7 k=3 target=c threads=1\noutcome refused\nmessage so it was\ntrace\nfly away\n' >failure
expect 0 "now   refused" explain --replay failure
sed 's/outcome refused/outcome wrong/' failure >other
expect 1 "then  wrong: so it was" explain --replay other
sed 's/outcome refused/outcome odd/' failure >other
expect 2 "line 3: 'outcome odd'" explain --replay other

# names that changed are no names of the records any more: these are left out, and that is said
LC_ALL=C sed 's/matmul m=5/matmux m=5/g' all.db >odd.db
expect 1 "nothing is stored for target=c" bench --target c --db odd.db
expect 1 "is not what was written" bench --target c --db odd.db

# a page of the middle is overwritten: reading says so, the rest is recovered
cp all.db damaged.db
head -c 4096 /dev/zero | tr '\0' '\377' |
    dd of=damaged.db bs=4096 seek=7 conv=notrunc status=none
expect 1 "damaged" db check --db damaged.db
expect 0 "records recovered" db check --repair new.db --db damaged.db
expect 0 ", 0 bad" db check --db new.db
expect 1 "new.db: is there already" db check --repair new.db --db damaged.db
head -c $(($(stat -c %s all.db) - 5000)) all.db >half.db
expect 1 "damaged" db check --db half.db
expect 0 " records recovered" db check --repair rest.db --db half.db
head -c 9000 all.db >start.db
expect 1 "no record could be recovered" db check --repair none.db --db start.db

# a digit that changed, which SQLite cannot tell
"$dltune" db export --db all.db | head -1 | grep -o '"knobs":"[^"]*"' | cut -d'"' -f4 >knobs
LC_ALL=C sed "s/$(cat knobs)/$(tr 0-9 1-90 <knobs)/" all.db >digit.db
expect 1 "is not what was written" db check --db digit.db
expect 0 "found damaged" db check --repair digits.db --db digit.db
expect 0 ", 0 bad" db check --db digits.db

# ---- what comes from outside ----

workload="matmul m=5 n=7 k=3 --target c"
# exported as one_LINE does, with `"KEY":VALUE` in place of what is there
line() { "$dltune" db export --db 1.db | head -1 |
    sed -E "s|\"identity\":\"[0-9a-f]{8}|\"identity\":\"$(printf %08x $((RANDOM * 7 + 1)))|; $1"; }
taken() { line "$1" >line.json; expect 1 "line.json: line 1: $2" db import line.json --db fresh.db; }
rm -f fresh.db
taken 's/"task":"[^"]*"/"task":"matmul m=1"/' "task: "
taken 's/"task":"[^"]*"/"task":"matmul m=1 target=c threads=1"/' "task: "
taken 's/"trace":"[^"]*"/"trace":""/' "trace: has no steps"
taken 's/"trace":"[^"]*"/"trace":"bogus step"/' "trace: line 1"
taken 's/"outcome":"ok"/"outcome":"okk"/' "outcome: 'okk' is none"
taken 's/"clock":"cpu"/"clock":"moon"/' "clock: 'moon' is not cpu or wall"
taken 's/"seed":[0-9]*/"seed":-1/' "seed: -1 is not a number from 0"
taken 's/"median_us":[^,]*/"median_us":1e-9/' "median_us: 1e-09 is not a number from"
taken 's/"median_us":[^,]*/"median_us":null/' "median_us: "
taken 's/"minimum_us":[^,]*/"minimum_us":1e9/' "minimum_us: "
expect 3 "nothing stored for" query $workload --db fresh.db
{ line ''; line 's/"seed":[0-9]*/"seed":-1/'; line 's/"clock":"cpu"/"clock":""/'; } >mixed.json
expect 1 "mixed.json: line 3: clock: is empty" db import mixed.json --db fresh.db
expect 1 "2 of 3 lines cannot be believed, so nothing was taken in; --skip-bad takes" db import mixed.json --db fresh.db
expect 3 "nothing stored for" query $workload --db fresh.db
expect 2 "--skip-bad: means nothing to db check" db check --skip-bad --db fresh.db
expect 0 "3 records, 1 of them new, 2 left out" db import --skip-bad mixed.json --db fresh.db

# what was taken in is of somebody: not verified until it was measured here, which tuning begins with
expect 0 '"verified":false,"from":"' query $workload --db fresh.db --json
expect 0 "taken in from another file and not compared with the reference here" query $workload --db fresh.db
expect 0 "1 in " $workload --trials 1 --db fresh.db
expect 0 '"verified":true,"from":null' query $workload --db fresh.db --json

# a time that is none, and other columns of any type: left out, named, and nothing takes for ever
if command -v sqlite3 >/dev/null; then
    tamper() { cp 1.db bad.db; sqlite3 bad.db "UPDATE record SET $1 WHERE id = (SELECT max(id) FROM record)"; }
    for change in "median_us='abc'" "median_us=-1" "median_us=9e999" "median_us=1e-300" "median_us=x'00'" \
        "clock='moon'" "seed=-1" "trace='bogus step', checksum=NULL" "trace='', checksum=NULL" "host_id='x'"; do
        tamper "$change"
        expect 1 "record" db check --db bad.db
        expect 0 "us" query $workload --db bad.db
        expect 0 "us" bench $workload --db bad.db
        expect 0 "1 kernel" export $workload --name bad --out bad --db bad.db
        expect 0 "best" $workload --trials 1 --db bad.db
    done
    # files that are damaged: the file's fault, status 1
    tamper "median_us='abc'"
    expect 1 "bad.db: record" db merge bad.db --db new2.db
    expect 0 "left out" db merge --skip-bad bad.db --db new2.db
    sqlite3 bad.db "UPDATE record SET outcome='okk'"
    expect 1 "nothing stored" export $workload --name bad --out bad --db bad.db
    # a model whose bytes changed, and one that was made on purpose
    cp 1.db model.db
    sqlite3 model.db "INSERT INTO model(name, target, host_id, features, records, created, bytes, checksum)
        VALUES('trees', 'c', 1, '7', 1000, 2000000000, randomblob(5000), 1)"
    expect 1 "model 1: is not what was written" db check --db model.db
    expect 1 "model 1: is not what was written" db merge model.db --db new3.db
    sqlite3 model.db "UPDATE model SET checksum = NULL"
    expect 0 "best" $workload --trials 2 --db model.db
    # repairing is for files of dltune, of versions it knows
    cp 1.db newer.db && sqlite3 newer.db "PRAGMA user_version = 99"
    expect 1 "written by a newer dltune" db check --repair repaired.db --db newer.db
    cp 1.db foreign.db && sqlite3 foreign.db "PRAGMA application_id = 77"
    expect 1 "not one of dltune" db check --repair repaired.db --db foreign.db
    [ ! -e repaired.db ] || fail "repaired.db was made"
else
    echo "skipped: without sqlite3 no row can be changed"
fi

# a disk that is full keeps what was committed
mkdir disk
if mount -t tmpfs -o size=200k tmpfs disk 2>/dev/null; then
    expect 1 "the disk is full" matmul m=5 n=7 k=3 --target c --trials 2000 --db disk/full.db
    expect 0 ", 0 bad" db check --db disk/full.db
    expect 0 "us" query matmul m=5 n=7 k=3 --target c --db disk/full.db
    expect 1 "is the disk full?" export --target c --name full --out disk --db disk/full.db
    umount disk
else
    echo "skipped: a small disk cannot be made without the right to mount one"
fi

# a folder that is not writable, for one whom permissions bind
mkdir kept && cp all.db kept && chmod 755 .. . && chmod 555 kept
as=; [ "$(id -u)" -ne 0 ] || as="setpriv --reuid 65534 --clear-groups"
if $as "$dltune" version >/dev/null 2>&1; then
    program=$dltune
    dltune=run_bound
    run_bound() { $as "$program" "$@"; }
    expect 0 "us" query matmul m=5 n=7 k=3 --target c --db kept/all.db
    expect 0 ", 0 bad" db check --db kept/all.db
    expect 1 "kept/all.db: not writable" matmul m=5 n=7 k=3 --target c --trials 1 --db kept/all.db
    expect 1 "kept/new: cannot create this folder" export --target c --name x --out kept/new --db kept/all.db
    dltune=$program
else
    echo "skipped: the program cannot be run as another user here"
fi
chmod 755 kept

# /dev/null that cannot be written: it is named, not the worker
touch nothing && chmod 400 nothing && chmod 777 .
if [ -n "$as" ] && unshare -m mount --bind nothing /dev/null 2>/dev/null && $as "$dltune" version >/dev/null 2>&1; then
    unshare -m sh -c "mount --bind nothing /dev/null; exec $as '$dltune' matmul m=5 n=7 k=3 --target c --db '$folder/null.db'" >"$out" 2>"$err"
    grep -q "/dev/null cannot be opened for reading and writing" "$err" || fail "not said of /dev/null"
else
    echo "skipped: /dev/null cannot be covered here"
fi

# a file that is removed while it is tuned into
"$dltune" matmul m=40 n=96 k=64 --trials 100000 --quiet --db gone.db >/dev/null 2>said &
while kill -0 $! && ! "$dltune" db list --db gone.db 2>&1 | grep -q m=40; do sleep 0.1; done
rm gone.db
wait $! && fail "tuning into a removed file"
grep -q "gone.db: the file was removed or replaced while it was in use" said ||
    fail "not said of a removed file: $(cat said)"

finish
