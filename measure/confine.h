/* Taking from a worker what no candidate needs, so that nothing of a candidate outlives it.
 *
 * Threads may be started, processes may not; nor may other programs, sessions or process groups. A
 * refused call answers an error, as it does for any other want of permission. */
#ifndef MEASURE_CONFINE_H
#define MEASURE_CONFINE_H

#include <stdbool.h>

/* For this process and its threads, for good. False where the system has no such filter: then the
 * measurer still kills the worker's process group, but a candidate may leave it. */
bool confine_process(void);

/* Keeps the calling thread, and those it starts later, on the processor it is on. False where that
 * is not allowed. */
bool pin_to_processor(void);

#endif
