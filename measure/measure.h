/* Measuring candidates: compiled, compared with the reference, then timed, in a process of their
 * own.
 *
 * A measurer owns a worker process. A candidate is a trace; the worker replays it, lowers,
 * compiles, runs it on checked buffers, compares its result with the reference and, only if it is
 * right, times it. Whatever a candidate does (crash, hang, scribble, exit) takes its worker down,
 * never the caller: it is reported with its kind and a new worker is started. */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include "base/error.h"
#include "base/outcome.h"
#include "measure/account.h"
#include "measure/counters.h"
#include "te/task.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Steps of making a candidate. */
enum measure_step {
    STEP_LOWER,
    STEP_ENCODE,
    STEP_PRINT,
    STEP_COMPILE,
    STEP_LINK,
    STEP_ALL, /* and what is between */
    STEP_COUNT
};

/* Where a candidate's time goes. */
enum measure_share {
    SHARE_LOWER,
    SHARE_COMPILE,
    SHARE_REFERENCE, /* evaluating elements to compare with */
    SHARE_CHECK,     /* running it, with guarded buffers and other inputs, and comparing */
    SHARE_TIME,
    MEASURE_SHARES
};

struct measure_result {
    enum measure_outcome outcome;
    char message[256]; /* why not OK */
    /* of one call; spread: (third - first quartile) / median */
    double median_us, minimum_us, spread;
    bool wall_clock;  /* else the thread's CPU time */
    bool cut;         /* the run's time was over: nothing is known of the candidate */
    bool abandoned;   /* timing ended early: far behind `best_us`; the times are rough */
    double max_error; /* largest error over its element's bound: <= 1 is right */
    /* how slow the machine was meanwhile, 1 as usual: above PROBE_SLOW_FACTOR (measure/probe.h) the
     * times were taken in a slow phase; probe_ns 0: the machine has no probe */
    double slowdown, probe_ns;
    struct measure_counters counters; /* of finalists, where the machine has any */
    uint64_t number;                  /* of the candidate in this measurer: picks samples */
    double seconds[MEASURE_SHARES];   /* where the candidate's time went */
    double steps_us[STEP_COUNT];      /* of making it; zeros if it was not made */
};

struct measure_options {
    unsigned long long seed; /* of inputs and sampled elements */
    /* For compiling, checking and timing one candidate. 0: ten seconds, and what calls may take: by
     * the best known time; by the task's operations if there is none yet. */
    double timeout_seconds;
    /* Of the run. What is measured when it is over is cut, unless nothing right is known yet. NULL:
     * no limit. Borrowed. */
    const struct account *account;
    bool cold;     /* flush the caches before each timed call */
    bool unpinned; /* let the worker move between cores; $DLTUNE_PIN=0 does the same */
    /* not 0: what is being measured is given up within a tenth of a second; may be NULL */
    const volatile sig_atomic_t *cancel;
};

struct measurer;

/* How a finished run is repeated exactly: the next candidate gets this number. */
void measurer_set_number(struct measurer *measurer, uint64_t number);

/* Starts the worker. `task` is borrowed until measurer_free. This and what follows answer
 * DLT_ERROR_CANCELLED if the options' `cancel` said so meanwhile. */
dlt_status measurer_create(const struct task *task, const struct measure_options *options,
                           struct measurer **measurer, struct error *error);

/* Seconds after which a candidate is a timeout, `best_us` as below. */
double measurer_limit(const struct measurer *measurer, double best_us);

/* Measures one candidate. `best_us` is the best time so far (0: none), for giving up early. Else
 * fails only if no worker can be run at all; a bad candidate is an outcome. */
dlt_status measurer_run(struct measurer *measurer, const char *trace, double best_us,
                        struct measure_result *result, struct error *error);

/* Seconds that timing so many finalists again takes at least, as far as is known. */
double measurer_finalists_seconds(const struct measurer *measurer, int count);

/* Times finalists again, interleaved, with extra patterns of input; results in their order. Rounds
 * end with the account; without one no round begins after half a minute. A result that is `cut` has
 * no time. */
dlt_status measurer_run_again(struct measurer *measurer, int count, const char *const *traces,
                              struct measure_result *results, struct error *error);
void measurer_free(struct measurer *measurer);

#endif
