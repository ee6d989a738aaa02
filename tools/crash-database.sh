#!/bin/sh
# Eight processes write into one database for a minute, killed at random, twenty times; after each
# time the file is checked: whole, no committed record lost, none doubled.
#
#     tools/crash-database.sh [SECONDS [ROUNDS]]
set -e
cd "$(dirname "$0")/.."
build=${BUILD:-build}
cmake -S . -B "$build" -G Ninja >/dev/null
cmake --build "$build" -j "${JOBS:-2}" --target db_test_accidents
DLTUNE_CRASH_SECONDS=${1:-60} DLTUNE_CRASH_ROUNDS=${2:-20} "$build/db_test_accidents"
