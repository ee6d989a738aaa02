/* Generation of inputs; see inputs.h. */
#include "measure/inputs.h"

#include "base/hash.h"
#include "base/random.h"
#include "measure/elements.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    IMPULSE_DISTANCE = 37,
    MIXED_EXPONENT = 8,
    PERIOD = 1048573, /* a prime: elements that a wrong address confuses differ */
};

const char *const pattern_names[PATTERN_COUNT] = {"random", "impulses", "mixed magnitudes",
                                                  "sparse"};

size_t tensor_bytes(const struct tensor *tensor) {
    return (size_t)tensor->layout.elements * (size_t)data_types[tensor->type].bytes;
}

bool layout_subscripts(const struct tensor *tensor, int64_t offset, int64_t *subscripts) {
    bool real = true;
    memset(subscripts, 0, (size_t)tensor->rank * sizeof *subscripts);
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *dimension = &tensor->layout.dimensions[i];
        int64_t piece = offset / dimension->stride % dimension->extent;
        subscripts[dimension->axis] += piece * dimension->divisor;
        real = real && (dimension->modulus == 0 || piece < dimension->modulus);
    }
    for (int axis = 0; axis < tensor->rank; axis++)
        real = real && subscripts[axis] < tensor->axes[axis]->extent;
    return real;
}

bool tensor_is_padded(const struct tensor *tensor) {
    int64_t elements = 1;
    for (int axis = 0; axis < tensor->rank; axis++)
        elements *= tensor->axes[axis]->extent;
    return elements != tensor->layout.elements;
}

/* An element from a word of random bits. */
static double element_value(const struct tensor *tensor, enum pattern pattern, uint64_t bits) {
    double unit = (double)(bits >> 11) * 0x1p-52 - 1; /* [-1, 1) */
    bool is_float = data_types[tensor->type].is_float;
    switch (pattern) {
    case PATTERN_IMPULSES:
        return bits % IMPULSE_DISTANCE ? 0 : unit < 0 ? -1 : 1;
    case PATTERN_SPARSE:
        if (bits % IMPULSE_DISTANCE)
            return 0;
        bits /= IMPULSE_DISTANCE; /* what is left of them is as random */
        /* fall through */
    case PATTERN_MIXED:
        if (is_float)
            return ldexp(unit, (int)(bits % (2 * MIXED_EXPONENT + 1)) - MIXED_EXPONENT);
        return unit * (double)(1 << bits % 8);
    default: /* integers that fit every integer type */
        return is_float ? unit : floor(unit * 128);
    }
}

/* Copies the first `made` bytes until there are `bytes`. */
static void repeat(void *data, size_t made, size_t bytes) {
    for (size_t at = made; at < bytes; at += made)
        memcpy((char *)data + at, data, made < bytes - at ? made : bytes - at);
}

static void fill(const struct tensor *tensor, enum pattern pattern, uint64_t seed, int padding,
                 void *data) {
    bool padded = tensor_is_padded(tensor);
    int64_t made = tensor->layout.elements;
    struct random random;
    if (!padded && made > PERIOD)
        made = PERIOD;
    random_seed(&random, hash_combine(hash_combine(seed, pattern), hash_string(tensor->name)));
    for (int64_t i = 0; i < made; i++) {
        int64_t subscripts[MAX_RANK];
        double value = element_value(tensor, pattern, random_next(&random));
        if (!padded || layout_subscripts(tensor, i, subscripts))
            element_store(tensor->type, data, i, value);
        else
            memset((char *)data + i * data_types[tensor->type].bytes, padding,
                   (size_t)data_types[tensor->type].bytes);
    }
    repeat(data, (size_t)made * (size_t)data_types[tensor->type].bytes, tensor_bytes(tensor));
}

void inputs_fill(const struct tensor *tensor, enum pattern pattern, uint64_t seed, void *data) {
    fill(tensor, pattern, seed, 0, data);
}

static dlt_status add_placement(const struct tensor *tensor, int index, enum placement placement,
                                enum placement from, enum pattern pattern, uint64_t seed,
                                struct input_set *set, struct error *error) {
    bool timed = placement == PLACE_ALIGNED || (placement == from && pattern == PATTERN_RANDOM);
    struct guarded_buffer *buffer = &set->buffers[placement][index];
    size_t bytes = tensor_bytes(tensor);
    void *data;
    TRY(buffer_reserve(buffer, tensor->name, bytes, error));
    buffer_populate(buffer, !timed);
    data = buffer_place(buffer, bytes, (size_t)data_types[tensor->type].bytes, placement);
    if (!set->data[from][index])
        fill(tensor, pattern, seed, tensor->kind == TENSOR_COMPUTED ? UNWRITTEN : 0, data);
    else
        memcpy(data, set->data[from][index], bytes);
    buffer_protect(buffer, false);
    set->data[placement][index] = data;
    return DLT_OK;
}

/* Whether a tensor's data is part of a set: no literals, and results only where they accumulate. */
static bool has_data(const struct expression *expression, const struct tensor *tensor) {
    bool previous = tensor == expression_result(expression) && expression_accumulates(expression);
    return (tensor->kind != TENSOR_COMPUTED || previous) && tensor->kind != TENSOR_LITERAL;
}

dlt_status input_set_add(const struct expression *expression, enum placement from,
                         enum placement placement, struct input_set *set, struct error *error) {
    for (int t = 0; t < expression->tensor_count; t++)
        if (set->data[from][t] && !set->data[placement][t])
            TRY(add_placement(expression->tensors[t], t, placement, from, PATTERN_RANDOM, 0, set,
                              error));
    return DLT_OK;
}

dlt_status input_set_create(const struct expression *expression, enum pattern pattern,
                            uint64_t seed, int placements, const enum placement *placement,
                            struct input_set *set, struct error *error) {
    memset(set, 0, sizeof *set);
    for (int t = 0; t < expression->tensor_count; t++) {
        const struct tensor *tensor = expression->tensors[t];
        if (!has_data(expression, tensor))
            continue;
        for (int p = 0; p < placements; p++) {
            dlt_status status =
                add_placement(tensor, t, placement[p], placement[0], pattern, seed, set, error);
            if (status != DLT_OK) {
                input_set_free(set);
                return status;
            }
        }
    }
    return DLT_OK;
}

void input_set_free(struct input_set *set) {
    for (int p = 0; p < PLACEMENT_COUNT; p++)
        for (int t = 0; t < MAX_TENSORS; t++)
            buffer_free(&set->buffers[p][t]);
    memset(set, 0, sizeof *set);
}
