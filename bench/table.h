/* What came of benchmarks, for people and as JSON.
 *
 * All comparisons are ratios of times, peer / dltune: above 1 dltune is ahead. The best peer of a
 * workload counts. A suite's figures are the geometric mean of these ratios and the worst one, over
 * the workloads where both sides have a time; the others are counted beside them. */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "base/text.h"
#include "bench/bench.h"

#include <cJSON.h>

/* The fastest peer, or NULL; and its time over dltune's, or 0 if one of the two has none. */
const struct bench_entry *bench_best_peer(const struct bench_row *row);
double bench_ratio(const struct bench_row *row);

struct bench_summary {
    const char *suite;
    int rows, compared;
    double geometric_mean, worst; /* 0 if nothing was compared */
    const struct bench_row *worst_row;
};
struct bench_summary bench_summarise(const char *suite, const struct bench_row *rows, int count);

/* A table with a column for each peer that has a time in some row, the summary below, and what each
 * fault was. Peers that are not installed are named once. */
void bench_print_table(struct text *text, const char *suite, const struct bench_row *rows,
                       int count);

/* A row: task, status, message, target, host, threads, median_us, min_us, spread, origin
 * (given: a trace; default: of the space), clock, processes,
 * gflops, gflops_nominal, peak_gflops, peak_fraction, max_error, verified, schedule, and the peers.
 * NULL without memory. */
cJSON *bench_row_to_json(const struct bench_row *row);

/* Adds peers [{name, impl, median_us, min_us, spread, max_error, ratio}], which have a time;
 * peers_absent [{name, status, message}], which have none; best_peer and ratio, if there are
 * any. */
void bench_add_peers(cJSON *object, const struct bench_row *row);

/* suite, rows, compared, geometric_mean, worst, worst_task. */
cJSON *bench_summary_to_json(const struct bench_summary *summary);

#endif
