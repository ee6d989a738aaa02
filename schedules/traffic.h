/* Traffic between caches, from a nest's summary.
 *
 * For a cache, the loops from some depth inwards touch no more than it holds (the fit). What an
 * access touches there and in all trips of the loop around is fetched once in every trip of the
 * loops around that, but for loops right outside that do not move it. */
#ifndef SCHEDULES_TRAFFIC_H
#define SCHEDULES_TRAFFIC_H

#include "schedules/summary.h"

/* The outermost depth from which everything fits into the cache, rows that fall on few of its sets
 * considered. */
int traffic_fit_depth(const struct nest_summary *summary, const struct cache_description *cache);

/* Lines that the access brings in during the whole nest, given the depth that fits. */
double traffic_lines(const struct nest_summary *summary, const struct summary_access *access,
                     int fit);

/* Bytes touched between two uses of the same element by the loops around the tile; the nest's whole
 * footprint if they do not come back to it. */
double traffic_reuse_distance(const struct nest_summary *summary,
                              const struct summary_access *access);

/* Cycles of the nest: the static bound and the traffic. */
double traffic_cycles(const struct space *space, const struct nest_summary *summary);

/* The same for all nests of a point, threads considered: the analytic model, behind defaults and
 * before any measuring.
 */
double traffic_score(const struct space *space, const int *point);
/* What one of the nests adds to it. */
double traffic_nest_score(const struct space *space, const struct nest_summary *summary);

#endif
