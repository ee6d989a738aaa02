/* Rounds of batches; see interleave.h. */
#include "bench/worker/interleave.h"

#include "measure/timing.h"

#include <stdlib.h>

/* A batch takes at least so many readings of the clock: 0.25 %. */
#define CLOCK_SHARE 400

const struct interleave_limits interleave_usual = {.batch_us = 300,
                                                   .least_rounds = 7,
                                                   .most_rounds = 41,
                                                   .enough_us = 400000,
                                                   .at_most_us = 4000000};

static double time_calls(const struct clock *clock, const struct interleaved *item, long calls) {
    double start = clock->nanoseconds(clock->context), elapsed;
    item->run(item->state, calls);
    elapsed = clock->nanoseconds(clock->context) - start - clock->overhead;
    return elapsed > 0 ? elapsed : 0;
}

/* Doubles the calls until a batch is long enough to tell what one takes. */
static void size_batch(const struct clock *clock, const struct interleave_limits *limits,
                       struct interleaved *item) {
    double least = CLOCK_SHARE * clock->overhead, elapsed;
    if (least < limits->batch_us * 1000)
        least = limits->batch_us * 1000;
    item->run(item->state, 1);
    for (item->calls = 1; item->calls < 1L << 40; item->calls *= 2) {
        elapsed = time_calls(clock, item, item->calls);
        if (elapsed >= least)
            return;
        if (elapsed > least / 8) {
            item->calls = (long)((double)item->calls * least / elapsed) + 1;
            return;
        }
    }
}

static double run_batch(const struct clock *clock, const struct interleave_limits *limits,
                        const struct interleaved *item) {
    if (limits->pause)
        limits->pause();
    item->run(item->state, item->calls / 4 + 1);
    return time_calls(clock, item, item->calls);
}

bool interleave(const struct clock *clock, const struct interleave_limits *limits, int count,
                struct interleaved *items) {
    double *times = calloc((size_t)(count * limits->most_rounds), sizeof *times), total = 0;
    int rounds = 0;
    if (!times)
        return false;
    for (int i = 0; i < count; i++)
        size_batch(clock, limits, &items[i]);
    for (; rounds < limits->most_rounds; rounds++) {
        if ((rounds >= limits->least_rounds && total >= limits->enough_us * 1000) ||
            (rounds >= 3 && total >= limits->at_most_us * 1000))
            break;
        for (int i = 0; i < count; i++) {
            int at = (rounds + i) % count;
            double elapsed = run_batch(clock, limits, &items[at]);
            times[at * limits->most_rounds + rounds] = elapsed / (double)items[at].calls;
            total += elapsed;
        }
    }
    for (int i = 0; i < count; i++) {
        double *own = &times[i * limits->most_rounds];
        items[i].median_us = timing_median(own, rounds) / 1000; /* sorts */
        items[i].minimum_us = own[0] / 1000;
        items[i].spread = timing_spread(own, rounds);
    }
    free(times);
    return true;
}
