/* Transposed convolution (ONNX ConvTranspose): every element of x adds its filter, scaled, to the
 * output,
 *
 *     output[n, k, h * stride + r * dilation - pad_top, w * ...] += x[n, c, h, w] * weight[c, k, r,
 * s]
 *
 * Here it is told from the output's side, as a sum over what meets in one element and nothing else.
 * With u = y + pad_top, tap r meets row (u - r * dilation) / stride where that is whole. For a
 * dilation of 1 these are the taps u % stride, u % stride + stride, ...: tap number t meets row
 * u / stride - t. In general, with both divided by their common divisor g, v = u / g where u is a
 * multiple of g (no tap meets another u), and i the inverse of the dilation modulo the stride:
 *
 *     r   = t * stride + (v * i) % stride
 *     row = (v - ((v * i) % stride) * dilation) / stride - t * dilation */
#include "te/ops/convolution.h"

#include "base/divisor.h"

#include <inttypes.h>

static const struct operator_key keys[] = {
    CONVOLUTION_SIZE_KEYS,
    {"stride", CONVOLUTION_PAIR, "1"},
    {"pad", "rows and columns cut from the output: " CONVOLUTION_PAIR ", or top,left,bottom,right",
     "0"},
    {"dilation", CONVOLUTION_PAIR, "1"},
    {"output_padding", "rows and columns added behind: " CONVOLUTION_PAIR, "0"},
    CONVOLUTION_KEYS,
    {NULL, NULL, NULL},
};

/* ---- reading ---- */

static int64_t most_added(const struct direction *d) {
    return (d->stride > d->dilation ? d->stride : d->dilation) - 1;
}

/* What is cut behind and what is added there are one number: equal paddings if they can give it,
 * else the one that is needed. A stride needs two inputs, a dilation two taps. */
static void simplify(struct direction *d, int64_t whole) {
    int64_t kept = whole - d->before - d->outputs; /* behind: to cut, or, if negative, to add */
    d->after = kept > 0 ? kept : 0;
    if (d->before >= kept && d->before - kept <= most_added(d))
        d->after = d->before;
    d->more = d->after - kept;
    if (d->size == 1 && d->more == 0)
        d->stride = 1;
    if (d->taps == 1 && d->more < d->stride)
        d->dilation = 1;
}

static dlt_status resolve(struct direction *d, struct error *error) {
    int64_t window = (d->taps - 1) * d->dilation + 1;
    int64_t whole = (d->size - 1) * d->stride + window;
    d->outputs = whole + d->more - d->before - d->after;
    if (d->more > most_added(d))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "output_padding: %" PRId64
                         " along %s is not less than the stride, %" PRId64
                         ", or the dilation, %" PRId64,
                         d->more, d->size_key, d->stride, d->dilation);
    if (d->outputs < 1)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "pad: %" PRId64 " and %" PRId64
                         " along %s leave nothing of the output's %" PRId64 " (%s=%" PRId64
                         ", %s=%" PRId64 ")",
                         d->before, d->after, d->size_key, whole + d->more, d->size_key, d->size,
                         d->taps_key, d->taps);
    if (d->outputs > MAX_EXTENT)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "stride: %" PRId64 " makes %" PRId64 " outputs of %s=%" PRId64
                         ", at most %" PRId64 " are possible",
                         d->stride, d->outputs, d->size_key, d->size, MAX_EXTENT);
    simplify(d, whole);
    return DLT_OK;
}

/* ---- building ---- */

/* The number whose product with a leaves 1 modulo m, which have no common divisor. */
static int64_t inverse(int64_t a, int64_t m) {
    for (int64_t i = 1; i < m; i++)
        if (a % m * i % m == 1)
            return i;
    return m == 1 ? 0 : 1;
}

/* Where a term is along one direction. */
struct meeting {
    const struct affine *tap, *row;
    int count; /* of conditions */
    const struct affine *conditions[5];
};

