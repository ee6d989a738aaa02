/* Text of values, as value_print writes it:
 *
 *     value     = product { ("+" | "-") product }
 *     product   = primary { ("*" | "/") primary }
 *     primary   = number [":" type] | "previous" | "-" primary | "(" value ")"
 *               | tensor "[" indices "]" | "index(" index ")" [":" type]
 *               | "convert(" type "," value ")"
 *               | "select(" { condition "," } value "," value ")" | operation "(" values ")"
 *     condition = index { ("<=" | "<" | ">=" | ">" | "==") index }
 */
#include "te/parse_reader.h"

#include <string.h>

enum {
    MAX_CONDITIONS = 64
};

/* The infix operation whose sign comes next and binds as asked, or OP_CONSTANT. */
static enum operation accept_infix(struct reader *reader, bool multiplicative) {
    static const enum operation infix[2][2] = {{OP_ADD, OP_SUBTRACT}, {OP_MULTIPLY, OP_DIVIDE}};
    for (int i = 0; i < 2; i++)
        if (reader_accept(reader, operations[infix[multiplicative][i]].name))
            return infix[multiplicative][i];
    return OP_CONSTANT;
}

static dlt_status parse_suffix(struct reader *reader, enum data_type *type) {
    *type = reader->type;
    return reader_accept(reader, ":") ? reader_type(reader, type) : DLT_OK;
}

static dlt_status parse_constant(struct reader *reader, const struct value **value) {
    enum data_type type;
    double number;
    TRY(reader_number(reader, &number));
    TRY(parse_suffix(reader, &type));
    *value = value_constant(reader->expression->arena, type, data_type_constant(type, number));
    return DLT_OK;
}

/* Appends the conditions of a chain such as 0 <= y + r < 56. */
static dlt_status parse_chain(struct reader *reader, int *count, const struct affine **conditions) {
    static const char *const signs[] = {"<=", "<", ">=", ">", "=="};
    struct arena *arena = reader->expression->arena;
    const struct affine *left, *right;
    TRY(parse_index(reader, &left));
    for (int links = 0;; links++) {
        int sign = 0, first;
        while (sign < 5 && !reader_accept(reader, signs[sign]))
            sign++;
        if (sign == 5)
            return links ? DLT_OK : reader_expected(reader, "a comparison");
        TRY(parse_index(reader, &right));
        if (*count + 2 > MAX_CONDITIONS)
            return reader_fail(reader, reader->at, "more than %d conditions", MAX_CONDITIONS);
        first = *count;
        if (sign >= 2)
            conditions[(*count)++] =
                affine_add_constant(arena, affine_subtract(arena, left, right), -(sign == 3));
        if (sign < 2 || sign == 4)
            conditions[(*count)++] =
                affine_add_constant(arena, affine_subtract(arena, right, left), -(sign == 1));
        for (int i = first; i < *count; i++)
            TRY(reader_check_index(reader, conditions[i]));
        left = right;
    }
}

/* True if a condition was read; else the reader is where it was. */
static bool try_condition(struct reader *reader, int *count, const struct affine **conditions) {
    const char *start = reader->at;
    int nesting = reader->nesting, nodes = reader->node_count, before = *count;
    if (parse_chain(reader, count, conditions) == DLT_OK && reader_accept(reader, ","))
        return true;
    reader->at = start;
    reader->nesting = nesting;
    reader->node_count = nodes;
    *count = before;
    return false;
}

static dlt_status parse_select(struct reader *reader, const struct value **value) {
    /* not on the stack: selects stand within each other */
    const struct affine **conditions =
        ARENA_ARRAY(reader->expression->arena, const struct affine *, MAX_CONDITIONS);
    const struct value *yes, *no;
    int count = 0;
    TRY(reader_require(reader, "("));
    while (try_condition(reader, &count, conditions))
        continue;
    TRY(parse_value(reader, &yes));
    TRY(reader_require(reader, ","));
    TRY(parse_value(reader, &no));
    TRY(reader_require(reader, ")"));
    *value = value_select(reader->expression->arena, count, conditions, yes, no);
    return DLT_OK;
}

static dlt_status parse_convert(struct reader *reader, const struct value **value) {
    const struct value *operand;
    enum data_type type;
    TRY(reader_require(reader, "("));
    TRY(reader_type(reader, &type));
    TRY(reader_require(reader, ","));
    TRY(parse_value(reader, &operand));
    TRY(reader_require(reader, ")"));
    *value = value_convert(reader->expression->arena, type, operand);
    return DLT_OK;
}

