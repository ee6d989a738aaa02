/* How much a candidate is checked and timed in the time that is left.
 *
 * Whatever the time, it runs twice on random inputs and once on others, compared with the reference
 * each time: three calls. What more there is (two patterns of input one after the other instead of
 * one that has the marks of both, calls for timing alone) is for time that is there. */
#ifndef MEASURE_EFFORT_H
#define MEASURE_EFFORT_H

#include <stdbool.h>

struct effort {
    double until;    /* when the time is over, by clock_seconds; INFINITY: never */
    double call;     /* seconds of one call */
    double compare;  /* seconds that comparing its result took */
    double inputs;   /* seconds that making inputs of one pattern takes */
    bool is_hurried; /* there is no time for a large sample of the reference */
};

/* What the first call took: the rest goes by it. */
void effort_note_call(struct effort *effort, double seconds, double now);

/* Whether there is time for calls whose times alone count; else those of the check do. */
bool effort_affords_timing(const struct effort *effort, double now);

/* Whether there is time for so many patterns, `missing` of which have no inputs yet. */
bool effort_affords_patterns(const struct effort *effort, int patterns, int missing, double now);

#endif
