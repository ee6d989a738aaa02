/* Convolution (ONNX Conv): with K filters of C / groups channels,
 *
 *     output[n, k, y, x] = sum(c, r, s) x[n, (k / (K / groups)) * (C / groups) + c,
 *                                         y * stride + r * dilation - pad_top, x * ...]
 *                                     * weight[k, c, r, s]
 *
 * where an element of x outside the image is 0; then the epilogue. Padding may be wider than the
 * filter: outputs whose taps all fall outside are sums of nothing, 0. Conditions that always hold
 * are left out: without padding there is no select at all. */
#include "te/ops/convolution.h"

#include <inttypes.h>

static const struct operator_key keys[] = {
    CONVOLUTION_SIZE_KEYS,
    {"stride", CONVOLUTION_PAIR, "1"},
    {"pad", CONVOLUTION_PAIR ", or top,left,bottom,right", "0"},
    {"dilation", CONVOLUTION_PAIR, "1"},
    CONVOLUTION_KEYS,
    {NULL, NULL, NULL},
};

/* A padding behind is that before if this gives as many outputs, else the least that does. With a
 * single output every stride beyond its slack is the same. A dilation needs two taps. */
static void simplify(struct direction *d, int64_t window) {
    int64_t slack = d->size + 2 * d->before - window; /* with equal paddings */
    int64_t least = (d->outputs - 1) * d->stride + window - d->size - d->before;
    bool single = d->outputs == 1;
    if (slack >= 0 && (single ? slack < MAX_ATTRIBUTE : slack / d->stride + 1 == d->outputs))
        d->after = d->before;
    else
        d->after = least > 0 ? least : 0;
    if (single)
        d->stride = d->size + d->before + d->after - window + 1;
    if (d->taps == 1)
        d->dilation = 1;
}

/* Checks one direction and counts its outputs. */
static dlt_status resolve(struct direction *d, struct error *error) {
    int64_t window = (d->taps - 1) * d->dilation + 1, padded = d->size + d->before + d->after;
    if (window > padded)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: %" PRId64 " with dilation %" PRId64 " spans %" PRId64
                         ", more than the padded input's %" PRId64 " (%s=%" PRId64 ")",
                         d->taps_key, d->taps, d->dilation, window, padded, d->size_key, d->size);
    d->outputs = (padded - window) / d->stride + 1;
    if (d->outputs > MAX_EXTENT)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "pad: %" PRId64 " and %" PRId64 " make %" PRId64 " outputs of %s=%" PRId64
                         ", at most %" PRId64 " are possible",
                         d->before, d->after, d->outputs, d->size_key, d->size, MAX_EXTENT);
    simplify(d, window);
    return DLT_OK;
}

/* Where in the image a tap falls: output * stride + tap * dilation - padding before. */
static const struct affine *position(struct arena *arena, const struct direction *d,
                                     const struct variable *output, const struct variable *tap) {
    const struct affine *start = affine_scale(arena, affine_variable(arena, output), d->stride);
    const struct affine *offset = affine_scale(arena, affine_variable(arena, tap), d->dilation);
    return affine_add_constant(arena, affine_add(arena, start, offset), -d->before);
}

/* x[n, channel, row, column], or 0 outside the image. */
static const struct value *read_image(struct arena *arena, const struct convolution *conv,
                                      const struct tensor *x, const struct affine *const *where) {
    const struct affine *conditions[2 * DIRECTIONS];
    int count = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        count = convolution_bounds(arena, where[2 + i], conv->direction[i].size, conditions, count);
    return convolution_select(arena, count, conditions, value_read(arena, x, where));
}

static const struct value *product(struct arena *arena, const struct convolution *conv,
                                   const struct tensor *x, const struct tensor *weight,
                                   const struct reduced *reduced) {
    const struct affine *of_x[4], *of_weight[4];
    const struct affine *filter = affine_variable(arena, reduced->axes[1]);
    const struct affine *group = affine_divide(arena, filter, conv->k / conv->groups);
    of_weight[0] = filter;
    for (int i = 0; i < 3; i++)
        of_weight[1 + i] = affine_variable(arena, reduced->reduction_axes[i]);
    of_x[0] = affine_variable(arena, reduced->axes[0]);
    of_x[1] = affine_add(arena, affine_scale(arena, group, conv->c / conv->groups), of_weight[1]);
    for (int i = 0; i < DIRECTIONS; i++)
        of_x[2 + i] = position(arena, &conv->direction[i], reduced->axes[2 + i],
                               reduced->reduction_axes[1 + i]);
    return value_binary(arena, OP_MULTIPLY, read_image(arena, conv, x, of_x),
                        value_read(arena, weight, of_weight));
}

static dlt_status build_conv2d(struct operator_arguments *arguments, struct expression *expression,
                               struct error *error) {
    struct convolution conv = {0};
    TRY(convolution_read(arguments, expression, resolve, false, &conv, error));
    int64_t channels = conv.c / conv.groups;
    int64_t r = conv.direction[VERTICAL].taps, s = conv.direction[HORIZONTAL].taps;
    struct convolution_shape shape = {
        {"k", "c", "r", "s"}, {conv.k, channels, r, s}, {channels, r, s}};
    return convolution_build(expression, &conv, &shape, product, error);
}

const struct operator_definition conv2d_definition = {
    .name = "conv2d",
    .help = "two-dimensional convolution with stride, padding, dilation, groups",
    .keys = keys,
    .sizes = "n c h w k r s",
    .places = "accumulate",
    .groups = "groups",
    .grouped = "c k",
    .alternatives = convolution_alternatives,
    .build = build_conv2d,
};
