/* A network's total time by a database, beside the best known.
 *
 *     bench_network_total LIST DATABASE KNOWN.jsonl
 *
 * KNOWN has records as `dltune db export` prints them. For each workload of LIST the best of both
 * are timed in turns; totals count how often the network calls each (`count=`).
 *
 *     bench_network_total bench/suites/resnet50.txt tune.db bench/best/resnet50.jsonl */
#include "bench/network.h"
#include "exchange/exchange.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void fail(const char *message) {
    fprintf(stderr, "bench_network_total: %s\n", message);
    exit(1);
}

static char folder[] = "/tmp/bench-total-XXXXXX";

static void remove_folder(void) {
    static const char *const names[] = {"known.db", "known.db-wal", "known.db-shm"};
    char path[64];
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* The lines as a database. */
static dlt_status open_known(const char *lines, struct database **known, struct error *error) {
    char path[64];
    struct transfer transfer;
    FILE *file = fopen(lines, "r");
    dlt_status status;
    if (!file || !mkdtemp(folder))
        return error_set(error, DLT_ERROR_NOT_FOUND, "%s: cannot be read", lines);
    atexit(remove_folder);
    snprintf(path, sizeof path, "%s/known.db", folder);
    status = database_open(path, DATABASE_WRITE, known, error);
    if (status == DLT_OK)
        status = exchange_import(*known, file, lines, &transfer, error);
    fclose(file);
    return status;
}

static dlt_status compare(const struct task *task, struct database *mine, struct database *known,
                          double totals[2], struct error *error) {
    struct record best[2];
    double times[2];
    TRY(network_best(mine, task, &best[0], error));
    TRY(network_best(known, task, &best[1], error));
    TRY(network_time_pair(task, best[0].trace, best[1].trace, times, error));
    for (int i = 0; i < 2; i++) {
        totals[i] += (double)task->count * times[i];
        record_free(&best[i]);
    }
    printf("%-60.60s %5lld %10.2f %10.2f %8.3f\n", task->workload, (long long)task->count, times[0],
           times[1], times[0] / times[1]);
    fflush(stdout);
    return DLT_OK;
}

int main(int argument_count, char **arguments) {
    struct network network;
    struct database *mine, *known;
    double totals[2] = {0};
    struct error error;
    if (argument_count != 4)
        fail("usage: bench_network_total LIST DATABASE KNOWN.jsonl");
    if (network_read(&network, arguments[1], &error) != DLT_OK ||
        database_open(arguments[2], DATABASE_READ, &mine, &error) != DLT_OK ||
        open_known(arguments[3], &known, &error) != DLT_OK)
        fail(error.message);
    printf("%-60s %5s %10s %10s %8s\n", "workload", "count", "here, us", "known, us", "ratio");
    for (int i = 0; i < network.count; i++)
        if (compare(network.tasks[i], mine, known, totals, &error) != DLT_OK)
            fail(error.message);
    printf("%-66s %10.1f %10.1f %8.4f\n", "total, counts included", totals[0], totals[1],
           totals[0] / totals[1]);
    database_close(mine);
    database_close(known);
    network_free(&network);
    return 0;
}
