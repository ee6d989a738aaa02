/* Strategies: what to measure next, given what was measured.
 *
 * A strategy fills batches of points (propose) and is told the score of each (observe), and of
 * points measured by earlier runs. It draws random numbers only from `proposals`, so the same seed
 * and the same scores give the same points. A new strategy is a file and a row in strategies.c. */
#ifndef SEARCH_STRATEGY_H
#define SEARCH_STRATEGY_H

#include "base/error.h"
#include "search/proposals.h"

struct cost_model;

enum {
    MAX_HINTS = 16
};

/* What other tasks taught, for strategies that can use it. */
struct hints {
    const struct cost_model *model;   /* trained on other tasks; NULL if there is none */
    double model_share;               /* of it in a prior (prior.h), from 0 to 1 */
    int point_count;                  /* best points of the nearest tasks, */
    int points[MAX_HINTS][MAX_KNOBS]; /* adapted to this space; the most promising first */
};

struct strategy {
    const char *name, *help;
    int batch; /* points it likes to propose at a time */

    /* `*state` is the strategy's own; NULL is allowed. */
    dlt_status (*create)(const struct space *space, void **state, struct error *error);
    /* May be NULL. Called once, after create; `hints` outlive the state. */
    void (*remember)(void *state, const struct hints *hints);
    /* Offers points until the batch is full; none taken means that nothing is left to propose. */
    void (*propose)(void *state, struct proposals *proposals);
    /* `score` is the logarithm of the median time in microseconds, INFINITY for a failure. */
    void (*observe)(void *state, struct proposals *proposals, const int *point, double score);
    void (*free)(void *state);
};

extern const struct strategy *const strategies[];       /* the default first; ends with NULL */
const struct strategy *strategy_find(const char *name); /* or NULL */

#endif
