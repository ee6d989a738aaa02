#!/bin/sh
# Sixteen threads and one runtime under ThreadSanitizer (tests/runtime/test_threads.c).
set -e
cd "$(dirname "$0")/.."
build=${BUILD_THREADS:-build-threads}
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DCMAKE_C_FLAGS=-fsanitize=thread -DCMAKE_EXE_LINKER_FLAGS=-fsanitize=thread >/dev/null
cmake --build "$build" -j "${JOBS:-2}" --target runtime_test_threads
# the sanitizer's map of memory does not bear the random addresses of some kernels
TSAN_OPTIONS=halt_on_error=1 setarch "$(uname -m)" -R "$build/runtime_test_threads"
