/* Matrix product: output[m, n] = sum(k) a[m, k] * b[k, n], then the epilogue.
 *
 * A leading dimension larger than the row is a padded layout of the same logical matrix. */
#include "te/ops/epilogue.h"

#include <inttypes.h>

static const struct operator_key keys[] = {
    {"m", "rows of a and of the output", NULL},
    {"n", "columns of b and of the output", NULL},
    {"k", "columns of a, rows of b", NULL},
    {"lda", "elements from one row of a to the next", "k"},
    {"ldb", "elements from one row of b to the next", "n"},
    {"ldc", "elements from one row of the output (and residual) to the next", "n"},
    {"accumulate", "1: add to what the output holds", "0"},
    {"dtype", "element type", "f32"},
    {"post", "epilogue in order: bias (of n), add (a residual), relu", "none"},
    {"const", "inputs known before the calls: a b bias residual", "none"},
    {NULL, NULL, NULL},
};

struct matmul {
    int64_t m, n, k, lda, ldb, ldc;
    enum data_type type;
    struct epilogue epilogue;
    struct operator_inputs inputs;
};

static dlt_status read_matmul(struct operator_arguments *arguments, struct matmul *matmul,
                              struct error *error) {
    int64_t accumulate;
    TRY(arguments_size(arguments, "m", &matmul->m, error));
    TRY(arguments_size(arguments, "n", &matmul->n, error));
    TRY(arguments_size(arguments, "k", &matmul->k, error));
    TRY(arguments_at_least(arguments, "lda", matmul->k, &matmul->lda, error));
    TRY(arguments_at_least(arguments, "ldb", matmul->n, &matmul->ldb, error));
    TRY(arguments_at_least(arguments, "ldc", matmul->n, &matmul->ldc, error));
    TRY(arguments_number(arguments, "accumulate", 0, 1, &accumulate, error));
    if (accumulate)
        return error_set(error, DLT_ERROR_REFUSED,
                         "accumulate: 1 is not supported yet; it may be 0 (or use post=add, which "
                         "adds a residual)");
    TRY(arguments_type(arguments, "dtype", &matmul->type, error));
    return epilogue_read(arguments, "a", "b", &matmul->epilogue, &matmul->inputs, error);
}

/* A matrix whose rows are `leading` elements apart. */
static dlt_status matrix_layout(struct layout *layout, const char *rows, const char *columns,
                                const int64_t extents[2], int64_t leading, struct arena *arena,
                                struct error *error) {
    const char *names[] = {rows, columns};
    return layout_parse(layout, arena_format(arena, "%s %s:%" PRId64, rows, columns, leading), 2,
                        names, extents, error);
}

static dlt_status matrix_input(struct expression *expression, const struct matmul *matmul,
                               const char *name, const char *const *axis_names,
                               const int64_t extents[2], int64_t leading, struct tensor **tensor,
                               struct error *error) {
    TRY(operator_input(expression, &matmul->inputs, name, matmul->type, 2, axis_names, extents,
                       tensor, error));
    return matrix_layout(&(*tensor)->layout, axis_names[0], axis_names[1], extents, leading,
                         expression->arena, error);
}

/* a[m, k] * b[k, n] */
static const struct value *product(struct arena *arena, const struct tensor *a,
                                   const struct tensor *b, const struct reduced *reduced) {
    const struct affine *m = affine_variable(arena, reduced->axes[0]);
    const struct affine *n = affine_variable(arena, reduced->axes[1]);
    const struct affine *k = affine_variable(arena, reduced->reduction_axes[0]);
    const struct affine *of_a[] = {m, k}, *of_b[] = {k, n};
    return value_binary(arena, OP_MULTIPLY, value_read(arena, a, of_a), value_read(arena, b, of_b));
}

static dlt_status build_matmul(struct operator_arguments *arguments, struct expression *expression,
                               struct text *identifier, struct error *error) {
    static const char *const mk[] = {"m", "k"}, *const kn[] = {"k", "n"};
    struct matmul matmul = {0};
    struct tensor *a, *b;
    struct layout layout;
    struct epilogue_tensors tensors;
    struct reduced reduced = {
        .name = "product", .rank = 2, .channel_axis = 1, .reduction_rank = 1, .layout = &layout};
    TRY(read_matmul(arguments, &matmul, error));
    TRY(matrix_input(expression, &matmul, "a", mk, (int64_t[]){matmul.m, matmul.k}, matmul.lda, &a,
                     error));
    TRY(matrix_input(expression, &matmul, "b", kn, (int64_t[]){matmul.k, matmul.n}, matmul.ldb, &b,
                     error));
    TRY(matrix_layout(&layout, "m", "n", (int64_t[]){matmul.m, matmul.n}, matmul.ldc,
                      expression->arena, error));
    reduced.axes[0] = expression_axis(expression, "m", matmul.m);
    reduced.axes[1] = expression_axis(expression, "n", matmul.n);
    reduced.reduction_axes[0] = expression_axis(expression, "k", matmul.k);
    TRY(epilogue_inputs(expression, &matmul.inputs, &matmul.epilogue, &reduced, matmul.type,
                        &tensors, error));
    reduced.body = product(expression->arena, a, b, &reduced);
    text_format(identifier, "matmul_%" PRId64 "x%" PRId64 "x%" PRId64, matmul.m, matmul.n,
                matmul.k);
    return epilogue_build(expression, &matmul.epilogue, &tensors, &reduced, error);
}

const struct operator_definition matmul_definition = {
    .name = "matmul",
    .help = "matrix product: output[m, n] = sum over k of a[m, k] * b[k, n]",
    .keys = keys,
    .sizes = "m n k",
    .build = build_matmul,
};
