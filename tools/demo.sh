#!/usr/bin/env bash
# Tunes a layer of ResNet-50, asks for it back, runs it from the database, ships it as a library.
# Builds what it needs in $BUILD; leaves its files in demo/.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath -m "${BUILD:-build}")
trials=${TRIALS:-64}
PATH=$build:$PATH

layer=(conv2d --shape n=1,c=64,h=56,w=56,k=64,r=3,s=3 --pad 1)
mkdir -p demo

echo "building in $build (log: demo/build.log)"
if ! { cmake -S . -B "$build" -G Ninja &&
    cmake --build "$build" -j "${JOBS:-2}" --target dltune dltune-worker run_from_database; } \
    >demo/build.log 2>&1; then
    tail -n 40 demo/build.log >&2
    exit 1
fi

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

step "1. Tune it: $trials candidates, each compared with the reference before it is timed"
show dltune "${layer[@]}" --trials "$trials" --db demo/kernels.db

step "2. Ask for it: nothing is measured"
show dltune query "${layer[@]}" --db demo/kernels.db

step "3. Use it from C: a program gets the kernel from the database and runs it"
show "$build/run_from_database" demo/kernels.db

step "4. Ship it: a static library, and a program that links it and nothing else"
show dltune export "${layer[@]}" --db demo/kernels.db --name kernels --out demo
show gcc -O2 examples/use_exported.c -Idemo demo/libkernels.a -lm -o demo/use_exported
show demo/use_exported
printf 'undefined symbols in the library: '
nm -u demo/libkernels.a | grep -c ' U ' || true
