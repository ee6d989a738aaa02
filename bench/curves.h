/* Curves of searches: the best time after each trial, of runs of several strategies on several
 * tasks with several seeds. Recorded by bench_replay_search and bench_live_search, judged and drawn
 * by bench_search_report.
 *
 * A file of curves is text, a line a run, its fields separated by tabs:
 *
 *     TASK  STRATEGY  SEED  TRIALS  1:912.5 4:870.2 ...
 *
 * where the last are the trials that brought the time down, and the microseconds from there on. A
 * line with the strategy "best" has a time that is known from elsewhere. */
#ifndef BENCH_CURVES_H
#define BENCH_CURVES_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
    MAX_CURVE_TASKS = 16,
    MAX_CURVE_STRATEGIES = 8,
    MAX_CURVE_SEEDS = 64,
};

struct curve_step {
    int64_t trial; /* from 1 */
    double microseconds;
};

struct curve {
    char task[160], strategy[32];
    int seed;
    int64_t trials;
    int step_count, capacity;
    struct curve_step *steps;
};

struct curves {
    int count, capacity;
    struct curve *curves;
    /* in the order they came */
    int task_count, strategy_count;
    char tasks[MAX_CURVE_TASKS][160], strategies[MAX_CURVE_STRATEGIES][32];
};

/* A new curve without steps; NULL: out of memory, or too many tasks or strategies. */
struct curve *curves_add(struct curves *curves, const char *task, const char *strategy, int seed,
                         int64_t trials);
bool curve_append(struct curve *curve, int64_t trial, double microseconds);
void curves_free(struct curves *curves);

dlt_status curves_write(const struct curves *curves, const char *path, struct error *error);
dlt_status curves_read(struct curves *curves, const char *path, struct error *error);

/* The least time of a task in any curve. */
double curves_best(const struct curves *curves, const char *task);

/* The time after so many trials; INFINITY while nothing was right. */
double curve_at(const struct curve *curve, int64_t trial);

/* The median over the seeds of the number of trials until the time is within `tolerance` of
 * `best`; a run that never is counts as one trial more than it had. -1: there is no such run. */
int64_t curves_median_needed(const struct curves *curves, const char *task, const char *strategy,
                             double best, double tolerance);
/* The median over the seeds of the time after so many trials. */
double curves_median_at(const struct curves *curves, const char *task, const char *strategy,
                        int64_t trial);

/* The table: medians of the trials to come within 2 %, their geometric means, and how many times
 * the first strategy's each other one's are, in the median over the tasks. */
void curves_print(const struct curves *curves, FILE *file);

/* Small pictures side by side, one a task: how far the median run is from the best. */
dlt_status curves_plot(const struct curves *curves, const char *path, const char *title,
                       struct error *error);

#endif
