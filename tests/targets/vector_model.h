/* What a vector program means: an interpreter, lane by lane, for tests to compare native code with.
 *
 * It follows ir/vectors.h and nothing else. Values are bytes; masked-out lanes are not touched. */
#ifndef TESTS_TARGETS_VECTOR_MODEL_H
#define TESTS_TARGETS_VECTOR_MODEL_H

#include "ir/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MODEL_VALUES = 512,
    MODEL_INDUCTIONS = 64,
    MODEL_LANES = 16
};

union model_lane {
    float f32;
    double f64;
    int32_t s32;
    uint32_t bits32;
    uint64_t bits64;
};

struct model {
    const struct vector_program *program;
    const int64_t *words;
    unsigned char values[MODEL_VALUES][64];
    uint64_t masks[MODEL_VALUES];
    int64_t inductions[MODEL_INDUCTIONS];
};

static union model_lane model_get(const unsigned char *vector, enum data_type type, int lane) {
    union model_lane result = {.bits64 = 0};
    int bytes = data_types[type].bytes;
    memcpy(&result, vector + lane * bytes, (size_t)bytes);
    return result;
}

static void model_set(unsigned char *vector, enum data_type type, int lane,
                      union model_lane value) {
    int bytes = data_types[type].bytes;
    memcpy(vector + lane * bytes, &value, (size_t)bytes);
}

#define MODEL_CHOOSE(op)                                                                           \
    (type == TYPE_F32   ? (a.f32 op b.f32 ? a : b)                                                 \
     : type == TYPE_F64 ? (a.f64 op b.f64 ? a : b)                                                 \
                        : (a.s32 op b.s32 ? a : b))

static bool model_is_nan(enum data_type type, union model_lane a) {
    return type == TYPE_F32 ? isnan(a.f32) : type == TYPE_F64 && isnan(a.f64);
}

static union model_lane model_number(enum data_type type, double number) {
    union model_lane result = {.bits64 = 0};
    if (type == TYPE_F32)
        result.f32 = (float)number;
    else if (type == TYPE_F64)
        result.f64 = number;
    else
        result.s32 = (int32_t)number;
    return result;
}

static int32_t model_to_integer(float number) {
    float rounded = rintf(number);
    return rounded >= -2147483648.0f && rounded < 2147483648.0f ? (int32_t)rounded : INT32_MIN;
}

/* Floats: the arithmetic of one lane. */
static union model_lane model_float(enum vector_opcode opcode, enum data_type type,
                                    union model_lane a, union model_lane b, union model_lane c) {
    union model_lane r = {.bits64 = 0};
    bool f32 = type == TYPE_F32;
#define MODEL_FLOAT(single, twice)                                                                 \
    if (f32)                                                                                       \
        r.f32 = (single);                                                                          \
    else                                                                                           \
        r.f64 = (twice);                                                                           \
    break
    switch (opcode) {
    case VECTOR_ADD:
    case VECTOR_REDUCE_ADD:
        MODEL_FLOAT(a.f32 + b.f32, a.f64 + b.f64);
    case VECTOR_SUBTRACT:
        MODEL_FLOAT(a.f32 - b.f32, a.f64 - b.f64);
    case VECTOR_MULTIPLY:
    case VECTOR_REDUCE_MULTIPLY:
        MODEL_FLOAT(a.f32 * b.f32, a.f64 * b.f64);
    case VECTOR_DIVIDE:
        MODEL_FLOAT(a.f32 / b.f32, a.f64 / b.f64);
    case VECTOR_SQUARE_ROOT:
        MODEL_FLOAT(sqrtf(a.f32), sqrt(a.f64));
    case VECTOR_MULTIPLY_ADD:
        MODEL_FLOAT(fmaf(a.f32, b.f32, c.f32), fma(a.f64, b.f64, c.f64));
    case VECTOR_MULTIPLY_SUBTRACT:
        MODEL_FLOAT(fmaf(a.f32, b.f32, -c.f32), fma(a.f64, b.f64, -c.f64));
    case VECTOR_NEGATED_MULTIPLY_ADD:
        MODEL_FLOAT(fmaf(-a.f32, b.f32, c.f32), fma(-a.f64, b.f64, c.f64));
    case VECTOR_ROUND:
        MODEL_FLOAT(rintf(a.f32), rint(a.f64));
    default: /* VECTOR_FLOOR */
        MODEL_FLOAT(floorf(a.f32), floor(a.f64));
    }
#undef MODEL_FLOAT
    return r;
}

