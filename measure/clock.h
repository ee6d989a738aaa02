/* Clocks: PAPI's, behind a seam so that tests can put their own in place.
 *
 * One thread is timed by its CPU time, which does not run while other processes have the core;
 * several threads only by the wall clock. */
#ifndef MEASURE_CLOCK_H
#define MEASURE_CLOCK_H

#include "base/error.h"

#include <stdbool.h>

struct clock {
    double (*nanoseconds)(void *context);
    void *context;
    double overhead; /* nanoseconds from one reading to the next with nothing between */
    bool wall;
};

dlt_status clock_open(bool wall, struct clock *clock, struct error *error);

/* The wall clock in seconds, for shares of time. */
double clock_seconds(void);
/* The CPU time of the calling thread, in seconds. */
double clock_thread_seconds(void);

#endif
