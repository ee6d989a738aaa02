/* Values in C: the statements of one store.
 *
 * A value becomes one expression where it can. A part that is used twice, or that stands where its
 * text would be repeated (max(a, 2) is 2 > a ? 2 : a), is first given a temporary. What stands
 * under a select may only be computed where its conditions hold, since it may read outside of a
 * buffer elsewhere; if such a part needs temporaries, the select becomes an if. */
#include "targets/c/print_private.h"

struct value_printer {
    struct printer *printer;
    struct value_table table;
    int scope;
};

static int operand_count(const struct value *value) {
    return operations[value->operation].operand_count;
}

static struct value_entry *entry_of(struct value_printer *p, const struct value *value) {
    return value_table_entry(&p->table, value);
}

static bool repeats_operands(enum operation operation) {
    return operation == OP_MINIMUM || operation == OP_MAXIMUM || operation == OP_ABSOLUTE;
}

static void count_uses(struct value_printer *p, const struct value *value) {
    struct value_entry *entry = entry_of(p, value);
    entry->uses++;
    if (entry->uses > 1 && value->operation != OP_CONSTANT)
        entry->named = true;
    if (entry->uses > 1)
        return;
    for (int i = 0; i < operand_count(value); i++) {
        count_uses(p, value->operands[i]);
        if (repeats_operands(value->operation) && value->operands[i]->operation != OP_CONSTANT)
            entry_of(p, value->operands[i])->named = true;
    }
}

static bool needs_statements(struct value_printer *p, const struct value *value) {
    struct value_entry *entry = entry_of(p, value);
    if (!entry->checked) {
        entry->checked = true;
        entry->statements = entry->named;
        for (int i = 0; i < operand_count(value); i++)
            entry->statements |= needs_statements(p, value->operands[i]);
    }
    return entry->statements;
}

static const char *value_type_name(enum data_type type) {
    return type == TYPE_BF16 ? "float" : c_type_name(type);
}

/* Calls a function of the unit, to be printed with it; the text goes on with the argument. */
static void print_support_call(struct value_printer *p, enum support_function function) {
    p->printer->support |= 1u << function;
    text_format(p->printer->out, "%s_%s(", p->printer->options->prefix,
                support_function_name(function));
}

static void print_expression(struct value_printer *p, const struct value *value);

static void print_operand(struct value_printer *p, const struct value *value) {
    struct text *out = p->printer->out;
    bool constant = value->operation == OP_CONSTANT && value->constant >= 0;
    bool plain = constant || value->operation == OP_READ || entry_of(p, value)->temporary >= 0;
    text_append(out, plain ? "" : "(");
    print_expression(p, value);
    text_append(out, plain ? "" : ")");
}

static void print_element(struct value_printer *p, const struct buffer *buffer,
                          const struct affine *offset) {
    struct text *out = p->printer->out;
    print_buffer(p->printer, out, buffer);
    text_append(out, "[");
    print_index(out, offset);
    text_append(out, buffer->kind == BUFFER_LITERAL && has_bits(buffer->type) ? "].number" : "]");
}

static void print_element_value(struct value_printer *p, const struct buffer *buffer,
                                const struct affine *offset) {
    if (buffer->type == TYPE_BF16)
        print_support_call(p, SUPPORT_FROM_BF16);
    print_element(p, buffer, offset);
    if (buffer->type == TYPE_BF16)
        text_append(p->printer->out, ")");
}

static void print_infix(struct value_printer *p, const struct value *value, const char *sign) {
    struct text *out = p->printer->out;
    bool narrow =
        data_types[value->type].bytes == 1; /* C computes in int; the value wraps around */
    if (narrow)
        text_format(out, "(%s)(", c_type_name(value->type));
    print_operand(p, value->operands[0]);
    text_format(out, " %s ", sign);
    print_operand(p, value->operands[1]);
    text_append(out, narrow ? ")" : "");
}

/* "a > b ? c : d" */
static void print_comparison(struct value_printer *p, const struct value *const *parts,
                             const char *sign) {
    struct text *out = p->printer->out;
    print_operand(p, parts[0]);
    text_format(out, " %s ", sign);
    print_operand(p, parts[1]);
    text_append(out, " ? ");
    print_operand(p, parts[2]);
    text_append(out, " : ");
    print_operand(p, parts[3]);
}

/* "a > b ? a : b", with a constant first; of two unknown numbers, of which a NaN wins,
 * "a > b || a != a ? a : b". */
