/* Grid search: the space in a fixed order, evenly strided; the plainest of strategies.
 *
 * The points of an odometer are visited with a stride that has no factor in common with their
 * number, so that early trials are spread over the whole space. The seed says where it starts. */
#include "search/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_POINTS ((uint64_t)1 << 56) /* that are told apart by their number */

enum {
    BATCH = 16,
    MOST_STEPS = 1 << 20, /* of one call */
};

struct grid {
    const struct space *space;
    uint64_t size, stride, at, visited;
    bool started;
};

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static dlt_status create(const struct space *space, void **state, struct error *error) {
    struct grid *g = calloc(1, sizeof *g);
    if (!g)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    g->space = space;
    g->size = 1;
    for (int i = 0; i < space->knob_count && g->size < MOST_POINTS; i++)
        g->size *= (uint64_t)space->knobs[i].choice_count;
    g->stride = (uint64_t)(0.6180339887498949 * (double)g->size); /* golden section */
    while (g->stride == 0 || common_divisor(g->stride, g->size) != 1)
        g->stride++;
    *state = g;
    return DLT_OK;
}

static void propose(void *state, struct proposals *proposals) {
    struct grid *g = state;
    if (!g->started)
        g->at = random_below(&proposals->random, g->size);
    g->started = true;
    for (int i = 0; i < MOST_STEPS && g->visited < g->size; i++) {
        int point[MAX_KNOBS], canonical[MAX_KNOBS];
        uint64_t number = g->at;
        if (proposals->count == proposals->wanted)
            return;
        for (int knob = 0; knob < g->space->knob_count; knob++) {
            uint64_t choices = (uint64_t)g->space->knobs[knob].choice_count;
            point[knob] = (int)(number % choices);
            number /= choices;
        }
        memcpy(canonical, point, sizeof canonical);
        space_canonicalise(g->space, canonical);
        proposals_offer(proposals, canonical);
        g->at = (g->at + g->stride) % g->size;
        g->visited++;
    }
}

static void observe(void *state, struct proposals *proposals, const int *point, double score) {
    (void)state, (void)proposals, (void)point, (void)score;
}

static void release(void *state) {
    free(state);
}

const struct strategy grid_strategy = {
    .name = "grid",
    .help = "the whole space in one order, evenly spread",
    .batch = BATCH,
    .create = create,
    .propose = propose,
    .observe = observe,
    .free = release,
};
