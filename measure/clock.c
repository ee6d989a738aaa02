/* PAPI's clocks; see clock.h. */
#include "measure/clock.h"

#include <papi.h>
#include <time.h>

static double thread_time(void *context) {
    (void)context;
    return (double)PAPI_get_virt_nsec();
}

static double wall_time(void *context) {
    (void)context;
    return (double)PAPI_get_real_nsec();
}

/* The least of a few spans: what a reading costs when nothing disturbs it. */
static double clock_overhead(const struct clock *clock) {
    enum {
        SPANS = 16,
        READINGS = 8
    };
    double least = 0;
    for (int span = 0; span < SPANS; span++) {
        double start = clock->nanoseconds(clock->context), elapsed;
        for (int i = 0; i < READINGS; i++)
            elapsed = clock->nanoseconds(clock->context) - start;
        if (span == 0 || elapsed < least)
            least = elapsed;
    }
    return least / READINGS;
}

dlt_status clock_open(bool wall, struct clock *clock, struct error *error) {
    int version = PAPI_library_init(PAPI_VER_CURRENT);
    if (version != PAPI_VER_CURRENT)
        return error_set(error, DLT_ERROR_SYSTEM, "PAPI: %s",
                         version < 0 ? PAPI_strerror(version) : "the library has another version");
    *clock = (struct clock){.nanoseconds = wall ? wall_time : thread_time, .wall = wall};
    clock->overhead = clock_overhead(clock);
    return DLT_OK;
}

static double read_seconds(clockid_t which) {
    struct timespec now;
    clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

double clock_seconds(void) {
    return read_seconds(CLOCK_MONOTONIC);
}

double clock_thread_seconds(void) {
    return read_seconds(CLOCK_THREAD_CPUTIME_ID);
}
