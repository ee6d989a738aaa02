#!/usr/bin/env bash
# The program and its workers on a small stack, the limit of which they inherit.
. "$(dirname "$0")/common.sh"
ulimit -s 192 || exit 1

expect 0 "best" matmul m=64 n=64 k=64 --trials 24 --db tune.db
expect 0 "best" conv2d c=8 h=9 w=9 k=8 r=3 s=3 pad=1 layout=any --trials 12 --db tune.db
expect 0 "best" matmul m=64 n=64 k=64 --trials 4 --threads 2 --db tune.db
printf "matmul m=32 n=32 k=32\n" >list.txt
expect 0 "" tune list.txt --trials 2 --quiet --db tune.db
expect 0 "matmul m=64" query matmul m=64 n=64 k=64 --db tune.db
expect 0 "" explain matmul m=64 n=64 k=64 --db tune.db
expect 0 "libnet.a" export --db tune.db --name net --out lib
expect 0 "" db check --run --db tune.db
expect 0 "" db merge tune.db --db merged.db
expect 0 "" bench matmul m=64 n=64 k=64 --db tune.db

finish
