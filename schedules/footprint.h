/* What accesses that move by constant strides touch: distinct elements, lines, and sets of a cache;
 * private to this folder.
 *
 * An access moves by a constant stride with each loop, so the elements touched by some loops are
 * the sums of stride * counter. Taken by ascending strides, such a set stays a run without holes
 * while each stride is no longer than the run so far, which it lengthens; a longer stride repeats
 * it. */
#ifndef SCHEDULES_FOOTPRINT_H
#define SCHEDULES_FOOTPRINT_H

#include "machine/description.h"

enum {
    FOOTPRINT_LOOPS = 48
};

struct footprint {
    int count;
    int64_t strides[FOOTPRINT_LOOPS], trips[FOOTPRINT_LOOPS]; /* by ascending strides */
};

void footprint_add(struct footprint *footprint, int64_t stride, int64_t trips);

/* Distinct elements, and lines of `line` elements, with runs that start at a line. */
void footprint_count(const struct footprint *footprint, double line, double *elements,
                     double *lines);

/* On how many places of a way of the cache addresses fall that lie `stride` bytes apart: those
 * beyond share a set with one before. */
int64_t cache_places(const struct cache_description *cache, int64_t stride);

/* The sets that some loops' accesses fall on, at most all there are: strides in bytes. */
double cache_sets_met(const struct cache_description *cache, int loop_count, const int64_t *strides,
                      const int64_t *trips);

#endif
