/* Workloads of dltune's operators as definitions, from their documented meaning
 * (docs/workloads.md). */
#include "draw.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const operator_names[OPERATOR_COUNT] = {"conv2d", "conv2d_transpose", "matmul",
                                                           "batch_matmul"};

static const char *const step_names[] = {"bias", "add",  "relu", "relu6",    "sigmoid",
                                         "silu", "tanh", "gelu", "hardswish"};

enum step {
    STEP_BIAS,
    STEP_ADD,
    STEP_RELU,
    STEP_RELU6,
    STEP_SIGMOID,
    STEP_SILU,
    STEP_TANH,
    STEP_GELU,
    STEP_HARDSWISH,
};

/* ---- the text ---- */

struct words {
    int count;
    char words[24][256];
};

__attribute__((format(printf, 2, 3))) static void word(struct words *words, const char *format,
                                                       ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words->words[words->count++], sizeof words->words[0], format, arguments);
    va_end(arguments);
}

static void size_word(struct words *words, const char *key, int64_t size) {
    word(words, "%s=%" PRId64, key, size);
}

static void pair_word(struct words *words, const char *key, const int64_t pair[2], int64_t plain) {
    if (pair[0] == pair[1] && pair[0] != plain)
        size_word(words, key, pair[0]);
    else if (pair[0] != pair[1])
        word(words, "%s=%" PRId64 "x%" PRId64, key, pair[0], pair[1]);
}

static void pad_word(struct words *words, const int64_t pad[4]) {
    if (pad[0] == pad[2] && pad[1] == pad[3])
        pair_word(words, "pad", pad, 0);
    else
        word(words, "pad=%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, pad[0], pad[1], pad[2],
             pad[3]);
}

static int64_t pieces_of(const struct piece *piece, int64_t extent) {
    return piece->modulus ? piece->modulus : (extent + piece->divisor - 1) / piece->divisor;
}

static void layout_word(struct words *words, const struct operator_case *o, const int64_t *in,
                        const int64_t *out) {
    char *text = words->words[words->count];
    size_t size = sizeof words->words[0];
    int used;
    if (!o->piece_count)
        return;
    used = snprintf(text, size, "layout=");
    for (int i = 0; i < o->piece_count; i++) {
        const struct piece *piece = &o->pieces[i];
        int64_t of_in = pieces_of(piece, in[piece->axis]),
                of_out = pieces_of(piece, out[piece->axis]);
        used +=
            snprintf(text + used, size - (size_t)used, "%s%c", i ? "," : "", "nchw"[piece->axis]);
        if (piece->divisor > 1)
            used += snprintf(text + used, size - (size_t)used, "/%" PRId64, piece->divisor);
        if (piece->modulus)
            used += snprintf(text + used, size - (size_t)used, "%%%" PRId64, piece->modulus);
        if (piece->more)
            used += snprintf(text + used, size - (size_t)used, ":%" PRId64,
                             (of_in > of_out ? of_in : of_out) + piece->more);
    }
    words->count++;
}

static void common_words(struct words *words, const struct operator_case *o,
                         const struct definition *d) {
    char list[128] = "";
    int inputs = 0;
    if (o->accumulate)
        word(words, "accumulate=1");
    for (int i = 0; i < o->step_count; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? "," : "",
                 step_names[o->steps[i]]);
    if (o->step_count)
        word(words, "post=%s", list);
    if (!o->constant_given)
        return;
    list[0] = 0;
    for (int i = 0; i < d->tensor_count; i++) {
        if (d->tensors[i].kind == KIND_PARAMETER)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? "," : "",
                     d->tensors[i].name);
        inputs += d->tensors[i].kind != KIND_COMPUTED;
    }
    word(words, "const=%s", *list ? list : "none");
}

/* The words in an order that the case chooses. */
static void write_workload(struct words *words, const struct operator_case *o,
                           struct definition *d) {
    struct random random = {o->order};
    int used = snprintf(d->workload, sizeof d->workload, "%s", operator_names[o->kind]);
    for (int i = 0; i < words->count; i++) {
        int other = o->order ? (int)random_between(&random, i, words->count - 1) : i;
        char first[sizeof words->words[0]];
        memcpy(first, words->words[other], sizeof first);
        memmove(words->words[other], words->words[i], sizeof first);
        used += snprintf(d->workload + used, sizeof d->workload - (size_t)used, " %s", first);
    }
}

/* ---- what operators share ---- */

