/* Timing a call: batches between readings of a clock, until the times can be trusted.
 *
 * A batch is long enough that the clock costs less than half a per cent of it. A first call warms
 * up. Batches repeat until they have taken enough time together; the median is the result, the
 * minimum and the distance of the quartiles go with it. A call that is far behind the best known
 * ends early: its rough time is enough to forget it. */
#ifndef MEASURE_TIMING_H
#define MEASURE_TIMING_H

#include "measure/clock.h"

struct timing_request {
    void (*call)(void *context);
    void *context;
    void (*flush)(void *context); /* before each call, untimed: caches cold; NULL: warm */
    void *flush_context;
    double best_us;   /* 0: none, never end early */
    double enough_us; /* of all batches together, before they may end */
    double again_us;  /* what took longer is not timed again (probe.h); 0: no limit */
};

struct timing {
    double median_us, minimum_us, spread; /* spread: (third - first quartile) / median */
    int batches;
    long calls_a_batch;
    bool abandoned;
};

#define TIMING_ABANDON_FACTOR 1.5

struct timing timing_measure(const struct clock *clock, const struct timing_request *request);

/* Sorts `values`; the median of an even count is the mean of the middle two. */
double timing_median(double *values, int count);
/* (third - first quartile) / median of sorted values. */
double timing_spread(const double *sorted, int count);

#endif