static dlt_status parse_index_value(struct reader *reader, const struct value **value) {
    const struct affine *index;
    enum data_type type;
    TRY(reader_require(reader, "("));
    TRY(parse_index(reader, &index));
    TRY(reader_require(reader, ")"));
    TRY(parse_suffix(reader, &type));
    *value = value_index(reader->expression->arena, type, index);
    return DLT_OK;
}

static dlt_status parse_call(struct reader *reader, enum operation operation,
                             const struct value **value) {
    struct arena *arena = reader->expression->arena;
    const struct value *operands[MAX_OPERANDS] = {0};
    int count = operations[operation].operand_count;
    for (int i = 0; i < count; i++) {
        TRY(reader_require(reader, i ? "," : "("));
        TRY(parse_value(reader, &operands[i]));
    }
    TRY(reader_require(reader, ")"));
    if (count == 1)
        *value = value_unary(arena, operation, operands[0]);
    else if (count == 2)
        *value = value_binary(arena, operation, operands[0], operands[1]);
    else
        *value = value_select_less(arena, operands[0], operands[1], operands[2], operands[3]);
    return DLT_OK;
}

static dlt_status parse_read(struct reader *reader, const char *name, const char *start,
                             const struct value **value) {
    const struct tensor *tensor = expression_find(reader->expression, name);
    const struct affine *subscripts[MAX_RANK];
    if (!tensor)
        return reader_fail(reader, start, "there is no tensor %s before this one", name);
    TRY(reader_require(reader, "["));
    for (int i = 0; i < tensor->rank; i++) {
        if (i)
            TRY(reader_require(reader, ","));
        TRY(parse_index(reader, &subscripts[i]));
    }
    if (!reader_accept(reader, "]"))
        return reader_fail(reader, reader->at, "expected ']' after the %d subscripts of %s",
                           tensor->rank, name);
    *value = value_read(reader->expression->arena, tensor, subscripts);
    return DLT_OK;
}

/* What a name begins: a call where '(' follows, else a read. */
static dlt_status parse_named(struct reader *reader, const struct value **value) {
    char name[MAX_NAME];
    const char *start = reader->at;
    TRY(reader_name(reader, "a value", name));
    reader_skip_space(reader);
    if (*reader->at != '(' && *reader->at != '[' &&
        strcmp(name, operations[OP_PREVIOUS].name) == 0) {
        *value = value_previous(reader->expression->arena, reader->type);
        return DLT_OK;
    }
    if (*reader->at != '(')
        return parse_read(reader, name, start, value);
    for (int i = 0; i < OPERATION_COUNT; i++) {
        enum operation operation = (enum operation)i;
        if (operations[i].infix || strcmp(operations[i].name, name) != 0)
            continue;
        if (operation == OP_SELECT)
            return parse_select(reader, value);
        if (operation == OP_CONVERT)
            return parse_convert(reader, value);
        if (operation == OP_INDEX)
            return parse_index_value(reader, value);
        if (operations[i].operand_count)
            return parse_call(reader, operation, value);
    }
    return reader_fail(reader, start, "there is no operation %s", name);
}

/* Whether a number comes, and not a tensor with such a name. */
static bool is_number(const struct reader *reader) {
    struct reader ahead = *reader;
    double number;
    return reader_number(&ahead, &number) == DLT_OK && !reader_accept(&ahead, "[");
}

static dlt_status parse_primary(struct reader *reader, const struct value **value) {
    TRY(reader_enter(reader));
    reader_skip_space(reader);
    if (is_number(reader)) {
        TRY(parse_constant(reader, value));
    } else if (reader_accept(reader, "-")) {
        TRY(parse_primary(reader, value));
        *value = value_unary(reader->expression->arena, OP_NEGATE, *value);
    } else if (reader_accept(reader, "(")) {
        TRY(parse_value(reader, value));
        TRY(reader_require(reader, ")"));
    } else if (reader_name_length(reader)) {
        TRY(parse_named(reader, value));
    } else {
        return reader_expected(reader, "a value");
    }
    reader_leave(reader);
    return DLT_OK;
}

static dlt_status parse_product(struct reader *reader, const struct value **value) {
    enum operation operation;
    TRY(parse_primary(reader, value));
    while ((operation = accept_infix(reader, true)) != OP_CONSTANT) {
        const struct value *right;
        TRY(parse_primary(reader, &right));
        *value = value_binary(reader->expression->arena, operation, *value, right);
    }
    return DLT_OK;
}

dlt_status parse_value(struct reader *reader, const struct value **value) {
    enum operation operation;
    TRY(parse_product(reader, value));
    while ((operation = accept_infix(reader, false)) != OP_CONSTANT) {
        const struct value *right;
        TRY(parse_product(reader, &right));
        *value = value_binary(reader->expression->arena, operation, *value, right);
    }
    return DLT_OK;
}
