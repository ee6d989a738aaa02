/* How far an honest computation may be from the exact one: bounds on rounding errors, operation by
 * operation, after Higham (Accuracy and Stability of Numerical Algorithms, chapters 3 and 4).
 *
 * A quantity carries its exact value, a magnitude M >= |value| and a count t of roundings such that
 * what a kernel computes for it differs by at most gamma(t) * M, gamma(t) = t u / (1 - t u), with u
 * half the spacing of numbers at 1 in the result's type. docs/checking.md derives the rules. */
#ifndef TE_ROUNDING_H
#define TE_ROUNDING_H

#include "te/reference.h"

#include <math.h>

/* A number that is known exactly. */
static inline struct reference_element rounding_exact(double value) {
    return (struct reference_element){.value = value, .magnitude = fabs(value), .terms = 0};
}

/* How many independent roundings may do what `terms` do that all go the same way. */
double rounding_terms_alike(double terms);

/* Every operation but the three below. */
struct reference_element rounding_apply_other(enum operation operation, double weight,
                                              double epsilon,
                                              const struct reference_element *operands);

/* The operation on operands that carry errors. `weight` is what one rounding in the operation's
 * type counts, in roundings of the result's type; `epsilon` is the spacing at 1 of the latter.
 * Inline, because each term of a contraction passes here twice. */
static inline struct reference_element rounding_apply(enum operation operation, double weight,
                                                      double epsilon,
                                                      const struct reference_element *a) {
    switch (operation) {
    case OP_ADD:
    case OP_SUBTRACT:
        return (struct reference_element){
            .value = operation == OP_ADD ? a[0].value + a[1].value : a[0].value - a[1].value,
            .magnitude = a[0].magnitude + a[1].magnitude,
            .terms = (a[0].terms > a[1].terms ? a[0].terms : a[1].terms) + weight};
    case OP_MULTIPLY:
        return (struct reference_element){.value = a[0].value * a[1].value,
                                          .magnitude = a[0].magnitude * a[1].magnitude,
                                          .terms = a[0].terms + a[1].terms + weight};
    default:
        return rounding_apply_other(operation, weight, epsilon, a);
    }
}

#endif
