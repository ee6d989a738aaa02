/* An earlier benchmark to compare with: which kernels became slower, beyond the noise.
 *
 * The rule. A kernel is slower if its time is above the earlier one by more than the noise, both in
 * microseconds and in units of the peak measured in the same run (time x peak): clocks move between
 * runs, and what moves with them is no regression. The noise is 3 %, or the two runs' spreads over
 * their processes together, whichever is larger. Figures of another host are not compared. */
#ifndef BENCH_BASELINE_H
#define BENCH_BASELINE_H

#include "bench/bench.h"

#define BASELINE_NOISE 0.03

enum baseline_verdict {
    BASELINE_ABSENT, /* the earlier benchmark has no time of it */
    BASELINE_SAME,
    BASELINE_FASTER, /* by the same rule, the other way round */
    BASELINE_SLOWER,
};

struct bench_baseline;

struct baseline_comparison {
    enum baseline_verdict verdict;
    double before_us, change, noise; /* change: now / before - 1, the smaller of the two */
};

/* Reads the lines of `--json`; lines without a task are summaries and are passed over. Refused if
 * it is of another host or there is no line with a task. */
dlt_status bench_baseline_read(const char *path, struct bench_baseline **baseline,
                               struct error *error);
void bench_baseline_free(struct bench_baseline *baseline); /* also of NULL */

/* A kernel that has no time now although it had one is slower, by an infinite change. */
struct baseline_comparison bench_baseline_compare(const struct bench_baseline *baseline,
                                                  const struct bench_row *row);

#endif
