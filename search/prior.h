/* What is expected of a point before a task has records of its own.
 *
 * The model of other tasks' records, mixed with the analytic score: a model that saw few tasks
 * knows their quirks, and is worse than either alone. Both are logarithms, so the mean is one too;
 * only differences between points mean something. */
#ifndef SEARCH_PRIOR_H
#define SEARCH_PRIOR_H

#include "costmodel/model.h"
#include "search/strategy.h"

/* The share of a model that was trained on so many records. */
double prior_model_share(int64_t records);

/* Of `count` points by their features and analytic scores. `hints` NULL: these scores. */
void prior_energies(const struct hints *hints, int64_t count, const float *features,
                    const double *analytic, float *energies);

#endif
