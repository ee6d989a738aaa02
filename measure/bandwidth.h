/* How fast one thread moves bytes: vector programs that read, write or copy a buffer again and
 * again. Which memory answers follows from the buffer's size alone. */
#ifndef MEASURE_BANDWIDTH_H
#define MEASURE_BANDWIDTH_H

#include <stdint.h>

enum traffic {
    TRAFFIC_READ,
    TRAFFIC_WRITE,
    TRAFFIC_COPY, /* bytes read and bytes written both count */
    TRAFFIC_COUNT,
};

extern const char *const traffic_names[TRAFFIC_COUNT];

/* Bytes a second on `bytes` of memory (source and destination of a copy together); for writing and
 * copying the faster of ordinary stores and those around the caches. 0 if the target has no machine
 * code or does not run here, or if memory ran out. */
double measure_bandwidth(const char *target, enum traffic traffic, int64_t bytes);

#endif