static enum kind kind_of(const struct operator_case *o, int input) {
    bool convolution = o->kind <= OPERATOR_CONV2D_TRANSPOSE;
    unsigned constants = o->constant_given ? o->constants : convolution ? 2 : 0;
    return constants >> input & 1 ? KIND_PARAMETER : KIND_VARIABLE;
}

static const struct value *apply_step(struct definition *d, enum step step,
                                      const struct value *value, const struct value *operand) {
    const struct value *zero = value_constant(d, 0);
    switch (step) {
    case STEP_BIAS:
    case STEP_ADD:
        return value_apply(d, VALUE_ADD, value, operand);
    case STEP_RELU:
        return value_apply(d, VALUE_MAXIMUM, value, zero);
    case STEP_RELU6:
        return value_apply(d, VALUE_MINIMUM, value_apply(d, VALUE_MAXIMUM, value, zero),
                           value_constant(d, 6));
    case STEP_SIGMOID:
        return value_apply(d, VALUE_SIGMOID, value, NULL);
    case STEP_SILU:
        return value_apply(d, VALUE_MULTIPLY, value, value_apply(d, VALUE_SIGMOID, value, NULL));
    case STEP_TANH:
        return value_apply(d, VALUE_TANH, value, NULL);
    case STEP_GELU:
        return value_apply(d, VALUE_GELU, value, NULL);
    default:
        return value_apply(d, VALUE_HARDSWISH, value, NULL);
    }
}

static bool has_step(const struct operator_case *o, enum step step) {
    for (int i = 0; i < o->step_count; i++)
        if (o->steps[i] == (int)step)
            return true;
    return false;
}

/* The tensor that is summed, and the steps of the epilogue behind it. `bias_axis` is the
 * channel's. */
static void add_result(const struct operator_case *o, struct definition *d, int rank,
                       const struct axis *axes, int bias_axis, const struct layout *layout,
                       int reduction_rank, const struct axis *reduction_axes,
                       const struct value *body, int bias, int residual) {
    const struct index *subscripts[MOST_AXES];
    const struct value *value;
    int sum = add_tensor(d, KIND_COMPUTED, o->step_count ? "sum" : "output", rank, axes);
    struct tensor *tensor = &d->tensors[sum];
    memcpy(tensor->axes + rank, reduction_axes, (size_t)reduction_rank * sizeof *axes);
    tensor->reduction_rank = reduction_rank;
    tensor->combiner = COMBINE_SUM;
    tensor->body = body;
    tensor->accumulate = o->accumulate;
    tensor->layout = *layout;
    d->uses_previous = o->accumulate;
    if (!o->step_count)
        return;
    layout_plain(&tensor->layout, tensor);
    for (int i = 0; i < rank; i++)
        subscripts[i] = index_axis(d, i);
    value = value_read(d, sum, subscripts);
    for (int i = 0; i < o->step_count; i++) {
        const struct value *operand = NULL;
        if (o->steps[i] == STEP_BIAS)
            operand = value_read(d, bias, &subscripts[bias_axis]);
        if (o->steps[i] == STEP_ADD)
            operand = value_read(d, residual, subscripts);
        value = apply_step(d, (enum step)o->steps[i], value, operand);
    }
    sum = add_tensor(d, KIND_COMPUTED, "output", rank, axes);
    d->tensors[sum].body = value;
    d->tensors[sum].layout = *layout;
}

/* ---- convolutions ---- */

static int64_t outputs_of(const struct operator_case *o, int direction) {
    int64_t size = direction ? o->w : o->h, taps = direction ? o->s : o->r;
    int64_t window = (taps - 1) * o->dilation[direction] + 1;
    int64_t pads = o->pad[direction] + o->pad[direction + 2], spare;
    if (o->kind == OPERATOR_CONV2D_TRANSPOSE)
        return (size - 1) * o->stride[direction] + window + o->output_padding[direction] - pads;
    spare = size + pads - window;
    return spare < 0 ? 0 : spare / o->stride[direction] + 1;
}

static bool is_legal(const struct operator_case *o) {
    for (int i = 0; i < 2; i++) {
        int64_t most = o->stride[i] > o->dilation[i] ? o->stride[i] : o->dilation[i];
        if (outputs_of(o, i) < 1 || o->output_padding[i] >= most)
            return false;
    }
    return o->c % o->groups == 0 && o->k % o->groups == 0;
}

