/* Simulated annealing with a cost model as energy (as AutoTVM does: Chen et al. 2018).
 *
 * Many chains walk through the space without measuring: a step proposes a neighbour and goes there
 * by Metropolis' rule on the energies of learner.h, while the temperature falls to zero. The best
 * points met on the way that are new make a pool, from which a batch is chosen for low energy and
 * for being unlike those already in it. What is measured then teaches the model, and the chains
 * walk again from where they were, a share of them from the best points measured. One point in
 * twenty is random, so that the model's blind spots are seen.
 *
 * The first batch is point 0, the adapted best points of the nearest tasks, and what the prior
 * thinks best. */
#include "search/learner.h"
#include "search/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHAINS = 24,
    STEPS = 40,
    POOL = 64,            /* best points kept from a walk */
    ELITE = 16,           /* best points measured that chains start from */
    BATCH = 16,           /* at most; */
    FIRST_HINTS = 6,      /* best points of other tasks in the first batch */
    FEWEST = 3,           /* while there are few records a batch is smaller: each teaches much */
    RECORDS_A_POINT = 10, /* of a batch */
    MOVES_TRIED = 8,      /* for a neighbour that is legal */
    RANDOM_ONE_IN = 20,
};

#define HOT      0.15 /* the first temperature; energies are logarithms of times */
#define LIKENESS 0.15 /* energy that a point like one already chosen is worse by */
#define UNLIKE_DEFAULT                                                                             \
    0.2 /* energy that a point without a knob of point 0 is worse by, until the                    \
           first records: rules chose it by more than the score knows */

struct scored_point {
    int point[MAX_KNOBS];
    double energy;
};

struct guided {
    const struct space *space;
    struct learner learner;
    const struct hints *hints; /* NULL: none */
    int hints_taken;
    bool started, out_of_memory;
    struct scored_point chains[CHAINS];
    int pool_count, elite_count;
    struct scored_point pool[POOL];   /* best first */
    struct scored_point elite[ELITE]; /* best first; measured */
};

static dlt_status create(const struct space *space, void **state, struct error *error) {
    struct guided *g = calloc(1, sizeof *g);
    if (!g)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    g->space = space;
    learner_initialise(&g->learner, space);
    *state = g;
    return DLT_OK;
}

static void remember(void *state, const struct hints *hints) {
    struct guided *g = state;
    g->hints = hints;
    g->learner.hints = hints;
}

static bool equal(const struct space *space, const int *a, const int *b) {
    return memcmp(a, b, (size_t)space->knob_count * sizeof *a) == 0;
}

/* Inserts into a list kept best first, of `most` at most; each point once. */
static void insert(const struct space *space, struct scored_point *list, int *count, int most,
                   const int *point, double energy) {
    int at = *count;
    if (at == most && energy >= list[most - 1].energy)
        return;
    for (int i = 0; i < *count; i++)
        if (list[i].energy == energy && equal(space, list[i].point, point))
            return;
    if (at == most)
        at--;
    else
        (*count)++;
    while (at > 0 && list[at - 1].energy > energy) {
        list[at] = list[at - 1];
        at--;
    }
    memcpy(list[at].point, point, sizeof list[at].point);
    list[at].energy = energy;
}

/* ---- walking ---- */

static bool is_new(const struct proposals *proposals, const int *point) {
    unsigned char key[MAX_KNOBS];
    point_key(proposals->space, point, key);
    return seen_find(proposals->seen, key) < 0;
}

static void random_point(struct guided *g, struct proposals *proposals, int *point) {
    for (int tries = 0; tries < 200; tries++) {
        for (int i = 0; i < g->space->knob_count; i++)
            point[i] =
                (int)random_below(&proposals->random, (uint64_t)g->space->knobs[i].choice_count);
        space_canonicalise(g->space, point);
        if (space_check(g->space, point, NULL) == DLT_OK)
            return;
    }
    memset(point, 0, sizeof *point * MAX_KNOBS);
}

/* A legal neighbour; the point itself if none is found soon. */
static void move(struct guided *g, struct proposals *proposals, const int *from, int *to) {
    for (int tries = 0; tries < MOVES_TRIED; tries++) {
        if (!proposals_move(proposals, from, to))
            break;
        space_canonicalise(g->space, to);
        if (!equal(g->space, from, to) && space_check(g->space, to, NULL) == DLT_OK)
            return;
    }
    memcpy(to, from, sizeof *to * MAX_KNOBS);
}

/* The share of free knobs on which two points agree. */
static double likeness(const struct space *space, const int *a, const int *b) {
    int same = 0, all = 0;
    for (int i = 0; i < space->knob_count; i++)
        if (space->knobs[i].choice_count > 1) {
            same += a[i] == b[i];
            all++;
        }
    return all ? (double)same / all : 1;
}

static void evaluate(struct guided *g, struct scored_point *points, int count) {
    static const int zero[MAX_KNOBS];
    int list[CHAINS][MAX_KNOBS];
    double energies[CHAINS];
    for (int i = 0; i < count; i++)
        memcpy(list[i], points[i].point, sizeof list[i]);
    learner_energies(&g->learner, count, list, energies);
    for (int i = 0; i < count; i++) {
        points[i].energy = energies[i];
        if (!learner_has_learnt(&g->learner))
            points[i].energy += UNLIKE_DEFAULT * (1 - likeness(g->space, points[i].point, zero));
    }
}

