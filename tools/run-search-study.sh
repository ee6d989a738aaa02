#!/usr/bin/env bash
# Records and judges everything that docs/search.md says of the search: on a quiet machine, in about 45 minutes.
#
#     tools/run-search-study.sh                    all parts, in this order
#     tools/run-search-study.sh replay quality     some of them
#
#     record    bench/replay/*.gz: thinned spaces of bench/studies/search.txt, measured exhaustively
#     draw      bench/drawn/*.gz: points drawn from the whole spaces of bench/studies/drawn.txt
#     replay    strategies compared on the first; docs/search/replay.txt, replay.svg
#     quality   models judged on the second; docs/search/quality.txt
#     live      strategies compared by tuning; docs/search/live.txt, live.svg, live.curves
#     best      long runs of bench/suites/resnet50.txt; bench/best/resnet50.jsonl
#     left-out  each of its layers in 32 trials with the others stored; docs/search/left-out.txt
#     network   all of it in 120 s from nothing, beside the best; docs/search/network.txt
#     trials    10^5 trials on one task; docs/search/trials.txt
set -euo pipefail

usage="usage: tools/run-search-study.sh [options] [PART...]
  --build DIR    where the programs are (build); missing ones are built
  --work DIR     databases, kept from part to part (DIR/search-study)
  --points N     of a thinned space at most (4000)
  --draw N       points of a whole space (1000)
  --trials N     of a live run (150)
  --best N       trials a layer of the long runs (1500)
parts: record draw replay quality live best left-out network trials"

wrong() {
    printf 'run-search-study: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}

cd "$(dirname "$0")/.."
build=build work='' points=4000 draw=1000 trials=150 best=1500 parts=()
while [ $# -gt 0 ]; do
    case $1 in
    --help) echo "$usage" && exit ;;
    record | draw | replay | quality | live | best | left-out | network | trials) parts+=("$1") && shift && continue ;;
    --*) [ $# -gt 1 ] || wrong "$1: its value is missing" ;;
    *) wrong "$1: no such part" ;;
    esac
    case $1 in
    --build) build=$2 ;;
    --work) work=$2 ;;
    --points) points=$2 ;;
    --draw) draw=$2 ;;
    --trials) trials=$2 ;;
    --best) best=$2 ;;
    *) wrong "$1: unknown option" ;;
    esac
    shift 2
done
[ ${#parts[@]} -gt 0 ] || parts=(record draw replay quality live best left-out network trials)
work=${work:-$build/search-study}
network=bench/suites/resnet50.txt
mkdir -p "$work" docs/search bench/replay bench/drawn bench/best
ninja -C "$build" dltune dltune-worker bench_replay_record bench_replay_search bench_live_search bench_search_report \
    bench_model_quality bench_left_out bench_network_total bench_trials >"$work/build.log" ||
    wrong "$build: see $work/build.log"

# "conv2d n=1 c=64 ... pad=1" as a file name: what is left of it without names and ones
file_of() { sed -E ':a; s/ (count=[0-9]+|n=1|pad=0|stride=1) / /; ta; s/ +[a-z]+=/_/g; s/ +$//; s/[^A-Za-z0-9_.-]+/_/g' <<<"$1 "; }

workloads() { sed 's/#.*//; s/ *$//; /^$/d' "$1"; }

record_all() { # FOLDER LIST POINTS [draw]
    rm -f "$1"/*.gz
    workloads "$2" | while read -r workload; do
        "$build/bench_replay_record" "$1/$(file_of "$workload").gz" "$workload" "$3" 0 ${4:+"$4"} </dev/null
    done
}

conditions() {
    echo "$(date +%F), $(git rev-parse --short HEAD), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
}

run() {
    case $1 in
    record) record_all bench/replay bench/studies/search.txt "$points" ;;
    draw) record_all bench/drawn bench/studies/drawn.txt "$draw" draw ;;
    replay)
        "$build/bench_replay_search" --curves "$work/replay.curves" bench/replay/*.gz >docs/search/replay.txt
        "$build/bench_search_report" "$work/replay.curves" docs/search/replay.svg "Replay: thinned spaces measured exhaustively" >/dev/null
        ;;
    quality) "$build/bench_model_quality" bench/drawn/*.gz >docs/search/quality.txt ;;
    live)
        "$build/bench_live_search" docs/search/live.curves bench/studies/search.txt "$trials" >docs/search/live.txt
        "$build/bench_search_report" docs/search/live.curves docs/search/live.svg "Live runs: whole spaces, five seeds" >/dev/null
        ;;
    best)
        "$build/dltune" tune "$network" --trials "$best" --db "$work/best.db" --quiet >"$work/best.txt"
        rm -f "$work/pruned.db"
        "$build/dltune" db merge "$work/best.db" --db "$work/pruned.db"
        "$build/dltune" db prune --keep 1 --db "$work/pruned.db"
        "$build/dltune" db export --db "$work/pruned.db" >bench/best/resnet50.jsonl
        ;;
    left-out) "$build/bench_left_out" "$work/best.db" "$network" >docs/search/left-out.txt ;;
    network)
        rm -f "$work"/network.db*
        "$build/dltune" tune "$network" --time 120 --db "$work/network.db" | tee "$work/network.txt" | tail -1 >docs/search/network.txt
        "$build/bench_network_total" "$network" "$work/network.db" bench/best/resnet50.jsonl >>docs/search/network.txt
        ;;
    trials) "$build/bench_trials" 'conv2d c=3 h=224 w=224 k=64 r=7 s=7 stride=2 pad=3' 100000 model synthetic >docs/search/trials.txt ;;
    esac
}

for part in "${parts[@]}"; do
    printf '%s  %s\n' "$(date +%T)" "$part" >&2
    run "$part"
    printf '%s: %s\n' "$part" "$(conditions)" >>"$work/log"
done
