/* Values of a tile's statements as vector operations. */
#include "ir/math_functions.h"
#include "ir/vectoriser.h"

#include <math.h>

/* Binary operations that are one vector operation. */
static const enum vector_opcode binary_opcodes[OPERATION_COUNT] = {
    [OP_ADD] = VECTOR_ADD,
    [OP_SUBTRACT] = VECTOR_SUBTRACT,
    [OP_MULTIPLY] = VECTOR_MULTIPLY,
    [OP_DIVIDE] = VECTOR_DIVIDE,
};

static struct lanes_value failure(struct vectoriser *v, const struct value *value) {
    vectoriser_fail(v, "tile: %s is not available in machine code here",
                    operations[value->operation].name);
    return (struct lanes_value){.value = 0};
}

/* A location's content, which must be complete in these lanes. The output may be read before it is
 * written: what it held before the call. */
static struct lanes_value read_location(struct vectoriser *v, const struct buffer *buffer,
                                        const struct vector_address *address, int64_t lane_stride,
                                        uint64_t lanes) {
    struct location *location = location_find(v, buffer, address, lane_stride);
    if (!location && buffer->kind == BUFFER_OUTPUT)
        location = location_use(v, buffer, address, lane_stride, buffer->type, lanes, true);
    if (!location || (lane_stride != 0 && (lanes & ~location->lanes))) {
        vectoriser_fail(v, "tile: reads an element of %s that it does not hold in a register",
                        buffer->name);
        return (struct lanes_value){.value = 0};
    }
    location_settle(v, location);
    location_materialise(v, location);
    return (struct lanes_value){location->value, false, false};
}

static struct lanes_value evaluate_read(struct vectoriser *v, const struct value *value,
                                        uint64_t lanes) {
    const struct buffer *buffer = program_buffer(v->program, value->tensor);
    struct vector_address address;
    struct vector_instruction *load;
    int64_t lane_stride;
    int mask = VECTOR_NONE;
    if (!vectoriser_address(v, buffer, value->subscripts[0], &address, &lane_stride))
        return (struct lanes_value){.value = 0};
    if (is_written(v, buffer) && v->in_lanes && lane_stride == 0 && lanes == 1 &&
        buffer->kind == BUFFER_OUTPUT)
        lane_stride = 1; /* as it will be stored */
    if (is_written(v, buffer))
        return read_location(v, buffer, &address, lane_stride, lanes);
    if (lane_stride != 0)
        mask = vectoriser_mask(v, value->type, lanes);
    load = vectoriser_emit(v,
                           lane_stride == 0   ? VECTOR_LOAD_BROADCAST
                           : lane_stride == 1 ? VECTOR_LOAD
                                              : VECTOR_LOAD_STRIDED,
                           value->type);
    load->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    load->address = address;
    load->stride = lane_stride * data_types[value->type].bytes;
    load->mask = mask;
    return (struct lanes_value){load->destination, lane_stride != 0, lane_stride != 0};
}

static struct lanes_value evaluate_index(struct vectoriser *v, const struct value *value) {
    const struct affine *index = vectoriser_bind(v, value->index);
    int64_t constant, stride = 0;
    int lanes;
    if (affine_coefficient(index, &v->lane, &stride) && stride != 0)
        index = affine_subtract(
            v->arena, index, affine_scale(v->arena, affine_variable(v->arena, &v->lane), stride));
    if (!affine_is_constant(index, &constant)) {
        vectoriser_fail(v, "tile: an index as a value depends on a loop that is not written out");
        return (struct lanes_value){.value = 0};
    }
    if (stride == 0)
        return (struct lanes_value){vectoriser_constant(v, value->type, (double)constant), false,
                                    true};
    lanes = vectoriser_operation(v, VECTOR_LANES, value->type, VECTOR_NONE, VECTOR_NONE);
    lanes = vectoriser_operation(v, VECTOR_MULTIPLY, value->type, lanes,
                                 vectoriser_constant(v, value->type, (double)stride));
    lanes = vectoriser_operation(v, VECTOR_ADD, value->type, lanes,
                                 vectoriser_constant(v, value->type, (double)constant));
    return (struct lanes_value){lanes, false, true};
}

static int blend(struct vectoriser *v, enum data_type type, int mask, int yes, int no) {
    struct vector_instruction *blend = vectoriser_emit(v, VECTOR_BLEND, type);
    blend->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    blend->sources[0] = yes;
    blend->sources[1] = no;
    blend->mask = mask;
    return blend->destination;
}

static bool is_positive_zero(const struct value *value) {
    return value->operation == OP_CONSTANT && value->constant == 0 && !signbit(value->constant);
}

static struct lanes_value evaluate_select(struct vectoriser *v, const struct value *value,
                                          uint64_t lanes) {
    uint64_t chosen =
        vectoriser_condition_lanes(v, value->condition_count, value->conditions, lanes);
    struct lanes_value yes, no;
    if (chosen == lanes)
        return evaluate_value(v, value->operands[0], lanes);
    if (chosen == 0)
        return evaluate_value(v, value->operands[1], lanes);
    yes = evaluate_value(v, value->operands[0], chosen);
    if (yes.zero_outside && is_positive_zero(value->operands[1]))
        return yes;
    no = evaluate_value(v, value->operands[1], lanes & ~chosen);
    return (struct lanes_value){
        blend(v, value->type, vectoriser_mask(v, value->type, chosen), yes.value, no.value), false,
        yes.finite_outside && no.finite_outside};
}

