/* The peers that the files of this folder define; private to it. */
#ifndef BENCH_PEERS_LIST_H
#define BENCH_PEERS_LIST_H

#include "bench/peers.h"

extern const struct peer onednn_own, onednn_plain, onednn_reorder, openblas, libxsmm, xnnpack;

#endif
