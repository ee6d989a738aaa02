/* Benchmarks: a task's kernel timed beside the same computation by other libraries.
 *
 * For each task several processes run one after the other (bench/worker/): each compiles the
 * kernel, prepares the peers, compares every result with the reference, and times all of them in
 * turn. A figure is the median over the processes of the medians within them, since where a process
 * happens to lie in memory moves some kernels by a factor. docs/benchmarks.md has the whole
 * rule. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "te/task.h"

#include <signal.h>

enum {
    BENCH_PROCESSES = 5, /* usual */
    MAX_BENCH_PROCESSES = 25,
    MAX_BENCH_ENTRIES = 16,
};

struct bench_options {
    int processes;    /* 0: the usual */
    bool peers;       /* beside other libraries */
    bool free_layout; /* the task's layout was the tuner's choice: peers may have theirs */
    bool one_thread;  /* beside the same workload's kernel for one thread, as a peer */
    const char *one_thread_trace; /* NULL: the default point of its space */
    double timeout_seconds;       /* of one process; 0: 120 */
    uint64_t seed;                /* of the inputs */
    const char *worker; /* path of dltune-bench-worker; NULL: $DLTUNE_BENCH_WORKER, else beside
                           the program, else where it is installed */
    const volatile sig_atomic_t *cancel; /* not 0: the current process is given up; may be NULL */
};

/* One kernel's share of a row. */
struct bench_entry {
    char *name;           /* "dltune", "onednn-plain" */
    char *implementation; /* what it chose; NULL */
    dlt_status status;    /* DLT_ERROR_REFUSED: it does not compute this; DLT_ERROR_NOT_FOUND: not
                             installed; anything else is a fault: wrong, crashed */
    char *message;        /* why not DLT_OK; NULL */
    int process_count;    /* times of so many processes */
    double times[MAX_BENCH_PROCESSES];
    double median_us, minimum_us, max_error;
    double spread; /* distance of the quartiles of the processes' times over their median */
};

struct bench_row {
    const struct task *task; /* borrowed */
    char *trace;             /* that was timed; NULL before the first process */
    int entry_count;
    struct bench_entry entries[MAX_BENCH_ENTRIES]; /* the first is dltune's */
    double peak_gflops;                            /* median of those measured in the processes */
    bool wall_clock;                               /* else the thread's CPU time */
};

/* Benches one task. `trace` NULL: the default point of its space. A kernel or peer that fails is an
 * entry with its status; a failure is one of all. The row is valid in any case. */
dlt_status bench_run(const struct task *task, const char *trace,
                     const struct bench_options *options, struct bench_row *row,
                     struct error *error);
void bench_row_free(struct bench_row *row);

#endif
