/* Definitions in the language of expressions; see definition.h. Everything is put in parentheses,
 * or left bare where the language's precedence allows it, so that both ways are read. */
#include "definition.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct writer {
    const struct definition *definition;
    const struct tensor *tensor; /* whose body is being written */
    char *text;
    size_t size, used;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...) {
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(w->text + w->used, w->size - w->used, format, arguments);
    va_end(arguments);
    w->used += (size_t)length;
    if (w->used >= w->size)
        w->used = w->size - 1;
}

static void put_index(struct writer *w, const struct index *index) {
    switch (index->kind) {
    case INDEX_CONSTANT:
        put(w, "%" PRId64, index->constant);
        break;
    case INDEX_AXIS:
        put(w, "%s", w->tensor->axes[index->axis].name);
        break;
    case INDEX_SUM:
        put_index(w, index->a);
        if (index->b->kind == INDEX_CONSTANT && index->b->constant < 0) {
            put(w, " - %" PRId64, -index->b->constant);
        } else {
            put(w, " + ");
            put_index(w, index->b);
        }
        break;
    case INDEX_MINIMUM:
        put(w, "min(");
        put_index(w, index->a);
        put(w, ", %" PRId64 ")", index->constant);
        break;
    default:
        put(w, index->a->kind == INDEX_AXIS ? "" : "(");
        put_index(w, index->a);
        put(w, "%s %s %" PRId64, index->a->kind == INDEX_AXIS ? "" : ")",
            index->kind == INDEX_SCALED    ? "*"
            : index->kind == INDEX_DIVIDED ? "/"
                                           : "%",
            index->constant);
        break;
    }
}

static void put_condition(struct writer *w, const struct condition *condition) {
    if (condition->lowest == condition->highest) {
        put_index(w, condition->index);
        put(w, " == %" PRId64 ", ", condition->lowest);
        return;
    }
    put(w, "%" PRId64 " <= ", condition->lowest);
    put_index(w, condition->index);
    put(w, " < %" PRId64 ", ", condition->highest + 1);
}

static void put_number(struct writer *w, float number) {
    if (isinf(number))
        put(w, number < 0 ? "-inf" : "inf");
    else
        put(w, "%.9g", (double)number);
}

static const char *const names[VALUE_COUNT] = {
    [VALUE_MINIMUM] = "min",
    [VALUE_MAXIMUM] = "max",
    [VALUE_NEGATE] = "negate",
    [VALUE_ABSOLUTE] = "abs",
    [VALUE_SQUARE_ROOT] = "sqrt",
    [VALUE_EXPONENTIAL] = "exp",
    [VALUE_LOGARITHM] = "log",
    [VALUE_TANH] = "tanh",
    [VALUE_ERF] = "erf",
    [VALUE_SELECT] = "select",
    [VALUE_SELECT_LESS] = "select_less",
};

static const char signs[VALUE_COUNT] = {
    [VALUE_ADD] = '+',
    [VALUE_SUBTRACT] = '-',
    [VALUE_MULTIPLY] = '*',
    [VALUE_DIVIDE] = '/',
};

static void put_value(struct writer *w, const struct value *value);

static void put_operands(struct writer *w, const struct value *value) {
    for (int i = 0; i < MOST_OPERANDS && value->operands[i]; i++) {
        put(w, i ? ", " : "");
        put_value(w, value->operands[i]);
    }
    put(w, ")");
}

/* Binary signs always in parentheses, but for a product in a sum. */
static void put_infix_operand(struct writer *w, const struct value *value, bool in_sum) {
    bool bare = !signs[value->operation] ||
                (in_sum && (signs[value->operation] == '*' || signs[value->operation] == '/'));
    put(w, bare ? "" : "(");
    put_value(w, value);
    put(w, bare ? "" : ")");
}

static void put_value(struct writer *w, const struct value *value) {
    if (signs[value->operation]) {
        bool sum = value->operation == VALUE_ADD || value->operation == VALUE_SUBTRACT;
        put_infix_operand(w, value->operands[0], sum);
        put(w, " %c ", signs[value->operation]);
        put_infix_operand(w, value->operands[1], sum);
        return;
    }
    switch (value->operation) {
    case VALUE_CONSTANT:
        put_number(w, value->constant);
        break;
    case VALUE_PREVIOUS:
        put(w, "previous");
        break;
    case VALUE_INDEX:
        put(w, "index(");
        put_index(w, value->index);
        put(w, ")");
        break;
    case VALUE_READ:
        put(w, "%s[", w->definition->tensors[value->tensor].name);
        for (int i = 0; i < w->definition->tensors[value->tensor].rank; i++) {
            put(w, i ? ", " : "");
            put_index(w, value->subscripts[i]);
        }
        put(w, "]");
        break;
    default:
        put(w, "%s(", names[value->operation]);
        for (int i = 0; i < value->condition_count; i++)
            put_condition(w, &value->conditions[i]);
        put_operands(w, value);
        break;
    }
}

static void put_axes(struct writer *w, const struct axis *axes, int count, const char *closing) {
    for (int i = 0; i < count; i++)
        put(w, "%s%s=%" PRId64, i ? ", " : "", axes[i].name, axes[i].extent);
    put(w, "%s", closing);
}

static void put_layout(struct writer *w, const struct tensor *tensor) {
    char text[512];
    if (!tensor->has_layout)
        return;
    layout_text(text, sizeof text, &tensor->layout, tensor, " ");
    put(w, " layout %s", text);
}

static void put_tensor(struct writer *w, const struct tensor *tensor) {
    static const char *const kinds[] = {" variable", " parameter", " literal", ""};
    static const char *const combiners[] = {"", "sum(", "product(", "max(", "min("};
    w->tensor = tensor;
    put(w, "%s%s[", tensor->kind == KIND_COMPUTED ? "" : "input ", tensor->name);
    put_axes(w, tensor->axes, tensor->rank, "] f32");
    put(w, "%s%s", kinds[tensor->kind], tensor->accumulate ? " accumulate" : "");
    put_layout(w, tensor);
    if (tensor->kind == KIND_LITERAL) {
        put(w, " = {");
        for (int64_t i = 0; i < tensor_elements(tensor); i++) {
            put(w, i ? ", " : "");
            put_number(w, tensor->literal[i]);
        }
        put(w, "}");
    }
    if (tensor->kind != KIND_COMPUTED)
        return;
    put(w, " = %s", combiners[tensor->combiner]);
    if (tensor->combiner != COMBINE_NONE)
        put_axes(w, tensor->axes + tensor->rank, tensor->reduction_rank, ") ");
    put_value(w, tensor->body);
}

bool definition_text(const struct definition *definition, const char *separator, char *text,
                     size_t size) {
    struct writer w = {.definition = definition, .text = text, .size = size};
    for (int i = 0; i < definition->tensor_count; i++) {
        put(&w, "%s", i ? separator : "");
        put_tensor(&w, &definition->tensors[i]);
    }
    return w.used + 1 < size;
}
