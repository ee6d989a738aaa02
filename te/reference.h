/* The reference: what an expression means, evaluated element by element in double precision.
 *
 * Obviously right before fast: it walks the body once for each term. It shares nothing with
 * lowering. Next to each element it gives the sum of the terms' magnitudes, from which the error
 * that an honest computation in the element's type may make is bounded (docs/checking.md). */
#ifndef TE_REFERENCE_H
#define TE_REFERENCE_H

#include "te/expression.h"

struct reference_element {
    double value;
    double magnitude; /* sum of |terms|, carried through the stages; the scale of rounding errors */
    double terms;     /* how many roundings may have met in it */
};

struct reference;

/* `inputs[i]` is the data of the i-th input in the order of expression->tensors, in that tensor's
 * type and layout; literals have NULL. If the expression accumulates, one more follows: what the
 * result held before, likewise. All are read, not copied, until reference_free. */
dlt_status reference_create(const struct expression *expression, const void *const *inputs,
                            struct reference **reference, struct error *error);

/* The element of the result with these subscripts. Reduced tensors in the middle are evaluated
 * once, when first needed, and kept. */
dlt_status reference_evaluate(struct reference *reference, const int64_t *subscripts,
                              struct reference_element *element, struct error *error);

/* The largest difference from `element->value` that rounding explains in a computation in `type`:
 * 0 where nothing rounds. The one rule of right and wrong (docs/checking.md). */
double reference_tolerance(const struct reference_element *element, enum data_type type);

/* Terms that evaluating one element of the result costs, for whoever must bound the time. */
double reference_cost(const struct reference *reference);
void reference_free(struct reference *reference);

#endif
