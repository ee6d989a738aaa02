/* Convolution (ONNX Conv): with K filters of C / groups channels,
 *
 *     output[n, k, y, x] = sum(c, r, s) x[n, (k / (K / groups)) * (C / groups) + c,
 *                                         y * stride + r * dilation - pad_top, x * ...]
 *                                     * weight[k, c, r, s]
 *
 * where an element of x outside the image is 0; then the epilogue. Conditions that always hold are
 * left out: without padding there is no select at all. */
#include "te/ops/epilogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct operator_key keys[] = {
    {"n", "images", "1"},
    {"c", "input channels", NULL},
    {"h", "input height", NULL},
    {"w", "input width", NULL},
    {"k", "filters: output channels", NULL},
    {"r", "filter height", NULL},
    {"s", "filter width", NULL},
    {"stride", "a number, or vertical x horizontal as 2x1", "1"},
    {"pad", "a number, or vertical x horizontal as 2x1, or top,left,bottom,right", "0"},
    {"dilation", "a number, or vertical x horizontal as 2x1", "1"},
    {"groups", "groups of channels; c and k must be multiples of it", "1"},
    {"layout", "of x, output and residual: nchw, nhwc, a layout such as n,c/16,h,w,c%16, or any",
     "nchw"},
    {"accumulate", "1: add to what the output holds, before post", "0"},
    {"dtype", "element type", "f32"},
    {"post", "epilogue in order: bias (of k), add (a residual), relu", "none"},
    {"const", "inputs known before the calls: x weight bias residual, or none", "weight"},
    {NULL, NULL, NULL},
};

static const char *const layouts[] = {"nchw", "nhwc", "n,c/8,h,w,c%8", "n,c/16,h,w,c%16", NULL};
static const struct operator_alternatives alternatives[] = {{"layout", layouts}, {NULL, NULL}};

enum {
    VERTICAL,
    HORIZONTAL,
    DIRECTIONS
};

/* One direction of the image: along h with r, or along w with s. */
struct direction {
    const char *size_key, *taps_key;
    int64_t size, taps, stride, dilation, before, after;
    int64_t outputs;
};

struct conv2d {
    int64_t n, c, k, groups;
    struct direction direction[DIRECTIONS];
    enum data_type type;
    struct layout input_layout, output_layout;
    struct epilogue epilogue;
    struct operator_inputs inputs;
};

/* Activations are laid out by these names, the output's k, y, x taking the places of c, h, w. */
static const char *const activation_axes[] = {"n", "c", "h", "w"};

/* ---- reading ---- */

/* Equal work is to have equal text: what cannot matter takes its simplest value. A padding behind
 * is that before if this gives as many outputs, else the least that does. With a single output
 * every stride beyond its slack is the same. A dilation needs two taps. */
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
static dlt_status resolve_direction(struct direction *d, struct error *error) {
    int64_t window = (d->taps - 1) * d->dilation + 1, padded = d->size + d->before + d->after;
    if (d->before >= window || d->after >= window)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "pad: %" PRId64 " along %s is not less than the filter's extent, %" PRId64
                         " (%s=%" PRId64 ", dilation %" PRId64 ")",
                         d->before >= window ? d->before : d->after, d->size_key, window,
                         d->taps_key, d->taps, d->dilation);
    if (window > padded)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: %" PRId64 " with dilation %" PRId64 " spans %" PRId64
                         ", more than the padded input's %" PRId64 " (%s=%" PRId64 ")",
                         d->taps_key, d->taps, d->dilation, window, padded, d->size_key, d->size);
    d->outputs = (padded - window) / d->stride + 1;
    simplify(d, window);
    return DLT_OK;
}

static dlt_status read_window(struct operator_arguments *arguments, struct direction *direction,
                              struct error *error) {
    int64_t stride[DIRECTIONS], dilation[DIRECTIONS], pads[4];
    TRY(arguments_pair(arguments, "stride", 1, MAX_ATTRIBUTE, stride, error));
    TRY(arguments_pads(arguments, "pad", pads, error));
    TRY(arguments_pair(arguments, "dilation", 1, MAX_ATTRIBUTE, dilation, error));
    for (int i = 0; i < DIRECTIONS; i++) {
        struct direction *d = &direction[i];
        d->stride = stride[i];
        d->dilation = dilation[i];
        d->before = pads[i];
        d->after = pads[i + 2];
        TRY(resolve_direction(d, error));
        stride[i] = d->stride;
        dilation[i] = d->dilation;
        pads[i + 2] = d->after;
    }
    arguments_write_pair(arguments, "stride", stride);
    arguments_write_pads(arguments, "pad", pads);
    arguments_write_pair(arguments, "dilation", dilation);
    return DLT_OK;
}

