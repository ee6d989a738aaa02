/* Simulated annealing on measured times (Kirkpatrick, Gelatt, Vecchi 1983; Metropolis et al. 1953).
 *
 * A few chains walk through the space at once. Each has a point and its energy, the logarithm of
 * the measured time; it proposes a neighbour and, when that has been measured, goes there if it is
 * better, or with probability exp(-difference / temperature) if it is worse. A difference of 0.1 is
 * a tenth of the time, whatever the kernel. The temperature falls with the number of points seen,
 * those of earlier runs included, so a continued run goes on where the other stopped and no budget
 * has to be known.
 *
 * All chains start at point 0. Points that belong to no chain (random ones, earlier runs') take the
 * place of the worst chain if they are better. A chain that was turned back too often goes to the
 * best point known. One point in sixteen is random; every second one while nothing was right, since
 * the neighbours of a failure tend to fail like it. */
#include "search/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHAINS = 4,
    MOVES_TRIED = 64, /* neighbours looked at for one that is new and legal */
    PATIENCE = 8,     /* refusals in a row before a chain starts anew from the best */
    RANDOM_ONE_IN = 16,
    RANDOM_ONE_IN_LOST = 2, /* while nothing was right */
};

#define HOT     0.20 /* the first temperature */
#define COLD    0.01
#define COOLING 32.0 /* points seen until the temperature has halved */

struct chain {
    int point[MAX_KNOBS], proposed[MAX_KNOBS];
    double energy;
    bool waiting; /* for the score of `proposed` */
    int turned_back;
};

struct annealing {
    struct chain chains[CHAINS];
    int next; /* whose turn it is */
    int best[MAX_KNOBS];
    double best_energy;
    int64_t observed;
    int knob_count;
};

static dlt_status create(const struct space *space, void **state, struct error *error) {
    struct annealing *a = calloc(1, sizeof *a);
    if (!a)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    a->knob_count = space->knob_count;
    a->best_energy = INFINITY;
    for (int i = 0; i < CHAINS; i++)
        a->chains[i].energy = INFINITY;
    *state = a;
    return DLT_OK;
}

static void copy(const struct annealing *a, int *to, const int *from) {
    memcpy(to, from, (size_t)a->knob_count * sizeof *to);
}

static bool equal(const struct annealing *a, const int *x, const int *y) {
    return memcmp(x, y, (size_t)a->knob_count * sizeof *x) == 0;
}

static double temperature(const struct annealing *a) {
    double value = HOT * exp2(-(double)a->observed / COOLING);
    return value > COLD ? value : COLD;
}

/* A neighbour of the chain's point that is new and legal, farther away the longer that takes. */
static bool propose_neighbour(struct annealing *a, struct chain *chain,
                              struct proposals *proposals) {
    int point[MAX_KNOBS];
    copy(a, point, chain->point);
    for (int i = 0; i < MOVES_TRIED; i++) {
        if (i < MOVES_TRIED / 2 || i % 8 == 0)
            copy(a, point, chain->point);
        if (!proposals_move(proposals, point, point))
            return false;
        if (!proposals_offer(proposals, point))
            continue;
        copy(a, chain->proposed, point);
        chain->waiting = true;
        return true;
    }
    return false;
}

static bool propose_one(struct annealing *a, struct proposals *proposals) {
    struct chain *chain = &a->chains[a->next];
    a->next = (a->next + 1) % CHAINS;
    chain->waiting = false;
    if (proposals_offer(proposals, chain->point)) { /* point 0, the first time */
        copy(a, chain->proposed, chain->point);
        chain->waiting = true;
        return true;
    }
    bool lost = a->observed && !isfinite(a->best_energy);
    if (random_below(&proposals->random, lost ? RANDOM_ONE_IN_LOST : RANDOM_ONE_IN) != 0 &&
        propose_neighbour(a, chain, proposals))
        return true;
    return proposals_offer_random(proposals);
}

static void propose(void *state, struct proposals *proposals) {
    while (proposals->count < proposals->wanted && propose_one(state, proposals))
        ;
}

static void enter(struct annealing *a, struct chain *chain, const int *point, double energy) {
    copy(a, chain->point, point);
    chain->energy = energy;
    chain->turned_back = 0;
}

/* Metropolis' rule. */
static void decide(struct annealing *a, struct chain *chain, struct proposals *proposals,
                   double energy) {
    double worse = energy - chain->energy;
    chain->waiting = false;
    if (isfinite(energy) && (!isfinite(chain->energy) || worse <= 0 ||
                             random_unit(&proposals->random) < exp(-worse / temperature(a))))
        enter(a, chain, chain->proposed, energy);
    else if (++chain->turned_back >= PATIENCE && isfinite(a->best_energy))
        enter(a, chain, a->best, a->best_energy);
}

static struct chain *worst_chain(struct annealing *a) {
    struct chain *worst = &a->chains[0];
    for (int i = 1; i < CHAINS; i++)
        if (a->chains[i].energy > worst->energy)
            worst = &a->chains[i];
    return worst;
}

static void observe(void *state, struct proposals *proposals, const int *point, double score) {
    struct annealing *a = state;
    struct chain *worst = worst_chain(a);
    a->observed++;
    if (score < a->best_energy) {
        copy(a, a->best, point);
        a->best_energy = score;
    }
    for (int i = 0; i < CHAINS; i++)
        if (a->chains[i].waiting && equal(a, a->chains[i].proposed, point)) {
            decide(a, &a->chains[i], proposals, score);
            return;
        }
    if (score < worst->energy)
        enter(a, worst, point, score);
}

static void release(void *state) {
    free(state);
}

const struct strategy annealing_strategy = {
    .name = "annealing",
    .help = "simulated annealing on measured times, several chains",
    .batch = CHAINS,
    .create = create,
    .propose = propose,
    .observe = observe,
    .free = release,
};
