#!/usr/bin/env bash
# An installation as its users meet it: under a prefix, moved afterwards, the examples built outside
# of the build folder by pkg-config and by CMake, run, and made to fail.
#
#     test_install.sh CMAKE BUILD_FOLDER [COMPILER_FLAGS]
#
# The commands are those of the examples' own comments.
cmake=$1 build=$(realpath "$2") flags=${3-}
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
cd "$top" || exit 1
export HOME=$top/home XDG_DATA_HOME=$top/data
unset DLTUNE_DB DLTUNE_WORKER
failures=0

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    sed 's/^/    /' out err 2>/dev/null | cut -c1-200 | tail -20
}

expect() { # STATUS PIECE COMMAND...
    local want=$1 piece=$2 status
    shift 2
    "$@" >out 2>err </dev/null
    status=$?
    [ "$status" -eq "$want" ] || { fail "status $status, not $want: $*"; return 1; }
    [ -z "$piece" ] || cat out err | grep -qF -- "$piece" || { fail "no '$piece' from: $*"; return 1; }
}

# Installed for a place, staged elsewhere, and moved: nothing in it may know where it was.
"$cmake" --install "$build" --prefix "$top/first" >out 2>err || { fail "install"; exit 1; }
[ -x first/bin/dltune ] && [ -f first/include/dltune/dltune.h ] || { fail "files"; exit 1; }
DESTDIR=$top/stage "$cmake" --install "$build" --prefix /opt/somewhere >out 2>err || fail "staging"
diff -r first stage/opt/somewhere >out 2>&1 || fail "a staged installation differs"
mv stage/opt/somewhere prefix && rm -rf first stage
examples=$top/prefix/share/dltune/examples
pc=$(dirname "$(find "$top/prefix" -name dltune.pc)")

# The tools of the comments: few trials are enough here, and no warning is accepted.
mkdir tools
cat >tools/dltune <<END
#!/bin/sh
case \$1 in
    matmul | conv2d) exec "$top/prefix/bin/dltune" "\$@" --trials 2 --quiet ;;
    *) exec "$top/prefix/bin/dltune" "\$@" ;;
esac
END
printf '#!/bin/sh\nexec %s -O2 -Wall -Wextra -Werror %s "$@"\n' "$(command -v cc)" "$flags" >tools/cc
printf '#!/bin/sh\nexec %s -O2 -Wall -Wextra -Werror %s "$@"\n' "$(command -v c++)" "$flags" >tools/c++
chmod +x tools/*
export PATH=$top/tools:$PATH PKG_CONFIG_PATH=$pc

commands() { # the first comment's indented lines, as they stand
    sed -n -E '/^#include/q; s,^( \*|//)     ,,p' "$1"
}

# Each example in an empty folder, by its own commands.
for source in "$examples"/*; do
    name=$(basename "${source%.*}")
    mkdir "$name" && cp "$source" "$name" && cd "$name" || exit 1
    commands "$source" >commands
    [ "$(wc -l <commands)" -ge 2 ] || fail "$name says no commands"
    expect 0 right sh -e commands
    grep -q WRONG out && fail "$name is wrong"
    cd "$top" || exit 1
done

# As they should they fail: by a status and a message, not by a signal.
expect 1 none.db run_from_database/run_from_database none.db
expect 1 "" run_from_database/run_from_database "$examples"
echo "no database" >text.db
expect 1 text.db run_from_database/run_from_database text.db
expect 1 "" run_from_database/run_from_database # the default database is not there either
expect 1 /dev/null tune_expression/tune_expression /dev/null/scale.db
expect 1 text.db tune_expression/tune_expression text.db
DLTUNE_WORKER=/none/such expect 1 "/none/such is no program" tune_expression/tune_expression a.db

# A library without the kernel that the program asks for.
expect 0 "" dltune matmul m=4 n=4 k=4 --target c --db other.db
expect 0 "" dltune export --db other.db --target c --name kernels --out other
expect 0 "" cc "$examples/use_exported.c" -Iother -Lother -lkernels -lm -o lacks
expect 1 "no kernel for this layer" ./lacks
expect 0 "" c++ -std=c++17 "$examples/use_exported_threads.cpp" -Iother -Lother -lkernels -pthread \
    -o lacks
expect 1 "no kernel for this product" ./lacks

# By CMake, and without the program's own worker: the library carries one.
rm -rf prefix/libexec
mkdir consumer
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.18)
project(consumer C)
find_package(dltune 0.1 REQUIRED)
foreach(example run_from_database tune_expression)
  add_executable(${example} ${EXAMPLES}/${example}.c)
endforeach()
target_link_libraries(run_from_database dltune::dltune)
target_link_libraries(tune_expression dltune::dltune-tune)
END
expect 0 "" "$cmake" -S consumer -B consumer/build -DCMAKE_PREFIX_PATH="$top/prefix" \
    -DEXAMPLES="$examples" -DCMAKE_C_FLAGS="$flags"
expect 0 "" "$cmake" --build consumer/build
expect 0 "verified" consumer/build/run_from_database run_from_database/kernels.db
expect 0 "the exact kernel is right" consumer/build/tune_expression scale.db
expect 1 "dltune-worker is neither" prefix/bin/dltune matmul m=4 n=4 k=4 --db other.db

[ "$failures" -eq 0 ] || exit 1
echo "all passed"
