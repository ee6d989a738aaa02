/* Traffic between caches and the analytic score; see traffic.h. */
#include "costmodel/traffic.h"

#include "costmodel/features.h"

#include <math.h>

/* Cycles to fetch a line of 64 bytes from the level below the first, second and third cache. Of the
 * order of what processors do; the model learns the rest. */
static const double line_cycles[CACHE_LEVELS] = {1.2, 2.6, 6.0};

/* How much of a fetch the processor hides behind arithmetic. */
#define HIDDEN 0.7

int traffic_fit_depth(const struct nest_summary *summary, double bytes) {
    for (int i = 0; i < summary->loop_count; i++)
        if (summary->bytes[i] <= bytes)
            return i;
    return summary->loop_count;
}

double traffic_lines(const struct nest_summary *summary, const struct summary_access *access,
                     int fit) {
    double lines = access->lines[fit];
    bool moved = false;
    for (int i = fit - 1; i >= 0; i--) {
        moved |= access->strides[i] != 0;
        if (moved)
            lines *= (double)summary->loops[i].trips;
    }
    return lines;
}

double traffic_reuse_distance(const struct nest_summary *summary,
                              const struct summary_access *access) {
    for (int i = summary->tile_depth - 1; i >= 0; i--)
        if (access->strides[i] == 0)
            return summary->bytes[i + 1];
    return summary->bytes[0];
}

double traffic_cycles(const struct space *space, const struct nest_summary *summary) {
    double bound = summary->estimate, fetch = 0;
    for (int level = 0; level < CACHE_LEVELS; level++) {
        double bytes = (double)space->target.caches[level].bytes;
        int fit;
        if (bytes <= 0)
            continue;
        fit = traffic_fit_depth(summary, bytes);
        for (int i = 0; i < summary->access_count; i++)
            fetch += line_cycles[level] * traffic_lines(summary, &summary->accesses[i], fit);
    }
    return fmax(bound, fetch) + (1 - HIDDEN) * fmin(bound, fetch);
}

double analytic_score(const struct space *space, const int *point) {
    struct nest_summary summary;
    double cycles = 0;
    for (int i = 0; i < space_nest_count(space); i++) {
        space_summarise(space, i, point, &summary);
        cycles += traffic_cycles(space, &summary);
    }
    return log(fmax(cycles, 1));
}
