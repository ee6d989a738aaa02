/* Whether a reduction combines equal terms.
 *
 * Where it does, as in sum(r=300000) x[a] * 0.1, each addition may round the same way as the one
 * before, so their errors do not cancel as those of independent terms do (docs/checking.md). */
#ifndef TE_REPETITION_H
#define TE_REPETITION_H

#include "te/expression.h"

#include <stdbool.h>

/* True if a sum or a product must have equal terms: its body cannot read as many different elements, or indices, as
 * the reduction has trips. Literals do not count, since their numbers may be equal. */
bool reduction_repeats_terms(const struct tensor *tensor);

#endif
