/* Peers: other libraries that compute what a task computes, to be timed beside its kernel.
 *
 * A peer is a short table of functions; bench/peers/ has one file a library. The same freedom for
 * all: what a task's `const` names is packed before the calls, nothing else is, and epilogues are
 * fused where the library can. A library that was not there when dltune was built stays in the list
 * without functions, so that tables say what was not compared. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "bench/problem.h"

struct peer {
    const char *name;    /* "onednn-plain" */
    const char *package; /* that provides it: "libdnnl-dev" */
    const char *help;    /* one line: which of the library's ways it is */

    /* Prepares all calls: packs parameters, chooses the code. DLT_ERROR_REFUSED if the library does
     * not compute this; the message says why. NULL: not installed. `problem` is borrowed. */
    dlt_status (*create)(const struct problem *problem, void **state, struct error *error);

    /* Puts back what a call overwrites besides its output, before one whose result counts (a
     * residual that is added in place). NULL: nothing is. */
    void (*refill)(void *state);

    /* Calls it so often, as a compiled program would in a loop. */
    void (*run)(void *state, long calls);

    /* Puts the last call's result into problem->output. NULL: `run` has done so. */
    void (*finish)(void *state);

    /* What the library chose: "brgemm:avx512_core". Valid until free. */
    const char *(*implementation)(const void *state);
    void (*free)(void *state);
};

extern const struct peer *const peers[]; /* ends with NULL */
const struct peer *peer_find(const char *name);

#endif
