# Holds includes against rooms; see test_includes.sh, which calls this with three files: the rooms,
# the circles that are meant, and a line `FILE HEADER` for each include.
function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
function unit_of(path) { sub(/\.[ch]$/, "", path); return path }
function owners_of(path) {
    return unit_of(path) in unit_owner ? unit_owner[unit_of(path)] : folder_owner[folder_of(path)]
}
function complain(text) { print text; bad++ }

# Whether one of the modules `from` is, or links, one of the modules `to`.
function reaches(from, to,    i, n, list) {
    n = split(from, list, " ")
    for (i = 1; i <= n; i++) {
        if (index(to " ", " " list[i] " ")) return 1
        if (list[i] in visited) continue
        visited[list[i]] = 1
        if (reaches(links[list[i]], to)) return 1
    }
    return 0
}

# All units that `unit` leads to, in `led`.
function follow(unit,    i, n, list, queue) {
    delete led
    queue = next_of[unit]
    while (queue != "") {
        n = split(queue, list, " ")
        queue = ""
        for (i = 1; i <= n; i++)
            if (!(list[i] in led)) { led[list[i]] = 1; queue = queue next_of[list[i]] }
    }
}

{ part = FILENAME == ARGV[1] ? 1 : FILENAME == ARGV[2] ? 2 : 3 }
part == 1 && $1 == "folder" { folder_owner[$3] = folder_owner[$3] " " $2 }
part == 1 && $1 == "file" { unit_owner[unit_of($3)] = unit_owner[unit_of($3)] " " $2 }
part == 1 && $1 == "links" { links[$2] = links[$2] " " $3 }
part == 2 && /^[^#]/ { circle++; n = split($0, words, " "); for (i = 1; i <= n; i++) meant[words[i]] = circle }
part == 3 {
    if ($2 ~ /^dltune\// || owners_of($1) == "") next
    includes++
    delete visited
    if (owners_of($2) == "") complain($1 ": includes " $2 ", which belongs to no module")
    else if (!reaches(owners_of($1), owners_of($2)))
        complain($1 ": includes " $2 ", which" owners_of($1) " does not link")
    from = unit_of($1); to = unit_of($2)
    if (folder_of($1) == folder_of($2) && from != to && !((from, to) in edge)) {
        edge[from, to] = 1
        next_of[from] = next_of[from] " " to
    }
}
END {
    for (unit in next_of) {
        follow(unit)
        if (!(unit in led)) continue
        members = ""
        for (other in led) back[other] = 1
        for (other in back) {
            follow(other)
            if (unit in led && other != unit && (!(unit in meant) || meant[unit] != meant[other]))
                members = members " " other
        }
        delete back
        if (members != "") complain(unit ": leads back to itself, by" members)
    }
    printf "%d includes of modules, %d go up or round\n", includes, bad
    exit bad > 0 || includes == 0
}
