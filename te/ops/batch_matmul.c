/* A batch of matrix products: output[b, m, n] = sum(k) a[b, m, k] * b[b, k, n], then the
 * epilogue. */
#include "te/ops/matrix_product.h"

static const struct operator_key keys[] = {
    {"b", "matrices of each input and of the output", NULL},
    {"m", "rows of a and of the output", NULL},
    {"n", "columns of b and of the output", NULL},
    {"k", "columns of a, rows of b", NULL},
    MATRIX_PRODUCT_KEYS,
    {NULL, NULL, NULL},
};

static dlt_status build_batch_matmul(struct operator_arguments *arguments,
                                     struct expression *expression, struct error *error) {
    return matrix_product_build(arguments, true, expression, error);
}

const struct operator_definition batch_matmul_definition = {
    .name = "batch_matmul",
    .help = "a batch of matrix products: output[b, m, n] = sum over k of a[b, m, k] * b[b, k, n]",
    .keys = keys,
    .sizes = "b m n k",
    .places = "lda ldb ldc accumulate",
    .build = build_batch_matmul,
};
