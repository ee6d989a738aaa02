/* What a result needs: tensors that are computed for nobody are left out before anything is
 * scheduled. */
#ifndef TE_LIVE_H
#define TE_LIVE_H

#include "te/expression.h"

/* The expression without the computed tensors that the result does not read, in any number of
 * steps; all inputs stay. Returns `expression` itself if there are none. */
const struct expression *expression_live(struct arena *arena, const struct expression *expression);

#endif
