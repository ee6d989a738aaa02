/* Tuning the workloads of a network together: time goes where the network's total falls fastest.
 *
 * A workload may be several tasks that do the same work (layouts); its time is that of the fastest.
 * Every task is first tuned a little, one after the other, so that later ones learn from earlier
 * ones; layouts that are far behind are given up. Then, again and again, a slice of trials goes to
 * the task that promises the greatest fall of the total a second:
 *
 *     calls * fall of the workload's time expected of the slice / seconds of a slice
 *
 * Expected is the greater of what the task's last slices brought, which fades, and of what is usual
 * after so many trials (it falls with their square), but no more than what is left above the floor:
 * no kernel is faster than its roof. It ends when all slices together promise less than HOPE of the
 * total, or with the time. At the end the fastest of each workload are timed again. */
#ifndef SEARCH_NETWORK_H
#define SEARCH_NETWORK_H

#include "search/search.h"

struct network_item {
    struct task *const *tasks;
    int task_count;
    int64_t calls;
    double floor_us;    /* no kernel is faster; 0: unknown */
    double peak_gflops; /* stored with the records */

    /* of the run: */
    int best;                     /* which task */
    double best_us;               /* 0: nothing right yet */
    int64_t trials;               /* of all its tasks */
    double seconds;               /* that it was given */
    struct tuner_summary summary; /* all tasks' trials, the best's best; the caller frees it */
    dlt_status status;            /* of the first task that failed, if none could be tuned */
    struct error error;
};

/* Called after each trial; `item` is the one at work. */
typedef void network_progress(void *context, const struct network_item *items, int count, int item);

struct network_options {
    struct tuner_options tuner; /* trials: of a workload at most; seconds: of all, 0: no limit; its
                                   progress is not called */
    bool stubborn;              /* go on without hope */
    network_progress *progress; /* may be NULL */
    void *context;
};

/* Fails only where nothing could be begun; items have failures of their own. */
dlt_status tune_network(struct network_item *items, int count, struct database *database,
                        const struct network_options *options, struct error *error);

/* The time of all calls; workloads without a right kernel are left out. */
double network_total_us(const struct network_item *items, int count);

/* What a slice of `trials` may bring of a task's time: a share of it, from 0 to 1. `recent` is the
 * share by which the last slices brought it down, `so_far` the trials until now, `headroom` the
 * share that is above the floor. */
double network_expected_fall(int64_t so_far, int64_t trials, double recent, double headroom);

#endif
