/* Strategies compared by replay: the median number of trials to come near the best.
 *
 *     bench_replay_search TABLE...
 *
 * TABLEs come from bench_replay_record. For each table and strategy, over five seeds: the median
 * number of trials until a point is within 2 % of the table's best. Nothing is measured, so the
 * same tables give the same output. */
#include "search/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SEEDS = 5,
    MAX_STRATEGIES = 16,
};

#define TOLERANCE 0.02

static void fail(const char *message) {
    fprintf(stderr, "bench_replay_search: %s\n", message);
    exit(1);
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median_needed(const struct replay_table *table, const struct strategy *strategy) {
    int64_t needed[SEEDS];
    struct error error;
    for (int seed = 0; seed < SEEDS; seed++)
        if (replay_run(table, strategy, (uint64_t)seed, table->points.count, TOLERANCE, NULL,
                       &needed[seed], &error) != DLT_OK)
            fail(error.message);
    qsort(needed, SEEDS, sizeof needed[0], by_number);
    return needed[SEEDS / 2];
}

static void print_head(void) {
    printf("%-52s %6s", "task", "points");
    for (int i = 0; strategies[i]; i++)
        printf(" %10s", strategies[i]->name);
    printf("\n");
}

static void print_means(const double *logarithms, int tables) {
    printf("%-52s %6s", "geometric mean", "");
    for (int i = 0; strategies[i]; i++)
        printf(" %10.1f", exp(logarithms[i] / tables));
    printf("\n");
}

/* Process time of each strategy goes to standard error: it differs from run to run. */
int main(int argument_count, char **arguments) {
    double logarithms[MAX_STRATEGIES] = {0}, seconds[MAX_STRATEGIES] = {0};
    struct error error;
    if (argument_count < 2)
        fail("usage: bench_replay_search TABLE...");
    print_head();
    for (int i = 1; i < argument_count; i++) {
        struct replay_table *table;
        if (replay_load(arguments[i], &table, &error) != DLT_OK)
            fail(error.message);
        printf("%-52.52s %6lld", table->task->workload, (long long)table->points.count);
        for (int j = 0; strategies[j] && j < MAX_STRATEGIES; j++) {
            clock_t start = clock();
            int64_t needed = median_needed(table, strategies[j]);
            seconds[j] += (double)(clock() - start) / CLOCKS_PER_SEC;
            logarithms[j] += log((double)needed);
            printf(" %10lld", (long long)needed);
            fflush(stdout);
        }
        printf("\n");
        replay_free(table);
    }
    print_means(logarithms, argument_count - 1);
    for (int j = 0; strategies[j] && j < MAX_STRATEGIES; j++)
        fprintf(stderr, "%s: %.2f s a run\n", strategies[j]->name,
                seconds[j] / SEEDS / (argument_count - 1));
    return 0;
}
