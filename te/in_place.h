/* Whether a call may be given the same memory for an input and for the result. */
#ifndef TE_IN_PLACE_H
#define TE_IN_PLACE_H

#include "te/expression.h"

/* True if each element of the result, and nothing else, reads that element of the input, and both
 * lie in memory alike: a residual. The result is no reduction then. It is true of a kernel if its
 * schedule stores each element once (schedule_stores_once). */
bool expression_in_place(const struct expression *expression, const struct tensor *input);

#endif
