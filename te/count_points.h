/* Counting the points of a box where conditions hold. */
#ifndef TE_COUNT_POINTS_H
#define TE_COUNT_POINTS_H

#include "te/affine.h"

enum {
    MAX_COUNTED_VARIABLES = 16,
    MAX_COUNTED_CONDITIONS = 64
};

/* How many points of the box of all `variables` satisfy all `conditions` (each >= 0). Exact, unless
 * conditions tie together variables of more than 2^24 points: then those count as satisfied. */
double count_points(int variable_count, const struct variable *const *variables,
                    int condition_count, const struct affine *const *conditions);

#endif
