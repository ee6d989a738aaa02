/* Proposing points: the one place that decides whether a point may be measured, and the moves that
 * strategies are made of.
 *
 * A point is taken only if the space does not refuse it and it was never taken before, so that no
 * strategy can propose one twice. */
#ifndef SEARCH_PROPOSALS_H
#define SEARCH_PROPOSALS_H

#include "base/random.h"
#include "schedules/space.h"
#include "search/seen.h"

enum {
    MAX_BATCH = 64
};

struct proposals {
    const struct space *space;
    struct seen *seen; /* points, a byte for each knob */
    struct random random;
    int count, wanted; /* of the batch being filled */
    int points[MAX_BATCH][MAX_KNOBS];
    int walk[MAX_KNOBS]; /* where the exhaustive walk stands */
    bool walked;         /* it has come to the end */
    bool out_of_memory;
    /* Asked now and then; true: looking for points ends, with those that are there. May be NULL. */
    bool (*stop)(void *context);
    void *context;
};

void proposals_initialise(struct proposals *proposals, const struct space *space, struct seen *seen,
                          uint64_t seed);

/* Appends the point to the batch and answers true if the batch has room, and the point is new and
 * not refused. */
bool proposals_offer(struct proposals *proposals, const int *point);

/* Offers random points until one is taken; where they are hard to find, walks through the space.
 * False: as good as exhausted. */
bool proposals_offer_random(struct proposals *proposals);

/* Changes one knob, sometimes two: an ordered one to a choice near its own. False if the space has
 * a single point. */
bool proposals_move(struct proposals *proposals, const int *from, int *to);

/* The key of a point in a table of points: a byte for each knob, the rest zero. */
void point_key(const struct space *space, const int *point, unsigned char key[MAX_KNOBS]);

#endif
