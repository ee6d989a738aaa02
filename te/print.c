/* Text form of expressions; see expression.h for what it looks like and parse.c for reading it.
 *
 * Terms of an index stand in the order of variable ids, and ids are whatever the builder counted.
 * So that equal work has equal text, a body is printed with variables numbered by their place in
 * the tensor: the same numbers that parsing gives them. */
#include "te/affine_private.h"
#include "te/expression.h"

#include "base/number.h"

#include <inttypes.h>
#include <string.h>

struct printer {
    struct text *text;
    struct arena *arena;
    enum data_type type; /* constants of this type need no suffix */
    const struct binding *bindings;
    int binding_count;
};

/* The shortest decimal that reads back as the same constant (data_type_constant). */
static void print_number(struct text *text, enum data_type type, double number) {
    char digits[NUMBER_BYTES];
    bool is_float = type == TYPE_F32 && (double)(float)number == number;
    text_append(text,
                is_float ? number_text_f32(digits, (float)number) : number_text(digits, number));
}

static const struct affine *renumbered(const struct printer *printer, const struct affine *index) {
    if (!printer->arena)
        return index;
    return affine_substitute(printer->arena, index, printer->bindings, printer->binding_count);
}

static void print_index(struct printer *printer, const struct affine *index) {
    affine_print(printer->text, renumbered(printer, index));
}

/* True if the two conditions are 0 <= first and first < bound. */
static bool is_pair(const struct affine *first, const struct affine *second, int64_t *bound) {
    if (first->term_count == 0 || first->term_count != second->term_count)
        return false;
    for (int i = 0; i < first->term_count; i++)
        if (first->terms[i].coefficient != -second->terms[i].coefficient ||
            affine_compare_atoms(&first->terms[i], &second->terms[i]) != 0)
            return false;
    *bound = first->constant + second->constant + 1;
    return true;
}

static void print_conditions(struct printer *printer, const struct value *value) {
    for (int i = 0; i < value->condition_count; i++) {
        const struct affine *condition = renumbered(printer, value->conditions[i]);
        int64_t bound;
        if (i + 1 < value->condition_count &&
            is_pair(condition, renumbered(printer, value->conditions[i + 1]), &bound)) {
            text_append(printer->text, "0 <= ");
            affine_print(printer->text, condition);
            text_format(printer->text, " < %" PRId64 ", ", bound);
            i++;
        } else {
            affine_print(printer->text, condition);
            text_append(printer->text, " >= 0, ");
        }
    }
}

static void print_value(struct printer *printer, const struct value *value);

static int precedence(const struct value *value) {
    if (!operations[value->operation].infix)
        return 3;
    return value->operation == OP_ADD || value->operation == OP_SUBTRACT ? 1 : 2;
}

static void print_infix(struct printer *printer, const struct value *value) {
    for (int i = 0; i < 2; i++) {
        const struct value *operand = value->operands[i];
        bool enclosed = precedence(operand) < precedence(value) + i;
        if (i)
            text_format(printer->text, " %s ", operations[value->operation].name);
        if (enclosed)
            text_append(printer->text, "(");
        print_value(printer, operand);
        if (enclosed)
            text_append(printer->text, ")");
    }
}

static void print_call(struct printer *printer, const struct value *value) {
    const struct operation_info *operation = &operations[value->operation];
    text_format(printer->text, "%s(", operation->name);
    if (value->operation == OP_CONVERT)
        text_format(printer->text, "%s, ", data_types[value->type].name);
    if (value->operation == OP_SELECT)
        print_conditions(printer, value);
    for (int i = 0; i < operation->operand_count; i++) {
        text_append(printer->text, i ? ", " : "");
        print_value(printer, value->operands[i]);
    }
    text_append(printer->text, ")");
}

static void print_read(struct printer *printer, const struct value *value) {
    text_format(printer->text, "%s[", value->tensor->name);
    for (int i = 0; i < value->tensor->rank; i++) {
        text_append(printer->text, i ? ", " : "");
        print_index(printer, value->subscripts[i]);
    }
    text_append(printer->text, "]");
}

