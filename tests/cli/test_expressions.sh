#!/usr/bin/env bash
# The examples of docs/expressions.md: each is tuned, which compares it with the reference; its
# canonical text is its own; and what the page says is refused is, with the message that it says.
#
#     test_expressions.sh DLTUNE-PROGRAM EXPRESSIONS.MD
set -u
page=$(realpath "$2")
. "$(dirname "$0")/common.sh"

examples=0
example() {
    local text=$1 key
    examples=$((examples + 1))
    expect 0 "" expression --text "$text" --trials 1 --patience 0 --quiet --db "$examples.db"
    key=$(sed -n 's/ target=[^ ]* threads=1$//p' "$out" | head -1)
    [ -n "$key" ] || { fail "no key: $text"; return; }
    grep -qE '(sum|product|max|min)\([^()]*=[0-9]+\);' <<<"$key" && fail "';' inside of a tensor: $key"
    text=${key#*\"}
    expect 0 "$key" query expression --text "${text%\"*}" --db "$examples.db"
}

block="" inside=false
while IFS= read -r line; do
    if [ "$line" != '```' ]; then
        block+=$line$'\n'
    elif $inside; then
        example "$block"
        inside=false
    else
        block="" inside=true
    fi
done <"$page"
[ "$examples" -ge 10 ] || fail "only $examples examples"

refusals=0
while IFS='|' read -r _ text message _; do
    text=${text# \`} message=${message# }
    refusals=$((refusals + 1))
    expect 2 "${message% }" expression --text "${text%\` }" --trials 1 --db refused.db
done < <(sed -n '/^## What is refused/,/^## Limits/p' "$page" | grep '^| `')
[ "$refusals" -ge 5 ] || fail "only $refusals refusals"
[ -e refused.db ] && fail "a refused expression made a database"
finish
