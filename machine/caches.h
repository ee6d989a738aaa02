/* The caches of one core, as plain numbers. */
#ifndef MACHINE_CACHES_H
#define MACHINE_CACHES_H

#include <stdint.h>

enum {
    CACHE_LEVELS = 3
};

struct cache_description {
    int64_t bytes; /* of one core's share that a single thread may use; 0: no such level */
    int ways, line_bytes;
};

#endif
