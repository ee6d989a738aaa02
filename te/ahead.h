/* What of an expression is computed ahead of all calls, with the packing of parameters. */
#ifndef TE_AHEAD_H
#define TE_AHEAD_H

#include "te/expression.h"

#include <stdbool.h>

/* For each tensor of the expression whether it is computed and follows from parameters, literals and
 * indices alone. The result never is: it is written in each call. Without any parameter nothing is
 * packed, so nothing is ahead. `ahead` has MAX_TENSORS entries. */
void expression_find_ahead(const struct expression *expression, bool *ahead);

#endif