static struct lanes_value evaluate_select_less(struct vectoriser *v, const struct value *value,
                                               uint64_t lanes) {
    int operands[4];
    struct vector_instruction *less;
    for (int i = 0; i < 4; i++)
        operands[i] = evaluate_value(v, value->operands[i], lanes).value;
    less = vectoriser_emit(v, VECTOR_MASK_LESS, value->operands[0]->type);
    less->destination = vector_value_new(v->vectors, CLASS_MASK, false);
    less->sources[0] = operands[0];
    less->sources[1] = operands[1];
    return (struct lanes_value){blend(v, value->type, less->destination, operands[2], operands[3]),
                                false, false};
}

/* The machine's operation gives its second source for a NaN in either. Where only one of the two
 * can be NaN, what is compared with a constant, that one stands second. */
static struct lanes_value evaluate_choice(struct vectoriser *v, const struct value *value,
                                          uint64_t lanes) {
    static const enum vector_opcode opcodes[2][2] = {{VECTOR_MINIMUM_OR_NAN, VECTOR_MINIMUM},
                                                     {VECTOR_MAXIMUM_OR_NAN, VECTOR_MAXIMUM}};
    int first = value_first_operand(value);
    struct lanes_value a = evaluate_value(v, value->operands[first], lanes);
    struct lanes_value b = evaluate_value(v, value->operands[1 - first], lanes);
    bool never_nan = value_is_number(value->operands[first]);
    enum vector_opcode opcode = opcodes[value->operation == OP_MAXIMUM][never_nan];
    return (struct lanes_value){vectoriser_operation(v, opcode, value->type, a.value, b.value),
                                a.zero_outside && b.zero_outside,
                                a.finite_outside && b.finite_outside};
}

static struct lanes_value evaluate_binary(struct vectoriser *v, const struct value *value,
                                          uint64_t lanes) {
    struct lanes_value a = evaluate_value(v, value->operands[0], lanes);
    struct lanes_value b = evaluate_value(v, value->operands[1], lanes);
    struct lanes_value result = {
        vectoriser_operation(v, binary_opcodes[value->operation], value->type, a.value, b.value),
        a.zero_outside && b.zero_outside, a.finite_outside && b.finite_outside};
    if (value->operation == OP_MULTIPLY)
        result.zero_outside =
            (a.zero_outside && b.finite_outside) || (b.zero_outside && a.finite_outside);
    if (value->operation == OP_DIVIDE) {
        bool harmless = value_is_number(value->operands[1]) && value->operands[1]->constant != 0;
        result.zero_outside = a.zero_outside && harmless;
        result.finite_outside = a.finite_outside && harmless;
    }
    return result;
}

/* exp, log, tanh, erf. Those that are 0 at 0 keep what the mask left out 0; none is infinite there,
 * but log. */
static struct lanes_value evaluate_function(struct vectoriser *v, const struct value *value,
                                            struct lanes_value a) {
    enum operation operation = value->operation;
    bool odd = operation == OP_TANH || operation == OP_ERF;
    int before = v->vectors->value_count;
    if (value->type != TYPE_F32)
        return failure(v, value);
    a.value = math_append(v->vectors, v->block, operation, a.value);
    v->instructions += v->vectors->value_count - before;
    a.finite_outside = odd ? a.finite_outside : a.zero_outside && operation != OP_LOGARITHM;
    a.zero_outside = a.zero_outside && odd;
    return a;
}

/* C has functions: nothing is spelled out there. One lane has none beside it. */
static struct lanes_value evaluate_call(struct vectoriser *v, const struct value *value,
                                        struct lanes_value a) {
    struct vector_instruction *call = vectoriser_emit(v, VECTOR_FUNCTION, value->type);
    call->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    call->sources[0] = a.value;
    call->immediate = value->operation;
    return (struct lanes_value){call->destination, false, false};
}

static struct lanes_value evaluate_unary(struct vectoriser *v, const struct value *value,
                                         uint64_t lanes) {
    struct lanes_value a = evaluate_value(v, value->operands[0], lanes);
    enum data_type type = value->type;
    if (!v->target->machine_code && value->operation != OP_CONVERT)
        return evaluate_call(v, value, a);
    switch (value->operation) {
    case OP_NEGATE: /* flips the sign bit: also of zeros and NaNs */
        a.value =
            vectoriser_operation(v, VECTOR_XOR, type, a.value, vectoriser_constant(v, type, -0.0));
        return a;
    case OP_ABSOLUTE:
        a.value = vectoriser_operation(v, VECTOR_AND_NOT, type, vectoriser_constant(v, type, -0.0),
                                       a.value);
        return a;
    case OP_SQUARE_ROOT:
        a.value = vectoriser_operation(v, VECTOR_SQUARE_ROOT, type, a.value, VECTOR_NONE);
        a.finite_outside = a.zero_outside;
        return a;
    default:
        return math_is_function(value->operation) ? evaluate_function(v, value, a)
                                                  : failure(v, value);
    }
}

struct lanes_value evaluate_value(struct vectoriser *v, const struct value *value, uint64_t lanes) {
    if (v->status)
        return (struct lanes_value){.value = 0};
    switch (value->operation) {
    case OP_CONSTANT:
        return (struct lanes_value){vectoriser_constant(v, value->type, value->constant),
                                    value->constant == 0, isfinite(value->constant)};
    case OP_READ:
        return evaluate_read(v, value, lanes);
    case OP_INDEX:
        return evaluate_index(v, value);
    case OP_SELECT:
        return evaluate_select(v, value, lanes);
    case OP_SELECT_LESS:
        return evaluate_select_less(v, value, lanes);
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
        return evaluate_binary(v, value, lanes);
    case OP_MINIMUM:
    case OP_MAXIMUM:
        return evaluate_choice(v, value, lanes);
    default:
        return evaluate_unary(v, value, lanes);
    }
}
