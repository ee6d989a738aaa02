/* A task: a unit of tuning. An expression made from a workload, the target it is for, the threads.
 *
 * A workload is text: an operator and key=value pairs in any order (docs/workloads.md):
 *
 *     conv2d n=1 c=64 h=56 w=56 k=64 r=3 s=3 stride=1 pad=1 post=bias,relu
 *
 * Parsing gives a canonical form: every size and attribute the operator has, in the operator's
 * order, attributes at their default left out. Equal work has equal canonical text. The key of a
 * task is that text followed by " target=NAME threads=N". */
#ifndef TE_TASK_H
#define TE_TASK_H

#include "te/expression.h"

enum {
    MAX_WORKLOAD_ARGUMENTS = 48
};

struct workload_argument {
    const char *key, *value;
};

/* Split text: the operator's name and its pairs, not yet understood by the operator. */
struct workload {
    const char *operator_name;
    int argument_count;
    struct workload_argument arguments[MAX_WORKLOAD_ARGUMENTS];
    int64_t count; /* "count=": how often a network calls it; 1 by default; not part of the work */
};

struct task {
    struct arena arena;
    const char *workload; /* canonical text */
    const char *key;
    const char *identifier; /* for exported names and debuggers, see te/identifier.h */
    const char *target;
    int threads;
    int64_t count;
    struct expression *expression;         /* as users see it */
    const struct expression *collapsed;    /* the same work, what schedules and spaces are of: axes
                                              merged and separated where that is possible
                                              (te/collapse.h, te/phases.h) */
    double operations, nominal_operations; /* of one call, see expression_operations */
};

/* Splits text into a workload whose strings live in the arena. */
dlt_status workload_parse(struct arena *arena, const char *text, struct workload *workload,
                          struct error *error);

/* Builds the task of a workload. `target` is a resolved name, never "native". */
dlt_status task_create(const struct workload *workload, const char *target, int threads,
                       struct task **task, struct error *error);
dlt_status task_create_text(const char *workload, const char *target, int threads,
                            struct task **task, struct error *error);
/* From a key as the database stores it. */
dlt_status task_create_key(const char *key, struct task **task, struct error *error);
void task_free(struct task *task);

#endif
