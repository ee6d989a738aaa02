/* Values: the nodes of a tensor's body, and rewriting them; see expression.h. */
#include "te/expression.h"

#include <math.h>

static struct value *new_value(struct arena *arena, enum operation operation, enum data_type type) {
    struct value *value = ARENA_NEW(arena, struct value);
    value->operation = operation;
    value->type = type;
    value->depth = 1;
    return value;
}

static void set_operand(struct value *value, int number, const struct value *operand) {
    value->operands[number] = operand;
    if (value->depth <= operand->depth)
        value->depth = operand->depth + 1;
}

const struct value *value_constant(struct arena *arena, enum data_type type, double constant) {
    struct value *value = new_value(arena, OP_CONSTANT, type);
    value->constant = constant;
    return value;
}

const struct value *value_index(struct arena *arena, enum data_type type,
                                const struct affine *index) {
    struct value *value = new_value(arena, OP_INDEX, type);
    value->index = index;
    return value;
}

const struct value *value_read(struct arena *arena, const struct tensor *tensor,
                               const struct affine *const *subscripts) {
    struct value *value = new_value(arena, OP_READ, tensor->type);
    value->tensor = tensor;
    value->subscripts = arena_copy(arena, subscripts, (size_t)tensor->rank * sizeof *subscripts);
    return value;
}

const struct value *value_previous(struct arena *arena, enum data_type type) {
    return new_value(arena, OP_PREVIOUS, type);
}

const struct value *value_unary(struct arena *arena, enum operation operation,
                                const struct value *a) {
    struct value *value = new_value(arena, operation, a->type);
    set_operand(value, 0, a);
    return value;
}

const struct value *value_binary(struct arena *arena, enum operation operation,
                                 const struct value *a, const struct value *b) {
    struct value *value = new_value(arena, operation, a->type);
    set_operand(value, 0, a);
    set_operand(value, 1, b);
    return value;
}

const struct value *value_select(struct arena *arena, int condition_count,
                                 const struct affine *const *conditions, const struct value *yes,
                                 const struct value *no) {
    struct value *value = new_value(arena, OP_SELECT, yes->type);
    value->condition_count = condition_count;
    value->conditions = arena_copy(arena, conditions, (size_t)condition_count * sizeof *conditions);
    set_operand(value, 0, yes);
    set_operand(value, 1, no);
    return value;
}

const struct value *value_select_less(struct arena *arena, const struct value *a,
                                      const struct value *b, const struct value *yes,
                                      const struct value *no) {
    struct value *value = new_value(arena, OP_SELECT_LESS, yes->type);
    set_operand(value, 0, a);
    set_operand(value, 1, b);
    set_operand(value, 2, yes);
    set_operand(value, 3, no);
    return value;
}

bool value_is_number(const struct value *value) {
    return value->operation == OP_CONSTANT && !isnan(value->constant);
}

int value_first_operand(const struct value *value) {
    return value_is_number(value->operands[1]);
}

const struct value *value_convert(struct arena *arena, enum data_type type, const struct value *a) {
    struct value *value = new_value(arena, OP_CONVERT, type);
    set_operand(value, 0, a);
    return value;
}

/* A node none of whose operands changed is not copied. */
const struct value *value_rewrite(struct arena *arena, const struct value *value,
                                  value_change *change, void *context) {
    int count = operations[value->operation].operand_count;
    struct value *copy = NULL;
    for (int i = 0; i < count; i++) {
        const struct value *operand = value_rewrite(arena, value->operands[i], change, context);
        if (operand == value->operands[i])
            continue;
        if (!copy)
            copy = arena_copy(arena, value, sizeof *value);
        copy->operands[i] = operand;
    }
    if (copy) {
        copy->depth = 1;
        for (int i = 0; i < count; i++)
            set_operand(copy, i, copy->operands[i]);
    }
    return change(context, copy ? copy : value);
}
