/* How often finalists that differ by two per cent are put in the right order.
 *
 *     bench_ranking WORKER [TRIES]
 *
 * WORKER is the tests' worker (measure_bad_worker), whose candidate "slow:N" does the same work N
 * times. Two of some 2 ms, N and 1.02 N, are finalists TRIES times; the rate of right orders is
 * printed. With and without a busy process on the same core:
 *
 *     taskset -c 0 bench_ranking build/measure_bad_worker
 *     taskset -c 0 sh -c 'yes >/dev/null & bench_ranking build/measure_bad_worker; kill $!' */
#define _GNU_SOURCE
#include "measure/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WANTED_MICROSECONDS 2000
#define DIFFERENCE          1.02

static void fail(const char *what) {
    fprintf(stderr, "bench_ranking: %s\n", what);
    exit(1);
}

static void run_pair(struct measurer *measurer, const char *first, const char *second,
                     struct measure_result *results) {
    const char *traces[2] = {first, second};
    struct error error;
    if (measurer_run_again(measurer, 2, traces, results, &error) != DLT_OK)
        fail(error.message);
    for (int i = 0; i < 2; i++)
        if (results[i].outcome != OUTCOME_OK)
            fail(results[i].message);
}

/* The number of repetitions that take about as long as wanted. */
static long calibrate(struct measurer *measurer) {
    struct measure_result results[2];
    run_pair(measurer, "slow:10000", "slow:10000", results);
    return (long)(WANTED_MICROSECONDS / results[0].median_us * 10000);
}

static void report(struct measurer *measurer, int tries) {
    long repetitions = calibrate(measurer);
    char fast[64], slow[64];
    double sum = 0;
    int right = 0;
    snprintf(fast, sizeof fast, "slow:%ld", repetitions);
    snprintf(slow, sizeof slow, "slow:%ld", (long)((double)repetitions * DIFFERENCE));
    for (int i = 0; i < tries; i++) {
        struct measure_result results[2];
        bool swapped = i % 2;
        run_pair(measurer, swapped ? slow : fast, swapped ? fast : slow, results);
        right += results[swapped].median_us < results[!swapped].median_us;
        sum += results[!swapped].median_us / results[swapped].median_us;
    }
    printf("two kernels %.0f %% apart, %d tries: %d ranked right (%.1f %%), mean ratio %.4f\n",
           100 * DIFFERENCE - 100, tries, right, 100.0 * right / tries, sum / tries);
}

int main(int argument_count, char **arguments) {
    struct measure_options options = {.seed = 1};
    int tries = argument_count > 2 ? atoi(arguments[2]) : 200;
    struct measurer *measurer = NULL;
    struct task *task = NULL;
    struct error error;
    if (argument_count < 2 || tries < 1)
        fail("usage: bench_ranking WORKER [TRIES]");
    setenv("DLTUNE_WORKER", arguments[1], 1);
    if (task_create_key("matmul m=5 n=7 k=3 target=c threads=1", &task, &error) != DLT_OK ||
        measurer_create(task, &options, &measurer, &error) != DLT_OK)
        fail(error.message);
    report(measurer, tries);
    measurer_free(measurer);
    task_free(task);
    return 0;
}
