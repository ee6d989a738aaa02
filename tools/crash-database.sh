#!/bin/sh
# Eight programs tune into one database for a minute and are killed at random, twenty times; then the
# same with eight processes that do nothing but write. After each round the file is checked: whole,
# no committed record lost, none doubled.
#
#     tools/crash-database.sh [SECONDS [ROUNDS]]
set -e
cd "$(dirname "$0")/.."
build=${BUILD:-build}
seconds=${1:-60}
rounds=${2:-20}
cmake -S . -B "$build" -G Ninja >/dev/null
cmake --build "$build" -j "${JOBS:-2}" --target dltune dltune-worker db_test_accidents
tests/cli/test_crash.sh "$build/dltune" "$seconds" "$rounds"
DLTUNE_CRASH_SECONDS=$seconds DLTUNE_CRASH_ROUNDS=$rounds "$build/db_test_accidents"
