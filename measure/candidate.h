/* A candidate ready to run, and who makes one from a trace.
 *
 * The worker knows candidates by these few fields only. The worker that ships makes them by
 * replaying and compiling (measure/native.c); tests make ones that crash, loop or scribble and send
 * them through the same worker. */
#ifndef MEASURE_CANDIDATE_H
#define MEASURE_CANDIDATE_H

#include "base/error.h"
#include "measure/faults.h"
#include "measure/measure.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

struct candidate {
    kernel_pack *pack; /* NULL: there is nothing to pack */
    kernel_run *run;
    int64_t packed_bytes, workspace_bytes;
    double lower_seconds, compile_seconds;
    double steps_us[STEP_COUNT]; /* where it is known */
    struct fault_code code;      /* where it is known */
    void *owner;                 /* for `release` */
};

struct candidate_maker {
    /* Answers OUTCOME_OK, or the kind of failure with its message in `error`. */
    enum measure_outcome (*make)(void *context, const struct task *task, const char *trace,
                                 struct candidate *candidate, struct error *error);
    void (*release)(void *context, struct candidate *candidate);
    void *context;
};

#endif
