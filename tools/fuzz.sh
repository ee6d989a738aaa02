#!/bin/sh
# Fuzzes what reads text and files that others wrote (fuzz/*.c), by libFuzzer.
#
#     tools/fuzz.sh [SECONDS [TARGET...]]
#
# Each target runs for SECONDS (600) from its corpus in fuzz/corpus/TARGET; what it finds new goes to
# the build folder, and a finding stops it with the input's name. tools/fuzz.sh --keep puts some of the
# smallest inputs that reach new code into the corpora.
set -e
cd "$(dirname "$0")/.."
build=${BUILD_FUZZ:-build-fuzz}
seconds=${1:-600}
[ $# -gt 0 ] && shift
targets=${*:-$(cd fuzz && ls -- *.c | sed 's/\.c$//')}

flags="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined"
CC=clang cmake -S . -B "$build" -G Ninja -DDLTUNE_FUZZ=ON -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_C_FLAGS="$flags -fsanitize=fuzzer-no-link" -DCMAKE_EXE_LINKER_FLAGS="$flags" >/dev/null
for target in $targets; do
    cmake --build "$build" -j "${JOBS:-2}" --target "fuzz_$target"
    mkdir -p "$build/corpus/$target"
    if [ "$seconds" = --keep ]; then
        "$build/fuzz_$target" -set_cover_merge=1 -max_len=16384 "fuzz/corpus/$target" \
            "$build/corpus/$target"
        # of those with the fuzzer's names the 80 smallest stay: a corpus is to be read through
        (cd "fuzz/corpus/$target" && ls -rS | grep -E '^[0-9a-f]{40}$' | tail -n +81 | xargs -r rm)
        continue
    fi
    dictionary=fuzz/$target.dict
    nice "$build/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 \
        -artifact_prefix="$build/$target-" $([ -f "$dictionary" ] && echo "-dict=$dictionary") \
        "$build/corpus/$target" "fuzz/corpus/$target"
done
