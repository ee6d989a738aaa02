/* Features: what a cost model is told of a point, the same for every expression.
 *
 * Everything comes from the nest summaries (schedules/summary.h) and the target's numbers: sizes as
 * logarithms, footprints and reuse against each cache, the tile's static bound. Operands are told
 * apart by what they do, not by name: the result, the largest operand along the vector ("along"),
 * the largest that all lanes share ("across"). A space of several nests is described by the one
 * that takes the most cycles.
 *
 * A model is valid for one version of the features. Whatever changes a value or an order here
 * raises FEATURE_VERSION. */
#ifndef COSTMODEL_FEATURES_H
#define COSTMODEL_FEATURES_H

#include "schedules/summary.h"

enum {
    FEATURE_VERSION = 7,
    FEATURE_COUNT = 104,
    FEATURE_NAME = 40,
};

/* Fills FEATURE_COUNT numbers, all finite; no memory is allocated. */
void features_compute(const struct space *space, const int *point, float *features);

/* The name of each feature. */
void features_names(char names[FEATURE_COUNT][FEATURE_NAME]);

/* The bare analytic score, the energy where nothing was measured: the logarithm of the cycles that
 * the static bound and the traffic between caches allow. For all nests of the space. */
double analytic_score(const struct space *space, const int *point);
/* Both at once, for less than one after the other: fills the features, answers the score. */
double features_with_score(const struct space *space, const int *point, float *features);

#endif