static void print_choice(struct value_printer *p, const struct value *value, const char *sign) {
    struct text *out = p->printer->out;
    int first = value_first_operand(value);
    const struct value *a = value->operands[first], *b = value->operands[1 - first];
    if (value_is_number(a) || !data_types[a->type].is_float) {
        print_comparison(p, (const struct value *const[]){a, b, a, b}, sign);
        return;
    }
    print_operand(p, a);
    text_format(out, " %s ", sign);
    print_operand(p, b);
    text_append(out, " || ");
    print_comparison(p, (const struct value *const[]){a, a, a, b}, "!=");
}

static void print_absolute(struct value_printer *p, const struct value *value) {
    struct text *out = p->printer->out;
    print_operand(p, value->operands[0]);
    text_append(out, " <= 0 ? 0 - "); /* -0.0 becomes 0.0 too */
    print_operand(p, value->operands[0]);
    text_append(out, " : ");
    print_operand(p, value->operands[0]);
}

static void print_select_expression(struct value_printer *p, const struct value *value) {
    struct text *out = p->printer->out;
    print_conditions(out, value->conditions, value->condition_count);
    text_append(out, " ? ");
    print_operand(p, value->operands[0]);
    text_append(out, " : ");
    print_operand(p, value->operands[1]);
}

static void print_function(struct value_printer *p, const struct value *value,
                           enum support_function function) {
    text_append(p->printer->out, value->type == TYPE_F64 ? "" : "(float)");
    print_support_call(p, function);
    print_expression(p, value->operands[0]);
    text_append(p->printer->out, ")");
}

static void print_convert(struct value_printer *p, const struct value *value) {
    struct text *out = p->printer->out;
    if (value->type == TYPE_BF16) { /* rounds */
        print_support_call(p, SUPPORT_FROM_BF16);
        print_support_call(p, SUPPORT_TO_BF16);
        print_expression(p, value->operands[0]);
        text_append(out, "))");
        return;
    }
    text_format(out, "(%s)", c_type_name(value->type));
    print_operand(p, value->operands[0]);
}

static void print_operation(struct value_printer *p, const struct value *value) {
    struct text *out = p->printer->out;
    const struct value *const *x = value->operands;
    switch (value->operation) {
    case OP_CONSTANT:
        print_number(p->printer, value->type, value->constant);
        break;
    case OP_READ:
        print_element_value(p, program_buffer(p->printer->program, value->tensor),
                            value->subscripts[0]);
        break;
    case OP_INDEX:
        text_format(out, "(%s)", value_type_name(value->type));
        print_index_operand(out, value->index);
        break;
    case OP_MINIMUM:
        print_choice(p, value, "<");
        break;
    case OP_MAXIMUM:
        print_choice(p, value, ">");
        break;
    case OP_SELECT_LESS:
        print_comparison(p, x, "<");
        break;
    case OP_NEGATE:
        text_append(out, "-");
        print_operand(p, x[0]);
        break;
    case OP_ABSOLUTE:
        print_absolute(p, value);
        break;
    case OP_SQUARE_ROOT:
        print_function(p, value, SUPPORT_SQUARE_ROOT);
        break;
    case OP_EXPONENTIAL:
        print_function(p, value, SUPPORT_EXPONENTIAL);
        break;
    case OP_LOGARITHM:
        print_function(p, value, SUPPORT_LOGARITHM);
        break;
    case OP_TANH:
        print_function(p, value, SUPPORT_TANH);
        break;
    case OP_ERF:
        print_function(p, value, SUPPORT_ERF);
        break;
    case OP_SELECT:
        print_select_expression(p, value);
        break;
    case OP_CONVERT:
        print_convert(p, value);
        break;
    default:
        print_infix(p, value, operations[value->operation].name);
        break;
    }
}

static void print_expression(struct value_printer *p, const struct value *value) {
    int temporary = entry_of(p, value)->temporary;
    if (temporary >= 0)
        text_format(p->printer->out, "t%d", temporary);
    else
        print_operation(p, value);
}

static void prepare(struct value_printer *p, const struct value *value);

/* One branch of a select that became an if; its temporaries end with it. */
static void print_branch(struct value_printer *p, const struct value *value, int temporary) {
    p->scope++;
    p->printer->depth++;
    prepare(p, value);
    print_line(p->printer, "t%d = ", temporary);
    print_expression(p, value);
    text_append(p->printer->out, ";\n");
    p->printer->depth--;
    p->scope--;
    for (int i = 0; i < p->table.capacity; i++)
        if (p->table.entries[i] && p->table.entries[i]->scope > p->scope) {
            p->table.entries[i]->temporary = -1;
            p->table.entries[i]->scope = 0;
        }
}