/* Bits and integers of one lane; unsigned arithmetic wraps. */
static union model_lane model_bits(const struct vector_instruction *i, union model_lane a,
                                   union model_lane b) {
    bool wide = data_types[i->type].bytes == 8;
    union model_lane r = {.bits64 = 0};
    uint64_t x = wide ? a.bits64 : a.bits32, y = wide ? b.bits64 : b.bits32, z = 0;
    switch (i->opcode) {
    case VECTOR_AND:
        z = x & y;
        break;
    case VECTOR_AND_NOT:
        z = ~x & y;
        break;
    case VECTOR_OR:
        z = x | y;
        break;
    case VECTOR_XOR:
        z = x ^ y;
        break;
    case VECTOR_SHIFT_LEFT:
        z = x << i->immediate;
        break;
    case VECTOR_SHIFT_RIGHT:
        z = x >> i->immediate;
        break;
    case VECTOR_SHIFT_RIGHT_ARITHMETIC:
        z = wide ? (uint64_t)((int64_t)x >> i->immediate)
                 : (uint64_t)((int32_t)(uint32_t)x >> i->immediate);
        break;
    case VECTOR_SUBTRACT:
    case VECTOR_SUBTRACT_INTEGER:
        z = x - y;
        break;
    case VECTOR_MULTIPLY:
    case VECTOR_REDUCE_MULTIPLY:
        z = x * y;
        break;
    default: /* additions */
        z = x + y;
    }
    r.bits64 = wide ? z : (uint32_t)z;
    return r;
}

static union model_lane model_lane(const struct vector_instruction *i, union model_lane a,
                                   union model_lane b, union model_lane c) {
    enum data_type type = i->type;
    switch (i->opcode) {
    case VECTOR_MINIMUM:
        return MODEL_CHOOSE(<);
    case VECTOR_MAXIMUM:
        return MODEL_CHOOSE(>);
    case VECTOR_MINIMUM_OR_NAN:
    case VECTOR_REDUCE_MINIMUM:
        return model_is_nan(type, a) ? a : MODEL_CHOOSE(<);
    case VECTOR_MAXIMUM_OR_NAN:
    case VECTOR_REDUCE_MAXIMUM:
        return model_is_nan(type, a) ? a : MODEL_CHOOSE(>);
    case VECTOR_MOVE:
        return a;
    case VECTOR_TO_INTEGER:
        return (union model_lane){.s32 = model_to_integer(a.f32)};
    case VECTOR_TO_FLOAT:
        return (union model_lane){.f32 = (float)a.s32};
    default:
        break;
    }
    if (type == TYPE_S32 || (i->opcode >= VECTOR_AND && i->opcode <= VECTOR_SUBTRACT_INTEGER))
        return model_bits(i, a, b);
    return model_float(i->opcode, type, a, b, c);
}

static bool model_compare(const struct vector_instruction *i, union model_lane a,
                          union model_lane b) {
    bool less = i->opcode == VECTOR_MASK_LESS;
    if (i->type == TYPE_F32)
        return less ? a.f32 < b.f32 : a.f32 == b.f32;
    if (i->type == TYPE_F64)
        return less ? a.f64 < b.f64 : a.f64 == b.f64;
    return less ? a.s32 < b.s32 : a.s32 == b.s32;
}

static unsigned char *model_address(const struct model *model,
                                    const struct vector_instruction *instruction) {
    int base = instruction->address.base;
    int64_t start = base < 0 ? model->words[-1 - base] : model->inductions[base];
    return (unsigned char *)(intptr_t)(start + instruction->address.displacement);
}

