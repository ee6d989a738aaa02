/* A contest: a task's kernel and its peers, prepared, compared with the reference, timed in turn.
 *
 * It runs in a process of its own (bench/bench.h starts several), so that a library may crash, and
 * so that the environment can say how each library is to run before it is loaded. */
#ifndef BENCH_WORKER_CONTEST_H
#define BENCH_WORKER_CONTEST_H

#include "base/text.h"
#include "bench/worker/interleave.h"
#include "te/task.h"

enum {
    MAX_CONTESTANTS = 16
};

struct contestant {
    const char *name;
    const char *implementation; /* valid until contest_free */
    dlt_status status;          /* DLT_ERROR_NOT_FOUND: not installed */
    char message[512];          /* why not DLT_OK */
    double max_error;           /* over its element's bound */
    struct interleaved timing;
    void (*refill)(void *state); /* before the call that is checked; or NULL */
    void (*finish)(void *state); /* after it; or NULL */
    void (*free)(void *state);
    void *state; /* NULL: none */
};

struct contest {
    struct contestant contestants[MAX_CONTESTANTS]; /* the first is dltune's */
    int count;
    struct text trace;
    double peak_gflops;
    bool wall_clock;
    struct contest_data *data; /* private */
};

struct contest_request {
    const struct task *task;
    const char *trace;       /* NULL: the default point */
    bool peers, free_layout; /* see bench/bench.h */
    bool one_thread;
    const char *one_thread_trace; /* NULL: the default point */
    int skipped_count;
    const char *const *skipped; /* names of peers to leave out */
    uint64_t seed;
    const struct interleave_limits *limits;
    void (*begin)(const char *name); /* called before a contestant is prepared; may be NULL */
};

/* What fails of a contestant is kept with it; a failure is one of the contest. */
dlt_status contest_run(const struct contest_request *request, struct contest *contest,
                       struct error *error);
void contest_free(struct contest *contest);

#endif
