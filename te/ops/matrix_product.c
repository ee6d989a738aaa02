/* Building matrix products; see matrix_product.h.
 *
 * A leading dimension larger than the row is a padded layout of the same logical matrix. */
#include "te/ops/matrix_product.h"

#include <inttypes.h>

struct product {
    bool batched;
    int64_t b, m, n, k, lda, ldb, ldc;
    enum data_type type;
    struct epilogue epilogue;
    struct operator_inputs inputs;
};

/* One of the matrices, with the axis of the batch in front. */
struct matrix {
    const char *names[3];
    int64_t extents[3], leading;
};

static dlt_status read_product(struct operator_arguments *arguments, struct product *p,
                               struct error *error) {
    p->b = 1;
    if (p->batched)
        TRY(arguments_size(arguments, "b", &p->b, error));
    TRY(arguments_size(arguments, "m", &p->m, error));
    TRY(arguments_size(arguments, "n", &p->n, error));
    TRY(arguments_size(arguments, "k", &p->k, error));
    TRY(arguments_at_least(arguments, "lda", p->k, &p->lda, error));
    TRY(arguments_at_least(arguments, "ldb", p->n, &p->ldb, error));
    TRY(arguments_at_least(arguments, "ldc", p->n, &p->ldc, error));
    TRY(arguments_type(arguments, "dtype", &p->type, error));
    return epilogue_read(arguments, "a", "b", &p->epilogue, &p->inputs, error);
}

/* The axes that the product has: without the batch's if it has none. */
static const char *const *names_of(const struct product *p, const struct matrix *matrix) {
    return matrix->names + !p->batched;
}

static const int64_t *extents_of(const struct product *p, const struct matrix *matrix) {
    return matrix->extents + !p->batched;
}

static dlt_status matrix_layout(struct layout *layout, const struct product *p,
                                const struct matrix *matrix, struct arena *arena,
                                struct error *error) {
    const char *text = arena_format(arena, "%s%s %s:%" PRId64, p->batched ? "b " : "",
                                    matrix->names[1], matrix->names[2], matrix->leading);
    return layout_parse(layout, text, 2 + p->batched, names_of(p, matrix), extents_of(p, matrix),
                        error);
}

static dlt_status matrix_input(struct expression *expression, const struct product *p,
                               const char *name, const struct matrix *matrix,
                               struct tensor **tensor, struct error *error) {
    TRY(operator_input(expression, &p->inputs, name, p->type, 2 + p->batched, names_of(p, matrix),
                       extents_of(p, matrix), tensor, error));
    return matrix_layout(&(*tensor)->layout, p, matrix, expression->arena, error);
}

/* a[b, m, k] * b[b, k, n] */
static const struct value *term(struct arena *arena, const struct tensor *a, const struct tensor *b,
                                const struct reduced *reduced) {
    int last = reduced->rank - 1;
    const struct affine *m = affine_variable(arena, reduced->axes[last - 1]);
    const struct affine *n = affine_variable(arena, reduced->axes[last]);
    const struct affine *k = affine_variable(arena, reduced->reduction_axes[0]);
    const struct affine *batch = affine_variable(arena, reduced->axes[0]);
    const struct affine *of_a[] = {batch, m, k}, *of_b[] = {batch, k, n};
    int skipped = last == 1;
    return value_binary(arena, OP_MULTIPLY, value_read(arena, a, of_a + skipped),
                        value_read(arena, b, of_b + skipped));
}

dlt_status matrix_product_build(struct operator_arguments *arguments, bool batched,
                                struct expression *expression, struct error *error) {
    struct product p = {.batched = batched};
    struct tensor *a, *b;
    struct layout layout;
    struct epilogue_tensors tensors;
    struct reduced reduced = {.name = "product",
                              .rank = 2 + batched,
                              .channel_axis = 1 + batched,
                              .reduction_rank = 1,
                              .layout = &layout};
    TRY(read_product(arguments, &p, error));
    struct matrix left = {{"b", "m", "k"}, {p.b, p.m, p.k}, p.lda};
    struct matrix right = {{"b", "k", "n"}, {p.b, p.k, p.n}, p.ldb};
    struct matrix result = {{"b", "m", "n"}, {p.b, p.m, p.n}, p.ldc};
    TRY(matrix_input(expression, &p, "a", &left, &a, error));
    TRY(matrix_input(expression, &p, "b", &right, &b, error));
    TRY(matrix_layout(&layout, &p, &result, expression->arena, error));
    for (int i = 0; i < reduced.rank; i++)
        reduced.axes[i] =
            expression_axis(expression, names_of(&p, &result)[i], extents_of(&p, &result)[i]);
    reduced.reduction_axes[0] = expression_axis(expression, "k", p.k);
    TRY(epilogue_inputs(expression, &p.inputs, &p.epilogue, &reduced, p.type, &tensors, error));
    reduced.body = term(expression->arena, a, b, &reduced);
    return epilogue_build(expression, &p.epilogue, &tensors, &reduced, error);
}