static void model_access(struct model *model, const struct vector_instruction *i, int lanes) {
    int bytes = data_types[i->type].bytes;
    bool strided = i->opcode == VECTOR_LOAD_STRIDED || i->opcode == VECTOR_STORE_STRIDED;
    int64_t stride = strided ? i->stride : i->opcode == VECTOR_LOAD_BROADCAST ? 0 : bytes;
    uint64_t mask = i->mask == VECTOR_NONE ? ~UINT64_C(0) : model->masks[i->mask];
    for (int lane = 0; lane < lanes && i->opcode != VECTOR_PREFETCH; lane++) {
        intptr_t address = (intptr_t)model_address(model, i) + lane * stride;
        bool on = mask >> lane & 1;
        if (vector_operations[i->opcode].writes_memory) {
            if (on)
                memcpy((void *)address, model->values[i->sources[0]] + lane * bytes, (size_t)bytes);
        } else if (on) {
            memcpy(model->values[i->destination] + lane * bytes, (void *)address, (size_t)bytes);
        } else {
            memset(model->values[i->destination] + lane * bytes, 0, (size_t)bytes);
        }
    }
}

static void model_reduce(struct model *model, const struct vector_instruction *i, int lanes) {
    unsigned char now[64], next[64];
    union model_lane none = {.bits64 = 0};
    memcpy(now, model->values[i->sources[0]], sizeof now);
    for (int half = lanes / 2; half; half /= 2) {
        for (int lane = 0; lane < lanes; lane++)
            model_set(next, i->type, lane,
                      model_lane(i, model_get(now, i->type, lane),
                                 model_get(now, i->type, lane ^ half), none));
        memcpy(now, next, sizeof now);
    }
    for (int lane = 0; lane < lanes; lane++)
        model_set(model->values[i->destination], i->type, lane, model_get(now, i->type, 0));
}

static void model_arithmetic(struct model *model, const struct vector_instruction *i, int lanes) {
    unsigned char sources[3][64] = {{0}}, result[64] = {0};
    for (int s = 0; s < vector_operations[i->opcode].sources; s++) {
        int bytes = data_types[i->type].bytes;
        if (s != i->memory_source) {
            memcpy(sources[s], model->values[i->sources[s]], sizeof sources[s]);
            continue;
        }
        for (int lane = 0; lane < lanes; lane++)
            memcpy(sources[s] + lane * bytes,
                   model_address(model, i) + (i->memory_broadcast ? 0 : lane * bytes),
                   (size_t)bytes);
    }
    for (int lane = 0; lane < lanes; lane++) {
        union model_lane a = model_get(sources[0], i->type, lane);
        union model_lane b = model_get(sources[1], i->type, lane);
        bool on = i->mask == VECTOR_NONE || model->masks[i->mask] >> lane & 1;
        if (!on && i->opcode != VECTOR_BLEND)
            model_set(result, i->type, lane,
                      model_get(model->values[i->destination], i->type, lane));
        else
            model_set(result, i->type, lane,
                      i->opcode == VECTOR_CONSTANT ? model_number(i->type, i->constant)
                      : i->opcode == VECTOR_LANES  ? model_number(i->type, lane)
                      : i->opcode == VECTOR_BLEND
                          ? (on ? a : b)
                          : model_lane(i, a, b, model_get(sources[2], i->type, lane)));
    }
    memcpy(model->values[i->destination], result, sizeof result);
}

static void model_mask(struct model *model, const struct vector_instruction *i, int lanes) {
    uint64_t all = (UINT64_C(1) << lanes) - 1, bits = 0;
    int64_t count;
    switch (i->opcode) {
    case VECTOR_MASK_CONSTANT:
        bits = (uint64_t)i->immediate & all;
        break;
    case VECTOR_MASK_COUNT:
        count = model->words[i->immediate];
        bits = count <= 0 ? 0 : count >= lanes ? all : (UINT64_C(1) << count) - 1;
        break;
    case VECTOR_MASK_AND:
        bits = model->masks[i->sources[0]] & model->masks[i->sources[1]];
        break;
    default:
        for (int lane = 0; lane < lanes; lane++)
            if (model_compare(i, model_get(model->values[i->sources[0]], i->type, lane),
                              model_get(model->values[i->sources[1]], i->type, lane)))
                bits |= UINT64_C(1) << lane;
    }
    model->masks[i->destination] = bits;
}

