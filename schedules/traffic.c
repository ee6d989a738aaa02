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

/* The share of a cache that rows of this access, a constant stride apart, can occupy: rows whose
 * distance has a large divisor in common with the cache's span fall on few of its sets. */
static double usable_share(const struct nest_summary *summary, const struct summary_access *access,
                           const struct cache_description *cache) {
    int64_t span = cache->ways > 0 ? cache->bytes / cache->ways : 0, run = 1;
    double share = 1;
    if (span <= 0 || cache->line_bytes <= 0)
        return 1;
    for (int i = summary->tile_depth; i < summary->loop_count; i++)
        if (access->strides[i] == 1)
            run *= summary->loops[i].trips;
    run = (run * access->element_bytes + cache->line_bytes - 1) / cache->line_bytes;
    for (int i = summary->tile_depth; i < summary->loop_count; i++) {
        int64_t stride = access->strides[i] * access->element_bytes;
        int64_t places = cache_places(cache, stride);
        double covered = (double)(places * run * cache->line_bytes) / (double)span;
        if (stride && summary->loops[i].trips > places && covered < share)
            share = covered;
    }
    return share;
}

static bool fits(const struct nest_summary *summary, int depth,
                 const struct cache_description *cache, const double *shares) {
    if (summary->bytes[depth] > (double)cache->bytes)
        return false;
    for (int i = 0; i < summary->access_count; i++)
        if (summary->accesses[i].lines[depth] * cache->line_bytes >
            (double)cache->bytes * shares[i])
            return false;
    return true;
}

int traffic_fit_depth(const struct nest_summary *summary, const struct cache_description *cache) {
    double shares[SUMMARY_ACCESSES];
    for (int i = 0; i < summary->access_count; i++)
        shares[i] = usable_share(summary, &summary->accesses[i], cache);
    for (int i = 0; i < summary->loop_count; i++)
        if (fits(summary, i, cache, shares))
            return i;
    return summary->loop_count;
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
        if (level == 0 && fit == 0) /* all of it stays there from call to call */
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
    return space_shared_cycles(traffic_cycles(space, summary), summary->parallel_trips,
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
