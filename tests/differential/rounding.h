/* The rules by which errors pass through operations; see evaluate.h. */
#ifndef DIFFERENTIAL_ROUNDING_H
#define DIFFERENTIAL_ROUNDING_H

#include "evaluate.h"

#define UNIT     0x1p-24  /* of f32: half the distance of numbers at 1 */
#define SMALLEST 0x1p-149 /* the least denormal */

struct element element_exact(double value);
struct element element_apply(enum operation operation, const struct element *operands);

/* The sum of `count` terms in any order, of which the sum and the sum of magnitudes are known. */
struct element element_of_sum(double sum, double magnitude, double error, double count);

/* Marks what f32 may not hold. */
struct element element_checked(struct element element);

#endif
