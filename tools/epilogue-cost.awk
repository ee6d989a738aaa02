# Table of tools/epilogue-cost.sh: from a line of `targets --measure --json`, then lines of `bench --json`.

function field(name,    at) { # the number or text of a key of the line
    if (!match($0, "\"" name "\":(\"[^\"]*\"|[^,}]*)"))
        return ""
    at = length(name) + 4
    value = substr($0, RSTART + at - 1, RLENGTH - at + 1)
    gsub(/"/, "", value)
    return value
}

function median(list,    numbers, count, i, j, swap) {
    count = split(list, numbers, " ")
    for (i = 2; i <= count; i++)
        for (j = i; j > 1 && numbers[j - 1] + 0 > numbers[j] + 0; j--) {
            swap = numbers[j]
            numbers[j] = numbers[j - 1]
            numbers[j - 1] = swap
        }
    return numbers[int((count + 1) / 2)]
}

FNR == NR {
    if (field("runs_here") == "true" && field("native") == "true")
        for (level = 1; level <= 4; level++) {
            name = level < 4 ? "l" level : "dram"
            bandwidth[name] = field("bandwidth " name " read")
        }
    next
}

field("status") == "ok" {
    task = field("task")
    sub(/ target=.*/, "", task)
    epilogue = match(task, / post=[^ ]*/) ? substr(task, RSTART + 6, RLENGTH - 6) : "none"
    sub(/ post=[^ ]*/, "", task)
    if (!(task in known))
        order[++tasks] = task
    known[task] = 1
    times[task, epilogue] = times[task, epilogue] " " field("median_us")
    bytes[task, epilogue] = field("bytes")
    memory[task, epilogue] = field("memory")
}

END {
    printf "%-62s %9s %10s %10s %10s\n", "", "bare, us", "bias,relu", "residual", "its bytes"
    for (i = 1; i <= tasks; i++) {
        task = order[i]
        bare = median(times[task, "none"])
        relu = median(times[task, "bias,relu"])
        added = median(times[task, "bias,add,relu"])
        if (!bare || !relu || !added)
            continue
        level = memory[task, "bias,add,relu"]
        read = bandwidth[level] ? (bytes[task, "bias,add,relu"] - bytes[task, "bias,relu"]) / bandwidth[level] * 1e6 : 0
        printf "%-62s %9.1f %+9.1f%% %+9.1f%% %+9.1f%%\n", task, bare, (relu / bare - 1) * 100, (added / bare - 1) * 100, read / bare * 100
    }
}