static void set_layout(const struct operator_case *o, struct tensor *tensor, const int64_t *in,
                       const int64_t *out) {
    tensor->layout.count = 0;
    for (int i = 0; i < o->piece_count; i++) {
        const struct piece *piece = &o->pieces[i];
        int64_t of_in = pieces_of(piece, in[piece->axis]),
                of_out = pieces_of(piece, out[piece->axis]);
        int64_t extent = piece->more ? (of_in > of_out ? of_in : of_out) + piece->more : 0;
        layout_append(&tensor->layout, tensor, piece->axis, piece->divisor, piece->modulus, extent);
    }
    if (o->piece_count)
        layout_finish(&tensor->layout);
    else
        layout_plain(&tensor->layout, tensor);
}

/* Row (or column) of x that a tap meets, and the conditions under which it does. */
static const struct index *meet(const struct operator_case *o, struct definition *d, int direction,
                                struct condition *conditions, int *count) {
    const struct index *output = index_axis(d, 2 + direction), *tap = index_axis(d, 5 + direction);
    const struct index *row;
    int64_t size = direction ? o->w : o->h;
    if (o->kind == OPERATOR_CONV2D) {
        row = index_sum(d, index_with(d, INDEX_SCALED, output, o->stride[direction]),
                        index_with(d, INDEX_SCALED, tap, o->dilation[direction]));
        row = index_add(d, row, -o->pad[direction]);
    } else {
        const struct index *whole =
            index_sum(d, index_add(d, output, o->pad[direction]),
                      index_with(d, INDEX_SCALED, tap, -o->dilation[direction]));
        conditions[(*count)++] =
            (struct condition){index_with(d, INDEX_REMAINDER, whole, o->stride[direction]), 0, 0};
        row = index_with(d, INDEX_DIVIDED, whole, o->stride[direction]);
    }
    conditions[(*count)++] = (struct condition){row, 0, size - 1};
    return row;
}

static const struct value *convolution_term(const struct operator_case *o, struct definition *d,
                                            int x, int weight) {
    struct condition conditions[4];
    int count = 0;
    const struct index *filter = index_axis(d, 1), *channel = index_axis(d, 4), *of_x[4],
                       *of_weight[4];
    const struct index *group = index_with(d, INDEX_DIVIDED, filter, o->k / o->groups);
    const struct value *element, *factor;
    of_x[0] = index_axis(d, 0);
    of_x[1] = index_sum(d, index_with(d, INDEX_SCALED, group, o->c / o->groups), channel);
    for (int i = 0; i < 2; i++) {
        of_x[2 + i] = meet(o, d, i, conditions, &count);
        of_weight[2 + i] = index_axis(d, 5 + i);
    }
    of_weight[0] = o->kind == OPERATOR_CONV2D ? filter : of_x[1];
    of_weight[1] = o->kind == OPERATOR_CONV2D
                       ? channel
                       : index_with(d, INDEX_REMAINDER, filter, o->k / o->groups);
    element = value_read(d, x, of_x);
    factor = value_read(d, weight, of_weight);
    if (o->kind == OPERATOR_CONV2D)
        return value_apply(d, VALUE_MULTIPLY,
                           value_select(d, count, conditions, element, value_constant(d, 0)),
                           factor);
    return value_select(d, count, conditions, value_apply(d, VALUE_MULTIPLY, element, factor),
                        value_constant(d, 0));
}

