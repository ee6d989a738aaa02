/* Collapsing axes: fewer, longer axes for the same memory.
 *
 * Two axes of the result that are always used together, side by side in every layout that has them,
 * are one axis to whoever schedules: the rows and columns of a 1x1 convolution's image are one axis
 * of pixels. Long axes leave smaller rests when cut into vectors and tiles. */
#ifndef TE_COLLAPSE_H
#define TE_COLLAPSE_H

#include "te/expression.h"

/* An expression with the same tensors in the same order, of the same sizes in memory, that computes
 * the same; axes that can be are merged ("y", "x" become "yx"). Returns `expression` itself if
 * there are none. What is new lives in the arena. */
const struct expression *expression_collapse(struct arena *arena,
                                             const struct expression *expression);

#endif
