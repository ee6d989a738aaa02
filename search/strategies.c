/* The list of strategies. */
#include "search/strategy.h"

#include <string.h>

extern const struct strategy annealing_strategy, guided_strategy, genetic_strategy, grid_strategy,
    random_strategy;

const struct strategy *const strategies[] = {
    &guided_strategy, &annealing_strategy, &genetic_strategy,
    &random_strategy, &grid_strategy,      NULL,
};

const struct strategy *strategy_find(const char *name) {
    for (int i = 0; strategies[i]; i++)
        if (!strcmp(strategies[i]->name, name))
            return strategies[i];
    return NULL;
}