static bool build_convolution(const struct operator_case *o, struct definition *d,
                              struct words *words) {
    bool transpose = o->kind == OPERATOR_CONV2D_TRANSPOSE;
    int64_t channels = o->c / o->groups, filters = o->k / o->groups;
    const struct axis in[] = {make_axis("n", o->n), make_axis("c", o->c), make_axis("h", o->h),
                              make_axis("w", o->w)};
    const struct axis of_weight[] = {make_axis("k", transpose ? o->c : o->k),
                                     make_axis("c", transpose ? filters : channels),
                                     make_axis("r", o->r), make_axis("s", o->s)};
    const struct axis reductions[] = {make_axis("c", channels), of_weight[2], of_weight[3]};
    int x, weight, bias = -1, residual = -1, inputs = 2;
    if (!is_legal(o))
        return false;
    const struct axis out[] = {in[0], make_axis("k", o->k), make_axis("y", outputs_of(o, 0)),
                               make_axis("x", outputs_of(o, 1))};
    const int64_t in_extents[] = {o->n, o->c, o->h, o->w};
    const int64_t out_extents[] = {o->n, o->k, out[2].extent, out[3].extent};
    struct tensor result = {.rank = 4};
    memcpy(result.axes, out, sizeof out);
    set_layout(o, &result, in_extents, out_extents);
    x = add_tensor(d, kind_of(o, 0), "x", 4, in);
    set_layout(o, &d->tensors[x], in_extents, out_extents);
    weight = add_tensor(d, kind_of(o, 1), "weight", 4, of_weight);
    if (has_step(o, STEP_BIAS))
        bias = add_tensor(d, kind_of(o, inputs++), "bias", 1, &out[1]);
    if (has_step(o, STEP_ADD)) {
        residual = add_tensor(d, kind_of(o, inputs++), "residual", 4, out);
        d->tensors[residual].layout = result.layout;
    }
    add_result(o, d, 4, out, 1, &result.layout, 3, reductions, convolution_term(o, d, x, weight),
               bias, residual);
    const char *const keys[] = {"n", "c", "h", "w", "k", "r", "s"};
    const int64_t sizes[] = {o->n, o->c, o->h, o->w, o->k, o->r, o->s};
    for (int i = o->n == 1; i < 7; i++)
        size_word(words, keys[i], sizes[i]);
    pair_word(words, "stride", o->stride, 1);
    pair_word(words, "dilation", o->dilation, 1);
    pad_word(words, o->pad);
    pair_word(words, "output_padding", o->output_padding, 0);
    if (o->groups > 1)
        size_word(words, "groups", o->groups);
    if (!o->strided)
        layout_word(words, o, in_extents, out_extents);
    return true;
}

/* ---- matrix products ---- */

static int add_matrix(struct definition *d, enum kind kind, const char *name, int rank,
                      const struct axis *axes, int64_t more) {
    int place = add_tensor(d, kind, name, rank, axes);
    struct tensor *tensor = &d->tensors[place];
    tensor->layout.dimensions[rank - 1].extent += more;
    layout_finish(&tensor->layout);
    return place;
}

static bool build_product(const struct operator_case *o, struct definition *d,
                          struct words *words) {
    int first = o->kind == OPERATOR_BATCH_MATMUL ? 0 : 1, rank = 3 - first, a, b;
    int bias = -1, residual = -1, inputs = 2;
    const struct axis batch = make_axis("b", o->b), m = make_axis("m", o->m),
                      n = make_axis("n", o->n), k = make_axis("k", o->k);
    const struct axis of_a[] = {batch, m, k}, of_b[] = {batch, k, n}, out[] = {batch, m, n};
    struct tensor result = {.rank = rank};
    a = add_matrix(d, kind_of(o, 0), "a", rank, of_a + first, o->more[0]);
    b = add_matrix(d, kind_of(o, 1), "b", rank, of_b + first, o->more[1]);
    memcpy(result.axes, out + first, (size_t)rank * sizeof *out);
    layout_plain(&result.layout, &result);
    result.layout.dimensions[rank - 1].extent += o->more[2];
    layout_finish(&result.layout);
    if (has_step(o, STEP_BIAS))
        bias = add_tensor(d, kind_of(o, inputs++), "bias", 1, &n);
    if (has_step(o, STEP_ADD))
        residual = add_matrix(d, kind_of(o, inputs++), "residual", rank, out + first, o->more[2]);
    const struct index *batch_axis = index_axis(d, 0), *of_k = index_axis(d, rank);
    const struct index *left[] = {batch_axis, index_axis(d, rank - 2), of_k};
    const struct index *right[] = {batch_axis, of_k, index_axis(d, rank - 1)};
    add_result(o, d, rank, out + first, rank - 1, &result.layout, 1, &k,
               value_apply(d, VALUE_MULTIPLY, value_read(d, a, left + first),
                           value_read(d, b, right + first)),
               bias, residual);
    if (!first)
        size_word(words, "b", o->b);
    size_word(words, "m", o->m);
    size_word(words, "n", o->n);
    size_word(words, "k", o->k);
    if (o->more[0] && !o->strided)
        size_word(words, "lda", o->k + o->more[0]);
    if (o->more[1] && !o->strided)
        size_word(words, "ldb", o->n + o->more[1]);
    if (o->more[2] && !o->strided)
        size_word(words, "ldc", o->n + o->more[2]);
    return true;
}

bool operator_build(const struct operator_case *operator, struct definition * definition) {
    struct words words = {0};
    bool built;
    definition_clear(definition);
    if (operator->kind <= OPERATOR_CONV2D_TRANSPOSE)
        built = build_convolution(operator, definition, &words);
    else
        built = build_product(operator, definition, &words);
    if (!built)
        return false;
    common_words(&words, operator, definition);
    write_workload(&words, operator, definition);
    return true;
}
