/* The test's own evaluator: an element's value in double precision, and how far a right kernel may
 * be from it.
 *
 * The error is carried along as an absolute bound: each operation in f32 adds u times its result,
 * and passes on what its operands bring, by the worst slope over their intervals. This is another
 * rule than dltune's own (docs/checking.md), on purpose.
 *
 * What is not comparable is marked `free`: a result near f32's overflow, a division by what may be
 * zero, the root of what may be negative. NaN and infinity are values like others: they have to
 * come out where the definition has them, and nowhere else. */
#ifndef DIFFERENTIAL_EVALUATE_H
#define DIFFERENTIAL_EVALUATE_H

#include "definition.h"

struct element {
    double value;
    double error;
    bool free;    /* any result will do */
    bool padding; /* the zero of a select's other branch: a product with it need not be made */
};

struct evaluator;

/* `inputs`: of each tensor of the definition its elements as they lie in its layout (NULL for
 * computed ones and literals). `previous`: what the result held, in its layout; may be NULL. NULL
 * if memory ran out. */
struct evaluator *evaluator_create(const struct definition *definition, const float *const *inputs,
                                   const float *previous);
void evaluator_free(struct evaluator *evaluator);

/* An element of the result. */
struct element evaluator_element(struct evaluator *evaluator, const int64_t *subscripts);

/* Whether a number may be this element. */
bool element_allows(const struct element *element, float number);

#endif
