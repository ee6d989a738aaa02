/* Telling a slow phase of the machine from a slow kernel.
 *
 * A short burst of multiply-adds, always the same, is timed just before and just after a candidate.
 * What it usually takes is known from the candidates before. Where it takes longer, the core is
 * slower than usual, and so is the candidate: it is timed again, and flagged if that does not help.
 * Times are never scaled: only what is bound by arithmetic slows down as the burst does. */
#ifndef MEASURE_PROBE_H
#define MEASURE_PROBE_H

#include "measure/peak.h"
#include "measure/timing.h"

/* Slower than usual by this factor is a slow phase. */
#define PROBE_SLOW_FACTOR 1.05

/* The seam: what is timed. */
struct probe {
    void (*burst)(void *context); /* NULL: the machine has none, and no phase is told */
    void *context;
};

/* The burst of a target (of the native one if the target has no machine code). */
void probe_open(const char *target, struct probe *probe, struct fma_burst *burst);

/* What surrounding a candidate's timing with the probe told. */
struct probed {
    double nanoseconds; /* of the burst; 0: there is no probe */
    double slowdown;    /* over `usual`; 1 if either is unknown */
};

/* Times a call between two bursts, up to three times while the phase is slow and that is soon done.
 * `usual`: nanoseconds that the burst usually takes; 0: not known yet. */
struct timing probe_timing(const struct probe *probe, const struct clock *clock,
                           const struct timing_request *request, double usual,
                           struct probed *probed);

/* What bursts took lately; the median of the last ones is what is usual. */
enum {
    PROBE_HISTORY = 63,
    PROBE_LEAST = 5, /* so many before a median counts */
};
struct probe_history {
    double nanoseconds[PROBE_HISTORY];
    long count; /* ever added */
};
void probe_history_add(struct probe_history *history, double nanoseconds);
double probe_history_usual(const struct probe_history *history); /* 0: not known yet */

#endif
