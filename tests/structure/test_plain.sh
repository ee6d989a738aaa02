#!/usr/bin/env bash
# The library prints and reads nothing in its program's locale.
#
#     test_plain.sh [SOURCE]
#
# Numbers go through base/number.h, formats with floating conversions and characters through
# base/plain.h, JSON's numbers through json/number.h. Programs of our own never call setlocale.
set -uo pipefail
cd "${1:-$(dirname "$0")/../..}" || exit 1
library=(api base costmodel db export include ir json machine measure runtime schedules search targets
    te threads)
failures=0

# forbid WHAT PATTERN FOLDERS...: a pattern of perl, over line ends; but for the files that are about
# it
forbid() {
    local what=$1 pattern=$2
    shift 2
    found=$(grep -rPzo --include='*.[ch]' "$pattern" "$@" | tr '\0' '\n' |
        grep -E '^[a-z]+/.*[ch]:' | grep -vE '^(base/(plain|number)|json/number)\.[ch]:')
    [ -z "$found" ] && return
    printf '%s:\n%s\n' "$what" "$found"
    failures=$((failures + 1))
}

for folder in "${library[@]}"; do
    [ -d "$folder" ] || { echo "there is no folder $folder"; failures=$((failures + 1)); }
done
conversion='%[-+#0-9.*]*[aAeEfFgG]'
forbid "reads in the program's locale" '\b(strtod|strtof|strtold|atof)\(' "${library[@]}" cli
forbid "asks the program's locale for characters" \
    '<ctype\.h>|\b(is(alpha|alnum|digit|space|upper|lower|punct)|to(upper|lower))\(' "${library[@]}" cli
forbid "prints in the program's locale" \
    "\b(sn?printf|vsn?printf|gzprintf|dprintf)\([^;]*?$conversion" "${library[@]}"
forbid "changes the locale of the whole process" '\bsetlocale\(' "${library[@]}" cli bench
forbid "JSON in the program's locale" 'cJSON_(AddNumberToObject|Parse[A-Za-z]*)\(' "${library[@]}" cli \
    bench
[ "$failures" -eq 0 ] && echo "all passed"
exit $((failures > 0))
