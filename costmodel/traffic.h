/* Traffic between caches, from a nest's summary; private to this folder.
 *
 * For a cache, the loops from some depth inwards touch no more than it holds (the fit). What an
 * access touches there is fetched once in every trip of the loops around, but for loops right
 * outside the fit that do not move it. */
#ifndef COSTMODEL_TRAFFIC_H
#define COSTMODEL_TRAFFIC_H

#include "schedules/summary.h"

/* The outermost depth from which everything fits into `bytes`. */
int traffic_fit_depth(const struct nest_summary *summary, double bytes);

/* Lines that the access brings in during the whole nest, given the depth that fits. */
double traffic_lines(const struct nest_summary *summary, const struct summary_access *access,
                     int fit);

/* Bytes touched between two uses of the same element by the loops around the tile; the nest's whole
 * footprint if they do not come back to it. */
double traffic_reuse_distance(const struct nest_summary *summary,
                              const struct summary_access *access);

/* Cycles of the nest: the static bound and the traffic. */
double traffic_cycles(const struct space *space, const struct nest_summary *summary);

#endif
