/* Reading and building what convolutions have in common; see convolution.h. */
#include "te/ops/convolution.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const layouts[] = {"nchw", "nhwc", "n,c/8,h,w,c%8", "n,c/16,h,w,c%16", NULL};
const struct operator_alternatives convolution_alternatives[] = {{"layout", layouts}, {NULL, NULL}};

/* Activations are laid out by these names, the output's k, y, x taking the places of c, h, w. */
static const char *const activation_axes[] = {"n", "c", "h", "w"};

/* ---- reading ---- */

static dlt_status read_window(struct operator_arguments *arguments, resolve_direction *resolve,
                              bool has_more, struct direction *direction, struct error *error) {
    int64_t stride[DIRECTIONS], dilation[DIRECTIONS], more[DIRECTIONS] = {0}, pads[4];
    TRY(arguments_pair(arguments, "stride", 1, MAX_ATTRIBUTE, stride, error));
    TRY(arguments_pads(arguments, "pad", pads, error));
    TRY(arguments_pair(arguments, "dilation", 1, MAX_ATTRIBUTE, dilation, error));
    if (has_more)
        TRY(arguments_pair(arguments, "output_padding", 0, MAX_ATTRIBUTE, more, error));
    for (int i = 0; i < DIRECTIONS; i++) {
        struct direction *d = &direction[i];
        d->stride = stride[i];
        d->dilation = dilation[i];
        d->more = more[i];
        d->before = pads[i];
        d->after = pads[i + 2];
        TRY(resolve(d, error));
        stride[i] = d->stride;
        dilation[i] = d->dilation;
        more[i] = d->more;
        pads[i + 2] = d->after;
    }
    arguments_write_pair(arguments, "stride", stride);
    arguments_write_pads(arguments, "pad", pads);
    arguments_write_pair(arguments, "dilation", dilation);
    if (has_more)
        arguments_write_pair(arguments, "output_padding", more);
    return DLT_OK;
}

static dlt_status read_groups(struct operator_arguments *arguments, struct convolution *conv,
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

static void activation_extents(const struct convolution *conv, int64_t input[4],
                               int64_t output[4]) {
    const struct direction *vertical = &conv->direction[VERTICAL];
    const struct direction *horizontal = &conv->direction[HORIZONTAL];
    memcpy(input, (int64_t[]){conv->n, conv->c, vertical->size, horizontal->size},
           4 * sizeof *input);
    memcpy(output, (int64_t[]){conv->n, conv->k, vertical->outputs, horizontal->outputs},
           4 * sizeof *output);
}

static dlt_status parse_layouts(const struct convolution *conv, const char *text,
                                struct layout *input, struct layout *output, struct error *error) {
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
static void write_layout(struct operator_arguments *arguments, const struct convolution *conv,
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
                              struct convolution *conv, struct error *error) {
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

dlt_status convolution_read(struct operator_arguments *arguments, struct expression *expression,
                            resolve_direction *resolve, bool has_more, struct convolution *conv,
                            struct error *error) {
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
    TRY(read_window(arguments, resolve, has_more, conv->direction, error));
    TRY(read_groups(arguments, conv, error));
    TRY(read_layout(arguments, expression, conv, error));
    TRY(arguments_type(arguments, "dtype", &conv->type, error));
    return epilogue_read(arguments, "x", "weight", &conv->epilogue, &conv->inputs, error);
}

/* ---- building ---- */

int convolution_bounds(struct arena *arena, const struct affine *index, int64_t size,
                       const struct affine **conditions, int count) {
    int64_t lowest, highest;
    affine_range(index, &lowest, &highest);
    if (lowest < 0)
        conditions[count++] = index;
    if (highest >= size)
        conditions[count++] = affine_subtract(arena, affine_constant(arena, size - 1), index);
    return count;
}

const struct value *convolution_select(struct arena *arena, int count,
                                       const struct affine *const *conditions,
                                       const struct value *yes) {
    if (!count)
        return yes;
    return value_select(arena, count, conditions, yes, value_constant(arena, yes->type, 0));
}

dlt_status convolution_build(struct expression *expression, const struct convolution *conv,
                             const struct convolution_shape *shape, convolution_term *term,
                             struct error *error) {
    static const char *const output_axes[] = {"n", "k", "y", "x"};
    static const char *const reduction_axes[] = {"c", "r", "s"};
    int64_t input_extents[4], output_extents[4];
    struct tensor *x, *weight;
    struct epilogue_tensors tensors;
    struct reduced reduced = {.name = "conv",
                              .rank = 4,
                              .channel_axis = 1,
                              .reduction_rank = 3,
                              .layout = &conv->output_layout};
    activation_extents(conv, input_extents, output_extents);
    TRY(operator_input(expression, &conv->inputs, "x", conv->type, 4, activation_axes,
                       input_extents, &x, error));
    x->layout = conv->input_layout;
    TRY(operator_input(expression, &conv->inputs, "weight", conv->type, 4, shape->weight_axes,
                       shape->weight_extents, &weight, error));
    for (int i = 0; i < 4; i++)
        reduced.axes[i] = expression_axis(expression, output_axes[i], output_extents[i]);
    for (int i = 0; i < 3; i++)
        reduced.reduction_axes[i] =
            expression_axis(expression, reduction_axes[i], shape->reductions[i]);
    TRY(epilogue_inputs(expression, &conv->inputs, &conv->epilogue, &reduced, conv->type, &tensors,
                        error));
    reduced.body = term(expression->arena, conv, x, weight, &reduced);
    return epilogue_build(expression, &conv->epilogue, &tensors, &reduced, error);
}
