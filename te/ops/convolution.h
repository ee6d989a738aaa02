/* What convolutions of images have in common: a sum over channels and taps. Each kind has its own
 * rule for how many outputs there are and which elements meet. */
#ifndef TE_OPS_CONVOLUTION_H
#define TE_OPS_CONVOLUTION_H

#include "te/ops/epilogue.h"

enum {
    VERTICAL,
    HORIZONTAL,
    DIRECTIONS
};

/* One direction of the image: along h with r, or along w with s. */
struct direction {
    const char *size_key, *taps_key;
    int64_t size, taps, stride, dilation, before, after;
    int64_t more; /* outputs added behind, by output_padding; 0 where there is no such key */
    int64_t outputs;
};

struct convolution {
    int64_t n, c, k, groups;
    struct direction direction[DIRECTIONS];
    enum data_type type;
    struct layout input_layout, output_layout;
    struct epilogue epilogue;
    struct operator_inputs inputs;
};

/* Keys of every convolution, in the canonical order: its sizes; what follows its window. */
#define CONVOLUTION_SIZE_KEYS                                                                      \
    {"n", "images", "1"}, {"c", "input channels", NULL}, {"h", "input height", NULL},              \
        {"w", "input width", NULL}, {"k", "filters: output channels", NULL},                       \
        {"r", "filter height", NULL}, {                                                            \
        "s", "filter width", NULL                                                                  \
    }
#define CONVOLUTION_PAIR "a number, or vertical x horizontal as 2x1"
#define CONVOLUTION_KEYS                                                                           \
    {"groups", "groups of channels; c and k must be multiples of it", "1"},                        \
        {"layout",                                                                                 \
         "of x, output and residual: nchw, nhwc, a layout such as n,c/16,h,w,c%16, or any",        \
         "nchw"},                                                                                  \
        {"accumulate", "1: add to what the output holds, before post", "0"},                       \
        {"dtype", "element type", "f32"},                                                          \
        {"post", "epilogue in order: bias (of k), add (a residual), activations", "none"}, {       \
        "const", "inputs known before the calls: x weight bias residual, or none", "weight"        \
    }

extern const struct operator_alternatives convolution_alternatives[];

/* Checks a direction whose sizes and attributes are read, counts its outputs and gives what cannot
 * matter its simplest value: equal work is to have equal text. */
typedef dlt_status resolve_direction(struct direction *direction, struct error *error);

/* Reads all keys. */
dlt_status convolution_read(struct operator_arguments *arguments, struct expression *expression,
                            resolve_direction *resolve, bool has_more,
                            struct convolution *convolution, struct error *error);

/* What stands under the sum, once all axes are made. */
typedef const struct value *convolution_term(struct arena *arena,
                                             const struct convolution *convolution,
                                             const struct tensor *x, const struct tensor *weight,
                                             const struct reduced *reduced);

/* Builds the expression: weights with these extents of c, k, r, s in the order of `weight_axes`,
 * reduced over c, r, s of `reductions`. */
struct convolution_shape {
    const char *weight_axes[4];
    int64_t weight_extents[4];
    int64_t reductions[3];
};
dlt_status convolution_build(struct expression *expression, const struct convolution *convolution,
                             const struct convolution_shape *shape, convolution_term *term,
                             struct error *error);

/* Appends the conditions for 0 <= index < size that do not always hold; answers how many there
 * are. */
int convolution_bounds(struct arena *arena, const struct affine *index, int64_t size,
                       const struct affine **conditions, int count);

/* `yes` where the conditions hold, else 0; without conditions `yes` itself. */
const struct value *convolution_select(struct arena *arena, int count,
                                       const struct affine *const *conditions,
                                       const struct value *yes);

#endif
