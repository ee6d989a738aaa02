/* How long the steps of making candidates took: medians and percentiles over a run.
 *
 * Times are counted in buckets 5 % wide, so that a run of any length takes the same memory. */
#ifndef MEASURE_STEPS_H
#define MEASURE_STEPS_H

#include "measure/measure.h"

enum {
    STEP_BUCKETS = 384
}; /* from 0.01 us to more than a second */

struct step_times {
    uint32_t counts[STEP_COUNT][STEP_BUCKETS];
};

extern const char *const measure_step_names[STEP_COUNT];

/* Takes up one candidate's times; those of one that was not made are left out. */
void step_times_add(struct step_times *times, const double microseconds[STEP_COUNT]);
void step_times_merge(struct step_times *times, const struct step_times *others);

/* The time that this share of the candidates stayed below, within 5 %; 0 if there were none. */
double step_times_quantile(const struct step_times *times, enum measure_step step, double share);

#endif
