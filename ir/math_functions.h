/* Functions of tensor expressions as sequences of vector operations, for lanes of f32.
 *
 * Bounds over all inputs, and what special values give: docs/numerics.md. */
#ifndef IR_MATH_FUNCTIONS_H
#define IR_MATH_FUNCTIONS_H

#include "ir/vectors.h"
#include "te/expression.h"

/* True for exp, log, tanh and erf. */
bool math_is_function(enum operation operation);

/* Appends the operations to a block; the value of the result. */
int math_append(struct vector_program *program, struct vector_block *block,
                enum operation operation, int x);

#endif
