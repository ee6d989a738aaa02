/* Hardware counters of a call, where the machine has them.
 *
 * They come in a pass of their own over finalists, after timing: one counter at a time, since few
 * machines count all at once. What cannot be true is refused rather than shown. Where there are no
 * counters nothing else changes. */
#ifndef MEASURE_COUNTERS_H
#define MEASURE_COUNTERS_H

#include "base/text.h"

#include <stdbool.h>

enum counter {
    COUNTER_CYCLES,
    COUNTER_INSTRUCTIONS,
    COUNTER_L1_MISSES, /* of data */
    COUNTER_L2_MISSES,
    COUNTER_L3_MISSES,
    COUNTER_COUNT,
};

extern const char *const counter_names[COUNTER_COUNT]; /* "cycles", "l1_misses" */

/* Of one call. Bit i of the masks is counter i; neither bit: the machine does not count it. */
struct measure_counters {
    unsigned present, refused;
    double values[COUNTER_COUNT];
};

/* The seam: PAPI's preset events, or a test's. */
struct counter_source {
    unsigned available; /* bit i: counter i can be counted */
    bool (*start)(void *context, enum counter counter);
    bool (*stop)(void *context, long long *value);
    void *context;
};

/* PAPI's; `available` is 0 where the machine has none. After clock_open. */
void counters_open(struct counter_source *source);

/* Counts `calls` calls for each counter. `nanoseconds` of one call are known, to judge by. */
void counters_measure(const struct counter_source *source, void (*call)(void *context),
                      void *context, long calls, double nanoseconds,
                      struct measure_counters *counters);

/* Moves what cannot be true from `present` to `refused`. */
void counters_refuse(struct measure_counters *counters, double nanoseconds);

/* "cycles=1.2e+05 instructions=3e+05 ..."; "none" if there are none. As records keep them. */
void counters_print(struct text *text, const struct measure_counters *counters);

/* What follows from them; 0: not known. */
struct counter_rates {
    double operations_a_cycle, instructions_a_cycle;
    double misses_a_thousand[COUNTER_COUNT]; /* of instructions; by the counter of misses */
    double bytes_moved; /* from and to memory: lines missed by the last level */
};
struct counter_rates counters_rates(const struct measure_counters *counters, double operations,
                                    int line_bytes);

#endif