static dlt_status read_groups(struct operator_arguments *arguments, struct conv2d *conv,
                              struct error *error) {
    TRY(arguments_number(arguments, "groups", 1, MAX_EXTENT, &conv->groups, error));
    if (conv->c % conv->groups || conv->k % conv->groups)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "groups: %" PRId64 " does not divide %s=%" PRId64
                         "; it may be a common divisor of c and k",
                         conv->groups, conv->c % conv->groups ? "c" : "k",
                         conv->c % conv->groups ? conv->c : conv->k);
    return DLT_OK;
}

static void activation_extents(const struct conv2d *conv, int64_t input[4], int64_t output[4]) {
    const struct direction *vertical = &conv->direction[VERTICAL];
    const struct direction *horizontal = &conv->direction[HORIZONTAL];
    memcpy(input, (int64_t[]){conv->n, conv->c, vertical->size, horizontal->size},
           4 * sizeof *input);
    memcpy(output, (int64_t[]){conv->n, conv->k, vertical->outputs, horizontal->outputs},
           4 * sizeof *output);
}

static dlt_status parse_layouts(const struct conv2d *conv, const char *text, struct layout *input,
                                struct layout *output, struct error *error) {
    int64_t input_extents[4], output_extents[4];
    activation_extents(conv, input_extents, output_extents);
    TRY(layout_parse(input, text, 4, activation_axes, input_extents, error));
    return layout_parse(output, text, 4, activation_axes, output_extents, error);
}

/* A layout's text with commas for spaces, so that it is one word of a workload. */
static void one_word(char *word, size_t size, const struct layout *layout, const int64_t *extents) {
    struct text text = {0};
    layout_print(&text, layout, activation_axes, extents);
    snprintf(word, size, "%s", text_string(&text));
    text_free(&text);
    for (; *word; word++)
        if (*word == ' ')
            *word = ',';
}

/* The short name if there is one; else the text, unless the input's and the output's differ by a
 * padding that only one of them needs to name. */
static void write_layout(struct operator_arguments *arguments, const struct conv2d *conv,
                         const char *given) {
    static const char *const short_names[] = {"nchw", "nhwc"};
    char of_input[1024], of_output[1024];
    int64_t input_extents[4], output_extents[4];
    for (int i = 0; i < 2; i++) {
        struct layout input, output;
        if (parse_layouts(conv, short_names[i], &input, &output, NULL) == DLT_OK &&
            layout_equal(&input, &conv->input_layout) &&
            layout_equal(&output, &conv->output_layout)) {
            arguments_write_text(arguments, "layout", short_names[i]);
            return;
        }
    }
    activation_extents(conv, input_extents, output_extents);
    one_word(of_input, sizeof of_input, &conv->input_layout, input_extents);
    one_word(of_output, sizeof of_output, &conv->output_layout, output_extents);
    arguments_write_text(arguments, "layout", strcmp(of_input, of_output) ? given : of_input);
}

static dlt_status read_layout(struct operator_arguments *arguments, struct expression *expression,
                              struct conv2d *conv, struct error *error) {
    const char *given = arguments_text(arguments, "layout");
    char *spaced = arena_format(expression->arena, "%s", given);
    char *word = arena_format(expression->arena, "%s", given);
    for (size_t i = 0; given[i]; i++) {
        if (given[i] == ',')
            spaced[i] = ' ';
        if (given[i] == ' ')
            word[i] = ',';
    }
    if (parse_layouts(conv, spaced, &conv->input_layout, &conv->output_layout, error) != DLT_OK)
        return error_prefix(error, "layout");
    write_layout(arguments, conv, word);
    return DLT_OK;
}

static dlt_status read_conv2d(struct operator_arguments *arguments, struct expression *expression,
                              struct conv2d *conv, struct error *error) {
    TRY(arguments_size(arguments, "n", &conv->n, error));
    TRY(arguments_size(arguments, "c", &conv->c, error));
    TRY(arguments_size(arguments, "k", &conv->k, error));
    for (int i = 0; i < DIRECTIONS; i++) {
        struct direction *d = &conv->direction[i];
        d->size_key = i == VERTICAL ? "h" : "w";
        d->taps_key = i == VERTICAL ? "r" : "s";
        TRY(arguments_size(arguments, d->size_key, &d->size, error));
        TRY(arguments_size(arguments, d->taps_key, &d->taps, error));
    }
    TRY(read_window(arguments, conv->direction, error));
    TRY(read_groups(arguments, conv, error));
    TRY(read_layout(arguments, expression, conv, error));
    TRY(arguments_type(arguments, "dtype", &conv->type, error));
    return epilogue_read(arguments, "x", "weight", &conv->epilogue, &conv->inputs, error);
}

/* ---- building ---- */

