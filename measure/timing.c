/* Batches, medians and early ends; see timing.h. */
#include "measure/timing.h"

#include <stdlib.h>

/* What will not be the best needs fewer batches: one and the warm-up, or two. */
#define WELL_BEHIND_FACTOR 1.25
#define BEHIND_FACTOR      1.1

enum {
    MAX_BATCHES = 64,
    LEAST_BATCHES = 5,
    LEAST_LONG_BATCHES = 3,     /* of those that take twice the time that is enough */
    CLOCK_SHARE = 200,          /* a batch takes at least so many readings of the clock: 0.5 % */
    BATCH_NANOSECONDS = 100000, /* and no less than this: a hundred of the shortest calls */
    AT_MOST = 30000000,         /* nanoseconds after which fewer batches are enough */
};

static double run_batch(const struct clock *clock, const struct timing_request *request,
                        long calls) {
    double start, elapsed;
    if (request->flush)
        request->flush(request->flush_context);
    start = clock->nanoseconds(clock->context);
    for (long i = 0; i < calls; i++)
        request->call(request->context);
    elapsed = clock->nanoseconds(clock->context) - start - clock->overhead;
    return elapsed > 0 ? elapsed / (double)calls : 0;
}

/* How many calls make a batch, given what one is thought to take. Cold calls cannot be batched. */
static long batch_size(const struct clock *clock, const struct timing_request *request,
                       double call) {
    double least = CLOCK_SHARE * clock->overhead;
    if (least < BATCH_NANOSECONDS)
        least = BATCH_NANOSECONDS;
    if (request->flush || call >= least)
        return 1;
    return call < 1 ? (long)least : (long)(least / call) + 1;
}

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

double timing_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

double timing_spread(const double *sorted, int count) {
    double median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    return median > 0 ? (sorted[(3 * (count - 1) + 2) / 4] - sorted[(count - 1) / 4]) / median : 0;
}

static bool is_behind(const struct timing_request *request, double factor, const double *times,
                      int count) {
    double least = times[0];
    for (int i = 1; i < count; i++)
        if (times[i] < least)
            least = times[i];
    return request->best_us > 0 && least > factor * 1000 * request->best_us;
}

static bool is_behind_early(const struct timing_request *request, double warm_up,
                            const double *times, int count) {
    if (count == 1)
        return is_behind(request, WELL_BEHIND_FACTOR, &warm_up, 1) &&
               is_behind(request, WELL_BEHIND_FACTOR, times, 1);
    return count == 2 && is_behind(request, BEHIND_FACTOR, times, 2);
}

static bool is_enough(const struct timing_request *request, int batches, double total) {
    double enough = 1000 * request->enough_us;
    return (batches >= LEAST_BATCHES && total >= enough) ||
           (batches >= LEAST_LONG_BATCHES && total >= 2 * enough) ||
           (batches >= 2 && total >= AT_MOST);
}

struct timing timing_measure(const struct clock *clock, const struct timing_request *request) {
    double times[MAX_BATCHES], total = 0, warm_up = run_batch(clock, request, 1);
    struct timing timing = {.calls_a_batch = 1};
    /* The first call may have paid for cold caches; a second estimate sizes the batches. */
    if (batch_size(clock, request, warm_up) > 1) {
        double estimate = run_batch(clock, request, 1);
        timing.calls_a_batch = batch_size(clock, request, estimate < warm_up ? estimate : warm_up);
    } else if (warm_up > AT_MOST) {
        times[timing.batches++] = total = warm_up; /* too long for the warm-up to matter */
    }
    while (timing.batches < MAX_BATCHES) {
        double time;
        if (is_enough(request, timing.batches, total))
            break;
        time = run_batch(clock, request, timing.calls_a_batch);
        times[timing.batches++] = time;
        total += time * (double)timing.calls_a_batch;
        timing.abandoned =
            timing.batches <= 2 && is_behind(request, TIMING_ABANDON_FACTOR, times, timing.batches);
        if (timing.abandoned || is_behind_early(request, warm_up, times, timing.batches))
            break;
    }
    timing.median_us = timing_median(times, timing.batches) / 1000;
    timing.minimum_us = times[0] / 1000;
    timing.spread = timing_spread(times, timing.batches);
    return timing;
}
