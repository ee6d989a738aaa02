/* What the matrix products have in common: a single one, and a batch of them side by side. */
#ifndef TE_OPS_MATRIX_PRODUCT_H
#define TE_OPS_MATRIX_PRODUCT_H

#include "te/ops/epilogue.h"

/* Keys of every matrix product behind its sizes, in the canonical order. */
#define MATRIX_PRODUCT_KEYS                                                                        \
    {"lda", "elements from one row of a to the next", "k"},                                        \
        {"ldb", "elements from one row of b to the next", "n"},                                    \
        {"ldc", "elements from one row of the output (and residual) to the next", "n"},            \
        {"accumulate", "1: add to what the output holds, before post", "0"},                       \
        {"dtype", "element type", "f32"},                                                          \
        {"post", "epilogue in order: bias (of n), add (a residual), activations", "none"}, {       \
        "const", "inputs known before the calls: a b bias residual", "none"                        \
    }

/* Builds output[b, m, n] = sum(k) a[b, m, k] * b[b, k, n] and the epilogue; without the axis of the
 * batch unless `batched`. Leading dimensions are of the rows within a matrix, and matrices follow
 * each other: a is b blocks of m * lda elements. */
dlt_status matrix_product_build(struct operator_arguments *arguments, bool batched,
                                struct expression *expression, struct error *error);

#endif