/* Where in the image a tap falls: output * stride + tap * dilation - padding before. */
static const struct affine *position(struct arena *arena, const struct direction *d,
                                     const struct variable *output, const struct variable *tap) {
    const struct affine *start = affine_scale(arena, affine_variable(arena, output), d->stride);
    const struct affine *offset = affine_scale(arena, affine_variable(arena, tap), d->dilation);
    return affine_add_constant(arena, affine_add(arena, start, offset), -d->before);
}

/* Appends the conditions for 0 <= index < size that do not always hold. */
static int add_bounds(struct arena *arena, const struct affine *index, int64_t size,
                      const struct affine **conditions, int count) {
    int64_t lowest, highest;
    affine_range(index, &lowest, &highest);
    if (lowest < 0)
        conditions[count++] = index;
    if (highest >= size)
        conditions[count++] = affine_subtract(arena, affine_constant(arena, size - 1), index);
    return count;
}

/* x[n, channel, row, column], or 0 outside the image. */
static const struct value *read_image(struct arena *arena, const struct conv2d *conv,
                                      const struct tensor *x, const struct affine *const *where) {
    const struct affine *conditions[2 * DIRECTIONS];
    const struct value *element = value_read(arena, x, where);
    int count = 0;
    for (int i = 0; i < DIRECTIONS; i++)
        count = add_bounds(arena, where[2 + i], conv->direction[i].size, conditions, count);
    if (!count)
        return element;
    return value_select(arena, count, conditions, element, value_constant(arena, conv->type, 0));
}

static const struct value *product(struct arena *arena, const struct conv2d *conv,
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

static void name_conv2d(struct text *identifier, const struct conv2d *conv) {
    const struct direction *v = &conv->direction[VERTICAL], *h = &conv->direction[HORIZONTAL];
    text_append(identifier, "conv2d_");
    if (conv->n > 1)
        text_format(identifier, "n%" PRId64 "_", conv->n);
    text_format(identifier, "%" PRId64 "x%" PRId64 "x%" PRId64 "_k%" PRId64 "_r%" PRId64, conv->c,
                v->size, h->size, conv->k, v->taps);
    if (h->taps != v->taps)
        text_format(identifier, "x%" PRId64, h->taps);
    if (v->stride != 1 || h->stride != 1)
        text_format(identifier, "_stride%" PRId64, v->stride);
    if (h->stride != v->stride)
        text_format(identifier, "x%" PRId64, h->stride);
    if (conv->groups > 1)
        text_format(identifier, "_groups%" PRId64, conv->groups);
}

static dlt_status build_conv2d(struct operator_arguments *arguments, struct expression *expression,
                               struct text *identifier, struct error *error) {
    static const char *const weight_axes[] = {"k", "c", "r", "s"};
    static const char *const output_axes[] = {"n", "k", "y", "x"};
    int64_t input_extents[4], output_extents[4], weight_extents[4];
    struct conv2d conv = {0};
    struct tensor *x, *weight;
    struct epilogue_tensors tensors;
    struct reduced reduced = {.name = "conv",
                              .rank = 4,
                              .channel_axis = 1,
                              .reduction_rank = 3,
                              .layout = &conv.output_layout};
    TRY(read_conv2d(arguments, expression, &conv, error));
    activation_extents(&conv, input_extents, output_extents);
    memcpy(weight_extents,
           (int64_t[]){conv.k, conv.c / conv.groups, conv.direction[VERTICAL].taps,
                       conv.direction[HORIZONTAL].taps},
           sizeof weight_extents);
    TRY(operator_input(expression, &conv.inputs, "x", conv.type, 4, activation_axes, input_extents,
                       &x, error));
    x->layout = conv.input_layout;
    TRY(operator_input(expression, &conv.inputs, "weight", conv.type, 4, weight_axes,
                       weight_extents, &weight, error));
    for (int i = 0; i < 4; i++)
        reduced.axes[i] = expression_axis(expression, output_axes[i], output_extents[i]);
    for (int i = 0; i < 3; i++)
        reduced.reduction_axes[i] =
            expression_axis(expression, weight_axes[1 + i], weight_extents[1 + i]);
    TRY(epilogue_inputs(expression, &conv.inputs, &conv.epilogue, &reduced, conv.type, &tensors,
                        error));
    reduced.body = product(expression->arena, &conv, x, weight, &reduced);
    name_conv2d(identifier, &conv);
    return epilogue_build(expression, &conv.epilogue, &tensors, &reduced, error);
}

const struct operator_definition conv2d_definition = {
    .name = "conv2d",
    .help = "two-dimensional convolution with stride, padding, dilation, groups",
    .keys = keys,
    .sizes = "n c h w k r s",
    .alternatives = alternatives,
    .build = build_conv2d,
};