static void model_exchange(struct model *model, const struct vector_instruction *i) {
    unsigned char a[64], b[64], *d = model->values[i->destination];
    int bytes = data_types[i->type].bytes, size = model->program->vector_bytes;
    int parts = size / 16, bits = parts == 4 ? 2 : parts - 1;
    int half = i->opcode == VECTOR_INTERLEAVE_HIGH ? 8 : 0;
    memcpy(a, model->values[i->sources[0]], sizeof a);
    memcpy(b, model->values[i->sources[1]], sizeof b);
    for (int part = 0; part < parts; part++) {
        int from = (int)(i->immediate >> bits * part) & (parts - 1);
        if (i->opcode == VECTOR_SHUFFLE_PARTS)
            memcpy(d + 16 * part, (2 * part < parts ? a : b) + 16 * from, 16);
        else
            for (int lane = 0; lane < 16 / bytes; lane++)
                memcpy(d + 16 * part + lane * bytes,
                       (lane % 2 ? b : a) + 16 * part + half + lane / 2 * bytes, (size_t)bytes);
    }
}

static void model_alternate(struct model *model, const struct vector_instruction *i, int lanes) {
    unsigned char a[64], b[64], *d = model->values[i->destination];
    int bytes = data_types[i->type].bytes;
    memcpy(a, model->values[i->sources[0]], sizeof a);
    memcpy(b, i->memory_source == 1 ? model_address(model, i) : model->values[i->sources[1]],
           (size_t)(lanes * bytes));
    for (int lane = 0; lane < lanes; lane++) {
        bool upper = 2 * lane >= lanes;
        int from = 2 * lane - (upper ? lanes : 0) + (int)(i->immediate >> upper & 1);
        memcpy(d + lane * bytes, (upper ? b : a) + from * bytes, (size_t)bytes);
    }
}

static void model_instruction(struct model *model, const struct vector_instruction *i) {
    int lanes = vector_lanes(model->program, i->type);
    if (i->opcode <= VECTOR_PREFETCH)
        model_access(model, i, lanes);
    else if (i->opcode >= VECTOR_INTERLEAVE_LOW && i->opcode <= VECTOR_SHUFFLE_PARTS)
        model_exchange(model, i);
    else if (i->opcode == VECTOR_PICK_ALTERNATE)
        model_alternate(model, i, lanes);
    else if (i->opcode >= VECTOR_REDUCE_ADD)
        model_reduce(model, i, lanes);
    else if (vector_operations[i->opcode].destination_class == CLASS_MASK)
        model_mask(model, i, lanes);
    else
        model_arithmetic(model, i, lanes);
}

static int64_t model_bound(const struct model *model, struct vector_bound bound) {
    return bound.is_word ? model->words[bound.value] : bound.value;
}

static void model_block(struct model *model, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        const struct vector_block *inner = item->block;
        if (item->instruction) {
            model_instruction(model, item->instruction);
            continue;
        }
        for (int64_t begin = model_bound(model, inner->begin), end = model_bound(model, inner->end),
                     at = begin;
             at < end; at++) {
            for (int i = 0; i < inner->induction_count; i++) {
                const struct vector_induction *induction =
                    &model->program->inductions[inner->inductions[i]];
                int64_t parent = induction->parent < 0 ? model->words[-1 - induction->parent]
                                                       : model->inductions[induction->parent];
                model->inductions[inner->inductions[i]] = parent + at * induction->step;
            }
            model_block(model, inner);
        }
    }
}

static void model_run(const struct vector_program *program, const int64_t *words) {
    struct model *model = calloc(1, sizeof *model);
    assert_true(program->value_count <= MODEL_VALUES);
    model->program = program;
    model->words = words;
    model_block(model, program->top);
    free(model);
}

#endif