/* Where the chains start: half of them where they were, the others from the best measured, from
 * hints and from random points. */
static void place_chains(struct guided *g, struct proposals *proposals) {
    for (int i = 0; i < CHAINS; i++) {
        int *point = g->chains[i].point;
        if (!g->started && i == 0)
            memset(point, 0, sizeof g->chains[i].point);
        else if (!g->started && g->hints && i - 1 < g->hints->point_count)
            memcpy(point, g->hints->points[i - 1], sizeof g->chains[i].point);
        else if (!g->started || i == CHAINS - 1)
            random_point(g, proposals, point);
        else if (i % 2 && g->elite_count)
            memcpy(point, g->elite[i / 2 % g->elite_count].point, sizeof g->chains[i].point);
    }
    g->started = true;
    evaluate(g, g->chains, CHAINS);
}

static void consider(struct guided *g, const struct proposals *proposals,
                     const struct scored_point *p) {
    if (is_new(proposals, p->point))
        insert(g->space, g->pool, &g->pool_count, POOL, p->point, p->energy);
}

static void walk(struct guided *g, struct proposals *proposals) {
    struct scored_point next[CHAINS] = {0};
    place_chains(g, proposals);
    g->pool_count = 0;
    for (int i = 0; i < CHAINS; i++)
        consider(g, proposals, &g->chains[i]);
    for (int step = 0; step < STEPS; step++) {
        double temperature = HOT * (1 - (double)step / STEPS);
        for (int i = 0; i < CHAINS; i++)
            move(g, proposals, g->chains[i].point, next[i].point);
        evaluate(g, next, CHAINS);
        for (int i = 0; i < CHAINS; i++) {
            double worse = next[i].energy - g->chains[i].energy;
            consider(g, proposals, &next[i]);
            if (worse <= 0 || random_unit(&proposals->random) < exp(-worse / temperature))
                g->chains[i] = next[i];
        }
    }
}

/* ---- a batch ---- */

/* Takes the point of the pool that is best when likeness to the batch is counted; false if the
 * pool is empty. */
static bool take_from_pool(struct guided *g, struct proposals *proposals) {
    double best = INFINITY;
    int chosen = -1;
    for (int i = 0; i < g->pool_count; i++) {
        double most = 0;
        for (int j = 0; j < proposals->count; j++)
            most = fmax(most, likeness(g->space, g->pool[i].point, proposals->points[j]));
        if (g->pool[i].energy + LIKENESS * most < best) {
            best = g->pool[i].energy + LIKENESS * most;
            chosen = i;
        }
    }
    if (chosen < 0)
        return false;
    proposals_offer(proposals, g->pool[chosen].point);
    g->pool_count--;
    memmove(&g->pool[chosen], &g->pool[chosen + 1],
            (size_t)(g->pool_count - chosen) * sizeof *g->pool);
    return true;
}

/* Point 0, then a few of the hints; energies decide about the rest. */
static void offer_first(struct guided *g, struct proposals *proposals) {
    static const int zero[MAX_KNOBS];
    proposals_offer(proposals, zero);
    while (g->hints && g->hints_taken < g->hints->point_count && g->hints_taken < FIRST_HINTS)
        proposals_offer(proposals, g->hints->points[g->hints_taken++]);
}

static void propose(void *state, struct proposals *proposals) {
    struct guided *g = state;
    int64_t records = g->learner.count / RECORDS_A_POINT;
    int wanted = records < FEWEST ? FEWEST : records < BATCH ? (int)records : BATCH;
    wanted = wanted < proposals->wanted ? wanted : proposals->wanted;
    if (g->out_of_memory) {
        proposals->out_of_memory = true;
        return;
    }
    if (!g->learner.count)
        offer_first(g, proposals);
    wanted = proposals->count + 2 > wanted ? proposals->count + 2 : wanted;
    learner_train(&g->learner);
    walk(g, proposals);
    while (proposals->count < wanted) {
        if (random_below(&proposals->random, RANDOM_ONE_IN) != 0 && take_from_pool(g, proposals))
            continue;
        if (!proposals_offer_random(proposals) && !take_from_pool(g, proposals))
            return;
    }
}

static void observe(void *state, struct proposals *proposals, const int *point, double score) {
    struct guided *g = state;
    int copy[MAX_KNOBS] = {0};
    (void)proposals;
    memcpy(copy, point, (size_t)g->space->knob_count * sizeof *point);
    if (isfinite(score))
        insert(g->space, g->elite, &g->elite_count, ELITE, copy, score);
    if (!learner_add(&g->learner, copy, score))
        g->out_of_memory = true;
}

static void release(void *state) {
    struct guided *g = state;
    learner_free(&g->learner);
    free(g);
}

const struct strategy guided_strategy = {
    .name = "model",
    .help = "simulated annealing on a cost model that learns from what was measured",
    .batch = BATCH,
    .create = create,
    .remember = remember,
    .propose = propose,
    .observe = observe,
    .free = release,
};
