/* How soon a task is tuned when its neighbours are stored.
 *
 *     bench_left_out DATABASE LIST [TRIALS [FIRST [LAST]]]
 *
 * DATABASE has records of all workloads of LIST, from long runs. Each workload in turn (or those
 * from number FIRST to LAST) is left out: a model is trained on the others' records, the workload
 * is tuned for TRIALS (32) with them at hand, and what was found is timed in turns with the best
 * that DATABASE has. Printed are both times and their ratio, then the geometric mean.
 *
 *     dltune tune bench/suites/resnet50.txt --trials 1000 --db best.db
 *     bench_left_out best.db bench/suites/resnet50.txt */
#include "bench/network.h"
#include "search/memory.h"
#include "search/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void fail(const char *message) {
    fprintf(stderr, "bench_left_out: %s\n", message);
    exit(1);
}

static void remove_database(const char *folder, char path[64]) {
    static const char *const ends[] = {"-wal", "-shm", ""};
    for (int i = 0; i < 3; i++) {
        snprintf(path, 64, "%s/others.db%s", folder, ends[i]);
        unlink(path);
    }
}

/* The rest of the list, with a model that was trained on it alone. */
static dlt_status open_others(struct database *all, const struct task *task, const char *path,
                              struct database **others, struct error *error) {
    struct memory none = {.model_records = 0};
    TRY(database_open(path, DATABASE_WRITE, others, error));
    TRY(network_copy_others(all, task->key, *others, error));
    return memory_learn(&none, task, *others, error);
}

/* Answers the time of what was found over that of the best known, timed in turns. */
static dlt_status run_one(struct database *all, const struct task *task, int64_t trials,
                          const char *path, double *ratio, struct error *error) {
    struct tuner_options options = {.trials = trials};
    struct tuner_summary summary = {0};
    struct database *others;
    struct record best;
    double times[2];
    dlt_status status;
    TRY(network_best(all, task, &best, error));
    TRY(open_others(all, task, path, &others, error));
    status = tune(task, others, &options, &summary, error);
    if (status == DLT_OK && summary.best.median_us <= 0)
        status = error_set(error, DLT_ERROR_REFUSED, "%s: nothing right was found", task->key);
    if (status == DLT_OK)
        status = network_time_pair(task, best.trace, summary.best.trace, times, error);
    if (status == DLT_OK) {
        *ratio = times[1] / times[0];
        printf("%-60.60s %10.2f %10.2f %8.3f\n", task->workload, times[0], times[1], *ratio);
        fflush(stdout);
    }
    tuner_summary_free(&summary);
    record_free(&best);
    database_close(others);
    return status;
}

int main(int argument_count, char **arguments) {
    int64_t trials = argument_count > 3 ? atoll(arguments[3]) : 32;
    int first = argument_count > 4 ? atoi(arguments[4]) : 1;
    char folder[] = "/tmp/bench-left-out-XXXXXX", path[64];
    double sum = 0, worst = 0;
    struct network network;
    struct database *all;
    struct error error;
    if (argument_count < 3 || trials < 1 || first < 1)
        fail("usage: bench_left_out DATABASE LIST [TRIALS [FIRST [LAST]]]");
    if (network_read(&network, arguments[2], &error) != DLT_OK ||
        database_open(arguments[1], DATABASE_READ, &all, &error) != DLT_OK)
        fail(error.message);
    int last = argument_count > 5 ? atoi(arguments[5]) : network.count;
    last = last < network.count ? last : network.count;
    if (first > last || !mkdtemp(folder))
        fail("there is no such workload, or no folder can be made in /tmp");
    printf("%-60s %10s %10s %8s\n", "left out", "best, us", "found, us", "ratio");
    for (int i = first - 1; i < last; i++) {
        double ratio;
        remove_database(folder, path); /* leaves the file's own name in `path` */
        if (run_one(all, network.tasks[i], trials, path, &ratio, &error) != DLT_OK)
            fail(error.message);
        sum += log(ratio);
        worst = fmax(worst, ratio);
    }
    printf("%lld trials: geometric mean %.4f, worst %.3f\n", (long long)trials,
           exp(sum / (last - first + 1)), worst);
    remove_database(folder, path);
    rmdir(folder);
    database_close(all);
    network_free(&network);
    return 0;
}
