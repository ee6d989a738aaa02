/* Tuning: measuring schedules of a task on this machine and storing all of them in a database.
 *
 * Candidates run in a process of their own, dltune-worker. The library carries that program and
 * starts it from memory, so nothing has to be installed where a program runs that tunes. Where the
 * system executes nothing from memory it is looked for beside the program, then where it was
 * installed; $DLTUNE_WORKER may say where it is, and then that one is taken. Each candidate is
 * compared with the reference before it is timed, and only a right one can be the best. Link with
 * libdltune-tune.
 *
 * The library changes no signal's disposition. A program that may have a limit of file sizes
 * (`ulimit -f`) ignores SIGXFSZ, so that a database that cannot grow is a DLT_ERROR_DATABASE. */
#ifndef DLTUNE_TUNE_H
#define DLTUNE_TUNE_H

#include "dltune/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How far a run is. */
typedef struct dlt_progress {
    int64_t trials; /* measured candidates, whatever became of them */
    int64_t right;  /* of these */
    double seconds;
    double best_us;       /* 0: none yet */
    const char *schedule; /* of the best, valid during the call; NULL: none yet */
} dlt_progress;

/* Called after each candidate, on the thread that tunes. Answers 0 to go on; anything else ends the
 * run, which keeps what it found. */
typedef int dlt_on_progress(void *context, const dlt_progress *progress);

/* Zeroes are the defaults. */
typedef struct dlt_tune_options {
    int64_t trials;   /* new candidates to measure; 0: 256, or no limit if there is one of time */
    double seconds;   /* 0: no limit; it ends within a tenth or a second more, or four calls of the
                         default kernel if that is most: a first right candidate is finished */
    uint64_t seed;    /* the same seed and the same times give the same candidates */
    double max_error; /* the most of its error bound that a right result may use; 0: all of it */
    const char *strategy;      /* as `dltune --strategy`; NULL: the default */
    dlt_on_progress *progress; /* may be NULL */
    void *context;
} dlt_tune_options;

/* Strings are freed by dlt_tune_result_free. */
typedef struct dlt_tune_result {
    char *schedule; /* the best's trace; NULL: no candidate was right */
    char *knobs;
    double median_us, minimum_us;
    double max_error; /* largest error over its bound */
    int64_t trials, right;
    double seconds;
    int stopped; /* 1: by the progress callback */
} dlt_tune_result;

/* Tunes a task into a database, which is created if missing; NULL: $DLTUNE_DB, else dltune/tune.db
 * in the XDG data folder. What earlier runs stored is known and not measured again. That nothing
 * right was found is no failure: `result->schedule` is NULL then. `options` may be NULL. The result
 * is set in any case. Any thread; one task on one machine at a time gives the best times.
 *
 * DLT_ERROR_REFUSED: the target does not run here. DLT_ERROR_DATABASE, DLT_ERROR_SYSTEM (no
 * worker), DLT_ERROR_ARGUMENT (of the options). */
DLT_API dlt_status dlt_tune(const dlt_task *task, const char *database,
                            const dlt_tune_options *options, dlt_tune_result *result);
DLT_API void dlt_tune_result_free(dlt_tune_result *result);

/* Compares one schedule with the reference and times it; stores nothing. A schedule that is
 * refused, crashes or is wrong is DLT_ERROR_REFUSED, DLT_ERROR_COMPILE or DLT_ERROR_WRONG. */
DLT_API dlt_status dlt_measure(const dlt_task *task, const char *trace, double *median_us);

#ifdef __cplusplus
}
#endif
#endif