static void print_value(struct printer *printer, const struct value *value) {
    if (operations[value->operation].infix) {
        print_infix(printer, value);
    } else if (operations[value->operation].operand_count) {
        print_call(printer, value);
    } else if (value->operation == OP_READ) {
        print_read(printer, value);
    } else if (value->operation == OP_PREVIOUS) { /* its type is the tensor's */
        text_append(printer->text, operations[OP_PREVIOUS].name);
    } else {
        if (value->operation == OP_INDEX) {
            text_append(printer->text, "index(");
            print_index(printer, value->index);
            text_append(printer->text, ")");
        } else {
            print_number(printer->text, value->type, value->constant);
        }
        if (value->type != printer->type)
            text_format(printer->text, ":%s", data_types[value->type].name);
    }
}

void value_print(struct text *text, const struct value *value) {
    struct printer printer = {.text = text, .type = value->type};
    print_value(&printer, value);
}

static void print_axes(struct text *text, int count, const struct variable *const *axes) {
    for (int i = 0; i < count; i++)
        text_format(text, "%s%s=%" PRId64, i ? ", " : "", axes[i]->name, axes[i]->extent);
}

/* name[axes] type kind layout */
static void print_declaration(struct text *text, const struct tensor *tensor) {
    static const char *const kinds[] = {" variable", " parameter", " literal", ""};
    const char *names[MAX_RANK];
    int64_t extents[MAX_RANK];
    struct layout plain;
    for (int i = 0; i < tensor->rank; i++) {
        names[i] = tensor->axes[i]->name;
        extents[i] = tensor->axes[i]->extent;
    }
    text_format(text, "%s%s[", tensor->kind == TENSOR_COMPUTED ? "" : "input ", tensor->name);
    print_axes(text, tensor->rank, tensor->axes);
    text_format(text, "] %s%s", data_types[tensor->type].name,
                tensor->accumulate ? " accumulate" : kinds[tensor->kind]);
    if (layout_plain(&plain, tensor->rank, extents, NULL) != DLT_OK ||
        layout_equal(&plain, &tensor->layout))
        return;
    text_append(text, " layout ");
    layout_print(text, &tensor->layout, names, extents);
}

static void print_literal(struct text *text, const struct tensor *tensor) {
    int64_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->axes[i]->extent;
    text_append(text, " = {");
    for (int64_t i = 0; i < count; i++) {
        text_append(text, i ? ", " : "");
        print_number(text, tensor->type, tensor->literal[i]);
    }
    text_append(text, "}");
}

static void bind(struct arena *arena, struct binding *binding, const struct variable *variable,
                 int id) {
    struct variable *numbered = arena_copy(arena, variable, sizeof *variable);
    numbered->id = id;
    binding->variable = variable;
    binding->replacement = affine_variable(arena, numbered);
}

static void print_body(struct text *text, struct arena *arena, const struct tensor *tensor) {
    struct binding bindings[2 * MAX_RANK];
    struct printer printer = {text, arena, tensor->type, bindings, 0};
    for (int i = 0; i < tensor->rank; i++, printer.binding_count++)
        bind(arena, &bindings[printer.binding_count], tensor->axes[i], printer.binding_count);
    for (int i = 0; i < tensor->reduction_rank; i++, printer.binding_count++)
        bind(arena, &bindings[printer.binding_count], tensor->reduction_axes[i],
             printer.binding_count);
    text_append(text, " = ");
    if (tensor->combiner != COMBINE_NONE) {
        text_format(text, "%s(", combiners[tensor->combiner].name);
        print_axes(text, tensor->reduction_rank, tensor->reduction_axes);
        text_append(text, ")\n    ");
    }
    print_value(&printer, tensor->body);
}

void expression_print(struct text *text, const struct expression *expression) {
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena)) {
        text->failed = true;
        arena_free(&arena);
        return;
    }
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        print_declaration(text, tensor);
        if (tensor->literal)
            print_literal(text, tensor);
        if (tensor->kind == TENSOR_COMPUTED)
            print_body(text, &arena, tensor);
        text_append(text, "\n");
    }
    arena_free(&arena);
}
