/* Matrix product: output[m, n] = sum(k) a[m, k] * b[k, n], then the epilogue. */
#include "te/ops/matrix_product.h"

static const struct operator_key keys[] = {
    {"m", "rows of a and of the output", NULL},
    {"n", "columns of b and of the output", NULL},
    {"k", "columns of a, rows of b", NULL},
    MATRIX_PRODUCT_KEYS,
    {NULL, NULL, NULL},
};

static dlt_status build_matmul(struct operator_arguments *arguments, struct expression *expression,
                               struct error *error) {
    return matrix_product_build(arguments, false, expression, error);
}

const struct operator_definition matmul_definition = {
    .name = "matmul",
    .help = "matrix product: output[m, n] = sum over k of a[m, k] * b[k, n]",
    .keys = keys,
    .sizes = "m n k",
    .places = "lda ldb ldc accumulate",
    .build = build_matmul,
};
