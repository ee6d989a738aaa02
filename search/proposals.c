/* Taking points into a batch, and moves; see proposals.h. */
#include "search/proposals.h"

#include <math.h>
#include <string.h>

enum {
    RANDOM_TRIES = 8000,  /* before the walk takes over: of some spaces one point in 700 is legal */
    WALK_STEPS = 1 << 18, /* that one call may take: about a second */
    ASK_EVERY = 256,      /* steps */
};

void proposals_initialise(struct proposals *proposals, const struct space *space, struct seen *seen,
                          uint64_t seed) {
    memset(proposals, 0, sizeof *proposals);
    proposals->space = space;
    proposals->seen = seen;
    random_seed(&proposals->random, seed);
}

void point_key(const struct space *space, const int *point, unsigned char key[MAX_KNOBS]) {
    memset(key, 0, MAX_KNOBS);
    for (int i = 0; i < space->knob_count; i++)
        key[i] = (unsigned char)point[i];
}

bool proposals_offer(struct proposals *proposals, const int *point) {
    unsigned char key[MAX_KNOBS];
    if (proposals->count == proposals->wanted)
        return false;
    point_key(proposals->space, point, key);
    if (seen_find(proposals->seen, key) >= 0 ||
        space_check(proposals->space, point, NULL) != DLT_OK)
        return false;
    if (!seen_set(proposals->seen, key, NAN)) {
        proposals->out_of_memory = true;
        return false;
    }
    memcpy(proposals->points[proposals->count++], point,
           (size_t)proposals->space->knob_count * sizeof *point);
    return true;
}

/* The next point in the order of an odometer; false behind the last. */
static bool step_walk(struct proposals *proposals) {
    const struct space *space = proposals->space;
    for (int i = 0; i < space->knob_count; i++) {
        if (++proposals->walk[i] < space->knobs[i].choice_count)
            return true;
        proposals->walk[i] = 0;
    }
    return false;
}

static bool must_stop(const struct proposals *proposals, int step) {
    return step % ASK_EVERY == 0 && proposals->stop && proposals->stop(proposals->context);
}

static bool offer_walk(struct proposals *proposals) {
    for (int i = 0; i < WALK_STEPS && !proposals->walked && !must_stop(proposals, i); i++) {
        bool taken = proposals_offer(proposals, proposals->walk);
        proposals->walked = !step_walk(proposals);
        if (taken)
            return true;
    }
    return false;
}

bool proposals_offer_random(struct proposals *proposals) {
    const struct space *space = proposals->space;
    int point[MAX_KNOBS];
    for (int i = 0; i < RANDOM_TRIES && !proposals->walked && !must_stop(proposals, i); i++) {
        for (int knob = 0; knob < space->knob_count; knob++)
            point[knob] =
                (int)random_below(&proposals->random, (uint64_t)space->knobs[knob].choice_count);
        if (proposals_offer(proposals, point))
            return true;
    }
    return proposals->count < proposals->wanted && offer_walk(proposals);
}

/* The choice whose number is next above, or below, that of `choice`; words count by their place.
 * The first choice of a knob is its default, so places say nothing about numbers. -1 at the end. */
static int next_choice(const struct knob *knob, int choice, bool up) {
    int next = -1;
    if (knob->labels[0])
        return up ? (choice + 1 < knob->choice_count ? choice + 1 : -1) : choice - 1;
    for (int i = 0; i < knob->choice_count; i++) {
        bool beyond =
            up ? knob->values[i] > knob->values[choice] : knob->values[i] < knob->values[choice];
        bool nearer = next < 0 || (up ? knob->values[i] < knob->values[next]
                                      : knob->values[i] > knob->values[next]);
        if (beyond && nearer)
            next = i;
    }
    return next;
}

/* One step along an ordered knob, sometimes two; at an end the other way. */
static int step_choice(struct random *random, const struct knob *knob, int choice) {
    int steps = random_below(random, 4) ? 1 : 2;
    bool up = random_below(random, 2) != 0;
    int next = next_choice(knob, choice, up);
    if (next < 0)
        next = next_choice(knob, choice, !up);
    else if (steps == 2 && next_choice(knob, next, up) >= 0)
        next = next_choice(knob, next, up);
    return next < 0 ? choice : next;
}

static int other_choice(struct random *random, const struct knob *knob, int choice) {
    int next;
    if (knob->ordered)
        return step_choice(random, knob, choice);
    next = (int)random_below(random, (uint64_t)knob->choice_count - 1);
    return next < choice ? next : next + 1;
}

bool proposals_move(struct proposals *proposals, const int *from, int *to) {
    const struct space *space = proposals->space;
    int free_knobs[MAX_KNOBS], count = 0, changes;
    for (int i = 0; i < space->knob_count; i++)
        if (space->knobs[i].choice_count > 1)
            free_knobs[count++] = i;
    memmove(to, from, (size_t)space->knob_count * sizeof *to);
    if (!count)
        return false;
    changes = random_below(&proposals->random, 3) ? 1 : 2;
    for (int i = 0; i < changes; i++) {
        int knob = free_knobs[random_below(&proposals->random, (uint64_t)count)];
        to[knob] = other_choice(&proposals->random, &space->knobs[knob], to[knob]);
    }
    return true;
}
