/* Timing several kernels in turn, so that what disturbs the machine disturbs all of them.
 *
 * A round times each of them once: some calls that are not counted, since the one before has filled
 * the caches with its own data, then a batch of calls between two readings of the clock. The next
 * round begins with another one. The median of a kernel's batches is its time in this process. */
#ifndef BENCH_WORKER_INTERLEAVE_H
#define BENCH_WORKER_INTERLEAVE_H

#include "measure/clock.h"

struct interleaved {
    void (*run)(void *state, long calls);
    void *state;
    long calls;                           /* of a batch */
    double median_us, minimum_us, spread; /* of one call */
};

struct interleave_limits {
    double batch_us;     /* a batch takes at least this */
    int least_rounds;    /* and so many rounds are run, */
    int most_rounds;     /* up to so many, */
    double enough_us;    /* until all batches of all kernels took this together */
    double at_most_us;   /* fewer rounds, though no less than three, where they take longer */
    void (*pause)(void); /* before each batch; NULL: none. Lets the threads of others fall asleep */
};

extern const struct interleave_limits interleave_usual;

/* False if memory ran out. */
bool interleave(const struct clock *clock, const struct interleave_limits *limits, int count,
                struct interleaved *items);

#endif
