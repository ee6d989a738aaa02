/* A static bound of a tile: the cycles that its vector program takes at least.
 *
 * A trip of a loop takes as long as the busiest of: products, loads and stores by what the target
 * starts in a cycle, and the longest chain of results that waits for itself from trip to trip. Data
 * in the first cache; nothing is known of the second. */
#ifndef IR_STATIC_BOUND_H
#define IR_STATIC_BOUND_H

#include "ir/vectors.h"
#include "machine/description.h"

struct static_bound {
    double cycles; /* of a call; of loops with bounds at run time one trip */
    /* the heaviest of the innermost loops, one trip; without loops the whole program */
    double operations, loads, stores; /* multiplications, with or without a sum; accesses */
    double chain;                     /* cycles */
    double trip_cycles;
    int64_t multiply_adds; /* of a call */
    int64_t code_bytes;    /* about */
};

struct static_bound static_bound_of(const struct vector_program *program,
                                    const struct target_description *target);

#endif
