/* Genetic search (Holland 1975): a population of measured points, tournaments, uniform crossover,
 * mutation by the moves of proposals.h. The population is the best points measured. */
#include "search/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    POPULATION = 24,
    BATCH = 8,
    TOURNAMENT = 3,
    TRIES = 32, /* for a child that is new and legal */
};

struct individual {
    int point[MAX_KNOBS];
    double score;
};

struct genetic {
    const struct space *space;
    int count; /* of the population, best first */
    struct individual population[POPULATION];
    bool started;
};

static dlt_status create(const struct space *space, void **state, struct error *error) {
    struct genetic *g = calloc(1, sizeof *g);
    if (!g)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    g->space = space;
    *state = g;
    return DLT_OK;
}

/* The population is sorted, so the least place drawn wins. */
static const int *select_parent(const struct genetic *g, struct random *random) {
    uint64_t winner = random_below(random, (uint64_t)g->count);
    for (int i = 1; i < TOURNAMENT; i++) {
        uint64_t other = random_below(random, (uint64_t)g->count);
        winner = other < winner ? other : winner;
    }
    return g->population[winner].point;
}

static bool offer_child(struct genetic *g, struct proposals *proposals) {
    struct random *random = &proposals->random;
    for (int tries = 0; tries < TRIES; tries++) {
        const int *mother = select_parent(g, random), *father = select_parent(g, random);
        int child[MAX_KNOBS];
        for (int i = 0; i < g->space->knob_count; i++)
            child[i] = random_below(random, 2) ? mother[i] : father[i];
        if (tries || random_below(random, 2))
            proposals_move(proposals, child, child);
        space_canonicalise(g->space, child);
        if (proposals_offer(proposals, child))
            return true;
    }
    return false;
}

static void propose(void *state, struct proposals *proposals) {
    static const int zero[MAX_KNOBS];
    struct genetic *g = state;
    if (!g->started)
        proposals_offer(proposals, zero);
    g->started = true;
    while (proposals->count < proposals->wanted)
        if (g->count < POPULATION / 2 || !offer_child(g, proposals))
            if (!proposals_offer_random(proposals))
                return;
}

static void observe(void *state, struct proposals *proposals, const int *point, double score) {
    struct genetic *g = state;
    int at = g->count;
    (void)proposals;
    if (!isfinite(score) || (at == POPULATION && score >= g->population[at - 1].score))
        return;
    if (at == POPULATION)
        at--;
    else
        g->count++;
    while (at > 0 && g->population[at - 1].score > score) {
        g->population[at] = g->population[at - 1];
        at--;
    }
    memcpy(g->population[at].point, point, (size_t)g->space->knob_count * sizeof *point);
    g->population[at].score = score;
}

static void release(void *state) {
    free(state);
}

const struct strategy genetic_strategy = {
    .name = "genetic",
    .help = "a population of the best points, crossed and mutated",
    .batch = BATCH,
    .create = create,
    .propose = propose,
    .observe = observe,
    .free = release,
};
