/* Nest summaries: what the loops of a point would do, computed without lowering or allocating.
 *
 * A space has one nest of loops for each group of its expression. The summary lists a nest's loops
 * outside in, those of a single trip left out, and for each tensor that it reads or writes how many
 * elements and cache lines one run of the loops from each depth inwards touches. Border conditions
 * are ignored and every tile is a whole one, so the counts are those of a tile in the middle; where
 * subscripts overlap (a window's rows) an element counts once. Tests compare them with the lowered
 * program's. */
#ifndef SCHEDULES_SUMMARY_H
#define SCHEDULES_SUMMARY_H

#include "schedules/space.h"
#include "schedules/tile_bound.h"

enum {
    SUMMARY_LOOPS = 48,
    SUMMARY_ACCESSES = 9,
};

/* Where in the nest a loop stands, outside in. */
enum summary_place {
    PLACE_BLOCK,       /* over cache blocks */
    PLACE_SPLIT,       /* over blocks of a reduction */
    PLACE_TILES,       /* over tiles */
    PLACE_REDUCTION,   /* in the tile: counted */
    PLACE_WRITTEN_OUT, /* in the tile: trips of a reduction, written out */
    PLACE_ROWS,        /* in the tile: instances */
    PLACE_VECTOR,      /* in the tile: lanes and vectors */
};

struct summary_loop {
    const char *axis; /* of the expression */
    enum summary_place place;
    bool is_reduction;
    int64_t trips;
    int64_t step; /* of the axis, one trip */
};

/* A tensor read by the nest's reduction, or its result. */
struct summary_access {
    const struct tensor *tensor;
    bool is_write;
    bool is_packed; /* read from a copy in the order of the tile */
    bool is_copied; /* and the copy is made by the kernel itself */
    int element_bytes;
    int64_t strides[SUMMARY_LOOPS];     /* elements from one trip of a loop to the next */
    double elements[SUMMARY_LOOPS + 1]; /* distinct, touched by the loops from this depth inwards */
    double lines[SUMMARY_LOOPS + 1];    /* cache lines */
    double sets, lines_a_way;           /* of the first cache, that one call of the tile meets */
};

struct nest_summary {
    int loop_count;
    struct summary_loop loops[SUMMARY_LOOPS]; /* outermost first */
    int tile_depth;                           /* loops from here inwards are the tile */
    int access_count;
    struct summary_access accesses[SUMMARY_ACCESSES]; /* the result first */
    double bytes[SUMMARY_LOOPS + 1]; /* of all accesses, as lines, from each depth inwards */
    double work;                     /* elements combined by the whole nest, all tiles whole */
    double useful;                   /* the same without what ragged edges add */
    bool is_reduction;

    struct tile_bound bound; /* of a whole tile */
    double calls;            /* of tiles */
    double estimate;    /* cycles of the whole nest by the space's own model; INFINITY: refused */
    double late_cycles; /* a part of that, see space_private.h */

    bool prefetches;         /* tiles ask for the lines that they will write */
    int threads;             /* that share the nest */
    int64_t parallel_trips;  /* of the loop whose trips they share; 1: none */
    double combining_cycles; /* of the nest that combines partial results, threads considered; 0 */
};

void space_summarise(const struct space *space, int nest, const int *point,
                     struct nest_summary *summary);

#endif