static void meet(struct arena *arena, const struct direction *d, const struct variable *output,
                 const struct variable *number, struct meeting *m) {
    int64_t g = greatest_common_divisor(d->stride, d->dilation);
    int64_t stride = d->stride / g, dilation = d->dilation / g;
    const struct affine *t = affine_variable(arena, number);
    const struct affine *u = affine_add_constant(arena, affine_variable(arena, output), d->before);
    const struct affine *v = affine_divide(arena, u, g);
    const struct affine *first =
        affine_remainder(arena, affine_scale(arena, v, inverse(dilation, stride)), stride);
    const struct affine *spread =
        dilation == 1 ? v : affine_subtract(arena, v, affine_scale(arena, first, dilation));
    m->tap = affine_add(arena, affine_scale(arena, t, stride), first);
    m->row = affine_subtract(arena, affine_divide(arena, spread, stride),
                             affine_scale(arena, t, dilation));
    m->count = convolution_bounds(arena, m->row, d->size, m->conditions, 0);
    m->count = convolution_bounds(arena, m->tap, d->taps, m->conditions, m->count);
    if (g > 1)
        m->conditions[m->count++] = affine_scale(arena, affine_remainder(arena, u, g), -1);
}

static const struct value *product(struct arena *arena, const struct convolution *conv,
                                   const struct tensor *x, const struct tensor *weight,
                                   const struct reduced *reduced) {
    const struct affine *of_x[4], *of_weight[4], *conditions[2 * 5];
    const struct affine *filter = affine_variable(arena, reduced->axes[1]);
    const struct affine *group = affine_divide(arena, filter, conv->k / conv->groups);
    int count = 0;
    of_x[0] = affine_variable(arena, reduced->axes[0]);
    of_x[1] = affine_add(arena, affine_scale(arena, group, conv->c / conv->groups),
                         affine_variable(arena, reduced->reduction_axes[0]));
    of_weight[0] = of_x[1];
    of_weight[1] = affine_remainder(arena, filter, conv->k / conv->groups);
    for (int i = 0; i < DIRECTIONS; i++) {
        struct meeting m;
        meet(arena, &conv->direction[i], reduced->axes[2 + i], reduced->reduction_axes[1 + i], &m);
        of_x[2 + i] = m.row;
        of_weight[2 + i] = m.tap;
        for (int j = 0; j < m.count; j++)
            conditions[count++] = m.conditions[j];
    }
    return convolution_select(arena, count, conditions,
                              value_binary(arena, OP_MULTIPLY, value_read(arena, x, of_x),
                                           value_read(arena, weight, of_weight)));
}

/* Taps that may meet in one element. */
static int64_t taps_met(const struct direction *d) {
    int64_t stride = d->stride / greatest_common_divisor(d->stride, d->dilation);
    return (d->taps + stride - 1) / stride;
}

static dlt_status build_conv2d_transpose(struct operator_arguments *arguments,
                                         struct expression *expression, struct error *error) {
    struct convolution conv = {0};
    TRY(convolution_read(arguments, expression, resolve, true, &conv, error));
    const struct direction *v = &conv.direction[VERTICAL], *h = &conv.direction[HORIZONTAL];
    struct convolution_shape shape = {{"c", "k", "r", "s"},
                                      {conv.c, conv.k / conv.groups, v->taps, h->taps},
                                      {conv.c / conv.groups, taps_met(v), taps_met(h)}};
    return convolution_build(expression, &conv, &shape, product, error);
}

const struct operator_definition conv2d_transpose_definition = {
    .name = "conv2d_transpose",
    .help = "transposed two-dimensional convolution with stride, padding, dilation, groups",
    .keys = keys,
    .sizes = "n c h w k r s",
    .places = "accumulate",
    .groups = "groups",
    .grouped = "c k",
    .alternatives = convolution_alternatives,
    .build = build_conv2d_transpose,
};
