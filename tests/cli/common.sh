# shellcheck shell=bash
# What tests of the command line share; they source it with their own arguments, the first of which
# is the program. They are then in an empty folder of their own, with no database by default.
#
# `run` leaves a command's outputs in $out and $err and its exit status in $status, `expect` is a
# line of a table of commands, `fail` counts what is wrong, `finish` ends the test.
dltune=$(realpath "$1")
top=$(mktemp -d)
folder=$top/folder out=$top/out err=$top/err
mkdir "$folder"
trap 'umount "$folder"/* 2>/dev/null; chmod -R u+w "$top"; rm -rf "$top"' EXIT
cd "$folder" || exit 1
unset DLTUNE_DB
export XDG_DATA_HOME=$folder/data HOME=$folder/home
failures=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    /' "$out" "$err" | cut -c1-200 | head -20
}

run() {
    "$dltune" "$@" >"$out" 2>"$err" </dev/null
    status=$?
}

expect() { # STATUS PIECE ARGUMENTS: the piece is on either output
    local want=$1 piece=$2
    shift 2
    run "$@"
    [ "$status" -eq "$want" ] || { fail "status $status, not $want: dltune $*"; return; }
    cat "$out" "$err" | grep -qF -- "$piece" || fail "no '$piece' from: dltune $*"
}

finish() {
    [ "$failures" -eq 0 ] || exit 1
    echo "all passed"
}
