/* A static bound of a tile, before anything is lowered: what it keeps busy and for how long at
 * least; private to this folder but for what a summary shows of it.
 *
 * A trip of the tile's innermost counted loop (of a call, if it counts nothing) takes as long as
 * the busiest of: products, loads and stores by what the target starts in a cycle, and the longest
 * chain of results that waits for itself from trip to trip. Tests compare the counts with those of
 * lowered tiles: products, loads, stores and chains are exact for tiles in the middle of sums of
 * products (a border's tile has fewer); registers, bytes of code, and whatever has functions or
 * lanes that lie apart are estimates. */
#ifndef SCHEDULES_TILE_BOUND_H
#define SCHEDULES_TILE_BOUND_H

#include "machine/description.h"

#include <stdbool.h>

enum {
    SUM_LATENCY = 2,       /* cycles, at least: sums alone are faster than with a product on some
                              processors; other arithmetic takes one */
    LANE_ACCUMULATORS = 8, /* of one element at most, where trips of a reduction are lanes */
};

struct tile_bound {
    /* of one trip; a load that is done lane by lane counts once a lane */
    double products;        /* with or without a sum */
    double loads;           /* of these: */
    double unaligned_loads; /* begin anywhere in a line */
    double folded_loads;    /* are part of the only instruction that uses them */
    double picks;           /* exchanges between lanes, of every second element */
    double chain;           /* cycles */
    double trip_cycles;

    /* of a call */
    double trips, stores;
    double cycles; /* of all trips and the stores */
    int64_t accumulators, registers, code_bytes;
    bool is_unlimited;      /* whatever it needs: no smaller one is there */
    int64_t variants;       /* of the tile, that borders and rests ask for */
    int64_t all_code_bytes; /* of all variants */
};

/* Cycles that instructions take to start: the busiest of the ports. */
double tile_issue_cycles(const struct target_description *target, double products, double loads,
                         double stores);

#endif
