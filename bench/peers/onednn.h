/* What the files of the oneDNN peers share; private to them. */
#ifndef BENCH_PEERS_ONEDNN_H
#define BENCH_PEERS_ONEDNN_H

#include "bench/problem.h"
#include "measure/buffers.h"

#include <dnnl.h>

enum way {
    WAY_PLAIN,
    WAY_REORDER,
    WAY_OWN,
};

struct onednn_operand {
    dnnl_memory_desc_t given, wanted;
    struct guarded_buffer plain, own; /* a copy in plain order; in the wanted layout */
    dnnl_memory_t given_memory, memory;
    dnnl_primitive_t reorder; /* NULL: the primitive takes what is given */
    bool each_call;
    int argument; /* DNNL_ARG_... of the primitive */
};

struct onednn {
    const struct problem *problem;
    enum way way;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    struct onednn_operand operands[PART_COUNT];
    dnnl_exec_arg_t arguments[PART_COUNT];
    int argument_count;
    char implementation[128];
};

/* A status as an error: "it does not WHAT this". */
dlt_status onednn_check(dnnl_status_t status, const char *what, struct error *error);

/* Describes what is given, and what to ask the primitive for. */
dlt_status onednn_describe(struct onednn *state, enum problem_part part, struct error *error);

/* Once the primitive has chosen `wanted`: memories, reorders, what is copied ahead, and the
 * arguments of the primitive. */
dlt_status onednn_bind(struct onednn *state, struct error *error);

void onednn_reorder_operand(const struct onednn *state, const struct onednn_operand *operand);
bool onednn_copies_in_calls(const struct onednn *state);
void onednn_free_operands(struct onednn *state);

/* Brings the result to where the task has its output. */
void onednn_finish(struct onednn *state);

#endif
