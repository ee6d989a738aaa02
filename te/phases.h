/* Phases: an axis that is used in steps becomes two, the steps and the place within one.
 *
 * A transposed convolution of stride 2 treats even and odd rows apart: row y takes the taps of
 * (y + 1) % 2 and starts at (y + 1) / 2. With y = 2*y + y.phase all that divides moves to the
 * phase, and the rest is an ordinary convolution, whose rows read the same weights side by side. */
#ifndef TE_PHASES_H
#define TE_PHASES_H

#include "te/expression.h"

/* An expression with the same tensors in the same order, of the same sizes in memory, that computes
 * the same; axes of the result with a remainder somewhere are separated ("y" becomes "y", "y.phase").
 * Where the extent is no multiple of its period the last step has fewer phases: the tensor's domain
 * says so. Returns `expression` itself if there are
 * none. What is new lives in the arena. */
const struct expression *expression_separate(struct arena *arena,
                                             const struct expression *expression);

#endif
