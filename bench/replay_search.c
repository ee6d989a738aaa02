/* Strategies compared by replay.
 *
 *     bench_replay_search [--curves FILE] TABLE...
 *
 * TABLEs come from bench_replay_record. For each table and strategy, over five seeds: the median
 * number of trials until a point is within 2 % of the table's best; FILE gets the curves, for
 * bench_search_report. Nothing is measured, so the same tables give the same output. */
#include "bench/curves.h"
#include "search/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SEEDS = 5
};

static struct curves curves;
static double seconds[MAX_CURVE_STRATEGIES];

static void fail(const char *message) {
    fprintf(stderr, "bench_replay_search: %s\n", message);
    exit(1);
}

/* Keeps the points where the least logarithm so far falls. */
static void keep_curve(const struct replay_table *table, const char *strategy, int seed,
                       const double *least) {
    int64_t trials = table->points.count;
    struct curve *curve = curves_add(&curves, table->task->workload, strategy, seed, trials);
    for (int64_t i = 0; curve && i < trials; i++)
        if (isfinite(least[i]) && (i == 0 || least[i] < least[i - 1]) &&
            !curve_append(curve, i + 1, exp(least[i])))
            fail("out of memory");
    if (!curve)
        fail("too many tables, strategies or seeds");
}

static void keep_best(const struct replay_table *table) {
    struct curve *curve = curves_add(&curves, table->task->workload, "best", 0, 0);
    if (!curve || !curve_append(curve, 1, exp(table->best)))
        fail("too many tables");
}

static void run_table(const struct replay_table *table) {
    int64_t trials = table->points.count, needed;
    double *least = malloc((size_t)trials * sizeof *least + 1);
    struct error error;
    if (!least)
        fail("out of memory");
    keep_best(table);
    for (int i = 0; strategies[i]; i++) {
        clock_t start = clock();
        for (int seed = 0; seed < SEEDS; seed++) {
            if (replay_run(table, strategies[i], (uint64_t)seed, trials, 0.02, least, &needed,
                           &error) != DLT_OK)
                fail(error.message);
            keep_curve(table, strategies[i]->name, seed, least);
        }
        seconds[i] += (double)(clock() - start) / CLOCKS_PER_SEC;
    }
    free(least);
}

/* Process time of each strategy goes to standard error: it differs from run to run. */
int main(int argument_count, char **arguments) {
    bool keep = argument_count > 2 && !strcmp(arguments[1], "--curves");
    int first = keep ? 3 : 1;
    struct error error;
    if (argument_count <= first)
        fail("usage: bench_replay_search [--curves FILE] TABLE...");
    for (int i = first; i < argument_count; i++) {
        struct replay_table *table;
        if (replay_load(arguments[i], &table, &error) != DLT_OK)
            fail(error.message);
        run_table(table);
        replay_free(table);
    }
    curves_print(&curves, stdout);
    for (int i = 0; strategies[i]; i++)
        fprintf(stderr, "%s: %.2f s a run\n", strategies[i]->name,
                seconds[i] / SEEDS / (argument_count - first));
    if (keep && curves_write(&curves, arguments[2], &error) != DLT_OK)
        fail(error.message);
    curves_free(&curves);
    return 0;
}