static void print_select_statement(struct value_printer *p, const struct value *value) {
    struct printer *printer = p->printer;
    struct value_entry *entry = entry_of(p, value);
    int temporary = printer->temporaries++;
    print_line(printer, "%s t%d;\n", value_type_name(value->type), temporary);
    print_line(printer, "if (");
    print_conditions(printer->out, value->conditions, value->condition_count);
    text_append(printer->out, ") {\n");
    print_branch(p, value->operands[0], temporary);
    print_line(printer, "} else {\n");
    print_branch(p, value->operands[1], temporary);
    print_line(printer, "}\n");
    entry->temporary = temporary;
    entry->scope = p->scope;
}

static void name_value(struct value_printer *p, const struct value *value) {
    struct value_entry *entry = entry_of(p, value);
    int temporary = p->printer->temporaries++;
    print_line(p->printer, "%s t%d = ", value_type_name(value->type), temporary);
    print_expression(p, value);
    text_append(p->printer->out, ";\n");
    entry->temporary = temporary;
    entry->scope = p->scope;
}

/* Prints the temporaries that the expression of a value refers to. */
static void prepare(struct value_printer *p, const struct value *value) {
    struct value_entry *entry = entry_of(p, value);
    if (!entry->statements || entry->temporary >= 0)
        return;
    if (value->operation == OP_SELECT &&
        (needs_statements(p, value->operands[0]) || needs_statements(p, value->operands[1]))) {
        print_select_statement(p, value);
        return;
    }
    for (int i = 0; i < operand_count(value); i++)
        prepare(p, value->operands[i]);
    if (entry->named)
        name_value(p, value);
}

/* buffer[offset] = what is there, combined with the value. */
static void print_combined(struct value_printer *p, const struct node *node) {
    struct text *out = p->printer->out;
    enum operation operation = combiners[node->combiner].operation;
    bool chooses = operation == OP_MAXIMUM || operation == OP_MINIMUM;
    bool converts = node->buffer->type == TYPE_BF16;
    const struct value *value = node->value;
    if (chooses) { /* a NaN replaces what was there, and is replaced by nothing */
        if (entry_of(p, value)->temporary < 0)
            name_value(p, value);
        print_line(p->printer, "if (");
        print_expression(p, value);
        text_append(out, operation == OP_MAXIMUM ? " > " : " < ");
        print_element_value(p, node->buffer, node->offset);
        if (data_types[value->type].is_float) {
            text_append(out, " || ");
            print_expression(p, value);
            text_append(out, " != ");
            print_expression(p, value);
        }
        text_append(out, ") ");
        print_element(p, node->buffer, node->offset);
        text_append(out, " = ");
    } else {
        print_line(p->printer, "%s", "");
        print_element(p, node->buffer, node->offset);
        if (!converts)
            text_format(out, " %s= ", operations[operation].name);
        else
            text_append(out, " = ");
    }
    if (converts) {
        print_support_call(p, SUPPORT_TO_BF16);
        if (!chooses) {
            print_element_value(p, node->buffer, node->offset);
            text_format(out, " %s ", operations[operation].name);
        }
        print_operand(p, value);
        text_append(out, ")");
    } else {
        print_expression(p, value);
    }
    text_append(out, ";\n");
}

static void print_assigned(struct value_printer *p, const struct node *node) {
    bool converts = node->buffer->type == TYPE_BF16;
    print_line(p->printer, "%s", "");
    print_element(p, node->buffer, node->offset);
    text_append(p->printer->out, " = ");
    if (converts)
        print_support_call(p, SUPPORT_TO_BF16);
    print_expression(p, node->value);
    text_append(p->printer->out, converts ? ");\n" : ";\n");
}

void print_store(struct printer *printer, const struct node *node) {
    struct value_printer p = {.printer = printer, .table = {.arena = printer->arena}};
    bool conditional = node->condition_count > 0;
    if (conditional) {
        print_line(printer, "if (");
        print_conditions(printer->out, node->conditions, node->condition_count);
        text_append(printer->out, ") {\n");
        printer->depth++;
    }
    count_uses(&p, node->value);
    needs_statements(&p, node->value);
    prepare(&p, node->value);
    if (node->combiner == COMBINE_NONE)
        print_assigned(&p, node);
    else
        print_combined(&p, node);
    if (conditional) {
        printer->depth--;
        print_line(printer, "}\n");
    }
}
