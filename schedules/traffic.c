/* Traffic between caches and the analytic model; see traffic.h. */
#include "schedules/traffic.h"

#include "schedules/footprint.h"
#include "schedules/space_private.h"

#include <math.h>

/* Cycles to fetch a line of 64 bytes from the level below the first, second and third cache. Of the
 * order of what processors do; the model learns the rest. */
static const double line_cycles[CACHE_LEVELS] = {1.2, 2.6, 6.0};

/* How much of a fetch the processor hides behind arithmetic. */
#define HIDDEN 0.9

/* To read a line where it lies and to write it where the tile wants it. */
#define COPIED_LINE_CYCLES 6.0

/* The bytes of a cache that an access can occupy with the loops from each depth inwards: rows whose
 * distance has a large divisor in common with the cache's span fall on few of its sets, until loops
 * around them fill the gaps. */
static void find_usable(const struct nest_summary *summary, const struct summary_access *access,
                        const struct cache_description *cache, double *usable) {
    double sets = cache->ways > 0 && cache->line_bytes > 0
                      ? (double)cache->bytes / cache->ways / cache->line_bytes
                      : 1;
    double met = 1, bytes_a_set = (double)cache->bytes / sets;
    usable[summary->loop_count] = bytes_a_set;
    for (int i = summary->loop_count - 1; i >= 0; i--) {
        int64_t stride = access->strides[i] * access->element_bytes;
        met *= cache_sets_met(cache, 1, &stride, &summary->loops[i].trips);
        met = met < sets ? met : sets;
        usable[i] = met * bytes_a_set;
    }
}

int traffic_fit_depth(const struct nest_summary *summary, const struct cache_description *cache) {
    int depth = 0;
    while (depth < summary->loop_count && summary->bytes[depth] > (double)cache->bytes)
        depth++;
    for (int i = 0; i < summary->access_count; i++) {
        const struct summary_access *access = &summary->accesses[i];
        double usable[SUMMARY_LOOPS + 1];
        find_usable(summary, access, cache, usable);
        while (depth < summary->loop_count &&
               access->lines[depth] * cache->line_bytes > usable[depth])
            depth++;
    }
    return depth;
}

/* From one trip of the loop around the fit to the next, what they have in common is still there: of
 * that whole loop each line is fetched once. */
double traffic_lines(const struct nest_summary *summary, const struct summary_access *access,
                     int fit) {
    int around = fit > 0 ? fit - 1 : 0;
    double lines = access->lines[around];
    bool moved = fit > 0 && access->strides[around] != 0;
    for (int i = around - 1; i >= 0; i--) {
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

/* Lines copied by a kernel that packs this operand: a block of it in every trip of the loops around
 * the innermost block loop that moves it. */
static double copied_lines(const struct nest_summary *summary,
                           const struct summary_access *access) {
    int depth = 0;
    double lines;
    for (int i = 0; i < summary->tile_depth; i++)
        if ((summary->loops[i].place == PLACE_BLOCK || summary->loops[i].place == PLACE_SPLIT) &&
            access->strides[i] != 0)
            depth = i + 1;
    lines = access->lines[depth];
    for (int i = 0; i < depth; i++)
        lines *= (double)summary->loops[i].trips;
    return lines;
}

/* Whether most of the nest's work is to go through this tensor once: then each of its lines is
 * fetched once whatever the order, and what the order costs is in the late cycles. */
static bool is_once(const struct nest_summary *summary, const struct summary_access *access) {
    return access->is_write ? !summary->is_reduction
                            : space_elements(access->tensor) >= SPACE_SHARE_ONCE * summary->work;
}

/* Lines that the access brings in from below a cache. */
static double fetched_lines(const struct nest_summary *summary, const struct summary_access *access,
                            const struct cache_description *cache, int fit) {
    if (!is_once(summary, access))
        return traffic_lines(summary, access, fit);
    return summary->bytes[0] > (double)cache->bytes
               ? space_elements(access->tensor) * access->element_bytes / cache->line_bytes
               : 0;
}

double traffic_cycles(const struct space *space, const struct nest_summary *summary) {
    double bound = summary->estimate - summary->late_cycles, fetch = 0;
    for (int level = 0; level < CACHE_LEVELS; level++) {
        const struct cache_description *cache = &space->target.caches[level];
        int fit;
        if (cache->bytes <= 0)
            continue;
        fit = traffic_fit_depth(summary, cache);
        if (fit == 0) /* all of it stays there from call to call */
            break;
        for (int i = 0; i < summary->access_count; i++)
            fetch += line_cycles[level] * fetched_lines(summary, &summary->accesses[i], cache, fit);
    }
    for (int i = 0; i < summary->access_count; i++)
        if (summary->accesses[i].is_copied)
            bound += COPIED_LINE_CYCLES * copied_lines(summary, &summary->accesses[i]);
    return fmax(bound, fetch) + (1 - HIDDEN) * fmin(bound, fetch) + summary->late_cycles;
}

double traffic_nest_score(const struct space *space, const struct nest_summary *summary) {
    return space_shared_cycles(space, traffic_cycles(space, summary), summary->parallel_trips,
                               summary->threads) +
           summary->combining_cycles;
}

double traffic_score(const struct space *space, const int *point) {
    struct nest_summary summary;
    double cycles = 0;
    for (int i = 0; i < space_nest_count(space); i++) {
        space_summarise(space, i, point, &summary);
        cycles += traffic_nest_score(space, &summary);
    }
    return cycles;
}
