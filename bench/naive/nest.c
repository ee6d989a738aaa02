/* Definitions as C: a nest for each stage, constant sizes, `restrict`; see nest.h. */
#include "nest.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct printer {
    FILE *file;
    const struct definition *definition;
    const struct tensor *tensor; /* whose body is printed */
};

void nest_prelude(FILE *file) {
    fputs("#include <math.h>\n"
          "#define FLOOR_DIVIDE(a, b) ((a) / (b) - ((a) % (b) < 0))\n"
          "static inline float larger(float a, float b) { return a > b ? a : b; }\n"
          "static inline float smaller(float a, float b) { return a < b ? a : b; }\n"
          "static inline float sigmoid(float x) { return 1 / (1 + expf(-x)); }\n"
          "static inline float gelu(float x) { return x * 0.5f * (1 + erff(x * 0.70710678f)); }\n"
          "static inline float hardswish(float x) {\n"
          "    return x * smaller(larger(x * (1.0f / 6) + 0.5f, 0), 1);\n"
          "}\n\n",
          file);
}

/* ---- indices ---- */

static void print_index(struct printer *p, const struct index *index);

/* Without what division by negative numbers costs, where there are none. */
static void print_division(struct printer *p, const struct index *index) {
    int64_t lowest, highest;
    index_range(index->a, p->tensor, &lowest, &highest);
    if (index->kind == INDEX_REMAINDER && lowest < 0) {
        fputs("(", p->file);
        print_index(p, index->a);
        fprintf(p->file, " - %" PRId64 " * FLOOR_DIVIDE(", index->constant);
        print_index(p, index->a);
        fprintf(p->file, ", %" PRId64 "))", index->constant);
        return;
    }
    fputs(lowest < 0 ? "FLOOR_DIVIDE(" : "(", p->file);
    print_index(p, index->a);
    fprintf(p->file, "%s%" PRId64 ")",
            lowest < 0                       ? ", "
            : index->kind == INDEX_REMAINDER ? " % "
                                             : " / ",
            index->constant);
}

static void print_index(struct printer *p, const struct index *index) {
    switch (index->kind) {
    case INDEX_CONSTANT:
        fprintf(p->file, "%" PRId64, index->constant);
        break;
    case INDEX_AXIS:
        fprintf(p->file, "v%d", index->axis);
        break;
    case INDEX_SUM:
        fputs("(", p->file);
        print_index(p, index->a);
        fputs(" + ", p->file);
        print_index(p, index->b);
        fputs(")", p->file);
        break;
    case INDEX_SCALED:
        print_index(p, index->a);
        fprintf(p->file, " * %" PRId64, index->constant);
        break;
    case INDEX_MINIMUM:
        fputs("(", p->file);
        print_index(p, index->a);
        fprintf(p->file, " < %" PRId64 " ? ", index->constant);
        print_index(p, index->a);
        fprintf(p->file, " : %" PRId64 ")", index->constant);
        break;
    default:
        print_division(p, index);
        break;
    }
}

/* The element's place in memory. */
static void print_offset(struct printer *p, const struct tensor *tensor,
                         const struct index *const *subscripts) {
    for (int i = 0; i < tensor->layout.count; i++) {
        const struct dimension *d = &tensor->layout.dimensions[i];
        fputs(i ? " + (" : "(", p->file);
        print_index(p, subscripts[d->axis]);
        fputs(")", p->file);
        if (d->divisor > 1)
            fprintf(p->file, " / %" PRId64, d->divisor);
        if (d->modulus)
            fprintf(p->file, " %% %" PRId64, d->modulus);
        fprintf(p->file, " * %" PRId64, d->stride);
    }
    if (!tensor->layout.count)
        fputs("0", p->file);
}

static void print_own_offset(struct printer *p, const struct tensor *layout) {
    struct index axes[MOST_AXES];
    const struct index *subscripts[MOST_AXES];
    for (int i = 0; i < layout->rank; i++) {
        axes[i] = (struct index){.kind = INDEX_AXIS, .axis = i};
        subscripts[i] = &axes[i];
    }
    print_offset(p, layout, subscripts);
}

/* ---- values ---- */

static const char *const functions[VALUE_COUNT] = {
    [VALUE_MINIMUM] = "smaller", [VALUE_MAXIMUM] = "larger",    [VALUE_NEGATE] = "-",
    [VALUE_ABSOLUTE] = "fabsf",  [VALUE_SQUARE_ROOT] = "sqrtf", [VALUE_EXPONENTIAL] = "expf",
    [VALUE_LOGARITHM] = "logf",  [VALUE_TANH] = "tanhf",        [VALUE_ERF] = "erff",
    [VALUE_SIGMOID] = "sigmoid", [VALUE_GELU] = "gelu",         [VALUE_HARDSWISH] = "hardswish",
};

static void print_number(struct printer *p, float number) {
    if (isinf(number))
        fputs(number < 0 ? "-__builtin_inff()" : "__builtin_inff()", p->file);
    else
        fprintf(p->file, "%af", (double)number);
}

static void print_value(struct printer *p, const struct value *value);

static void print_conditions(struct printer *p, const struct value *value) {
    for (int i = 0; i < value->condition_count; i++) {
        const struct condition *condition = &value->conditions[i];
        fprintf(p->file, "%s%" PRId64 " <= ", i ? " && " : "", condition->lowest);
        print_index(p, condition->index);
        fputs(" && ", p->file);
        print_index(p, condition->index);
        fprintf(p->file, " <= %" PRId64, condition->highest);
    }
}

static void print_choice(struct printer *p, const struct value *value) {
    bool on_indices = value->operation == VALUE_SELECT;
    fputs("(", p->file);
    if (on_indices) {
        print_conditions(p, value);
    } else {
        print_value(p, value->operands[0]);
        fputs(" < ", p->file);
        print_value(p, value->operands[1]);
    }
    fputs(" ? ", p->file);
    print_value(p, value->operands[on_indices ? 0 : 2]);
    fputs(" : ", p->file);
    print_value(p, value->operands[on_indices ? 1 : 3]);
    fputs(")", p->file);
}

static void print_previous(struct printer *p) {
    fputs("output[", p->file);
    print_own_offset(p, definition_result(p->definition));
    fputs("]", p->file);
}

static void print_value(struct printer *p, const struct value *value) {
    static const char signs[VALUE_COUNT] = {
        [VALUE_ADD] = '+', [VALUE_SUBTRACT] = '-', [VALUE_MULTIPLY] = '*', [VALUE_DIVIDE] = '/'};
    const struct tensor *read = &p->definition->tensors[value->tensor];
    switch (value->operation) {
    case VALUE_CONSTANT:
        print_number(p, value->constant);
        break;
    case VALUE_INDEX:
        fputs("(float)(", p->file);
        print_index(p, value->index);
        fputs(")", p->file);
        break;
    case VALUE_PREVIOUS:
        print_previous(p);
        break;
    case VALUE_READ:
        fprintf(p->file, "t%d[", value->tensor);
        print_offset(p, read, value->subscripts);
        fputs("]", p->file);
        break;
    case VALUE_SELECT:
    case VALUE_SELECT_LESS:
        print_choice(p, value);
        break;
    case VALUE_ADD:
    case VALUE_SUBTRACT:
    case VALUE_MULTIPLY:
    case VALUE_DIVIDE:
        fputs("(", p->file);
        print_value(p, value->operands[0]);
        fprintf(p->file, " %c ", signs[value->operation]);
        print_value(p, value->operands[1]);
        fputs(")", p->file);
        break;
    default:
        fprintf(p->file, "%s(", functions[value->operation]);
        print_value(p, value->operands[0]);
        if (value->operands[1]) {
            fputs(", ", p->file);
            print_value(p, value->operands[1]);
        }
        fputs(")", p->file);
        break;
    }
}

/* ---- nests ---- */

static void open_loop(struct printer *p, int axis) {
    fprintf(p->file, "for (int v%d = 0; v%d < %" PRId64 "; v%d++) {\n", axis, axis,
            p->tensor->axes[axis].extent, axis);
}

static void print_target(struct printer *p, const struct tensor *tensor, int place) {
    bool is_result = tensor == definition_result(p->definition);
    if (is_result)
        fputs("output[", p->file);
    else
        fprintf(p->file, "t%d[", place);
    print_own_offset(p, tensor);
    fputs("]", p->file);
}

static void print_start(struct printer *p, const struct tensor *tensor) {
    static const char *const identities[] = {[COMBINE_SUM] = "0",
                                             [COMBINE_PRODUCT] = "1",
                                             [COMBINE_MAXIMUM] = "-__builtin_inff()",
                                             [COMBINE_MINIMUM] = "__builtin_inff()"};
    if (tensor->accumulate)
        print_previous(p);
    else
        fputs(identities[tensor->combiner], p->file);
}

/* "a = a + (term)", where `a` is what `print` prints. */
static void print_combine(struct printer *p, const struct tensor *tensor, const char *sum) {
    static const char *const forms[] = {[COMBINE_SUM] = "%s += ",
                                        [COMBINE_PRODUCT] = "%s *= ",
                                        [COMBINE_MAXIMUM] = "%s = larger(%s, ",
                                        [COMBINE_MINIMUM] = "%s = smaller(%s, "};
    const char *c = forms[tensor->combiner];
    bool call = strchr(c, '(') != NULL;
    for (; *c; c++) {
        if (c[0] == '%') {
            fputs(sum, p->file);
            c++;
        } else {
            fputc(*c, p->file);
        }
    }
    print_value(p, tensor->body);
    fputs(call ? ");\n" : ";\n", p->file);
}

static void close_loops(struct printer *p, int count) {
    for (int i = 0; i < count; i++)
        fputs("}\n", p->file);
}

static void print_as_written(struct printer *p, const struct tensor *tensor, int place) {
    for (int i = 0; i < tensor->rank; i++)
        open_loop(p, i);
    if (tensor->combiner != COMBINE_NONE) {
        fputs("float sum = ", p->file);
        print_start(p, tensor);
        fputs(";\n", p->file);
        for (int i = 0; i < tensor->reduction_rank; i++)
            open_loop(p, tensor->rank + i);
        print_combine(p, tensor, "sum");
        close_loops(p, tensor->reduction_rank);
    }
    print_target(p, tensor, place);
    fputs(" = ", p->file);
    if (tensor->combiner == COMBINE_NONE)
        print_value(p, tensor->body);
    else
        fputs("sum", p->file);
    fputs(";\n", p->file);
    close_loops(p, tensor->rank);
}

/* The axis whose elements are neighbours in memory. */
static int innermost_axis(const struct tensor *tensor) {
    for (int i = tensor->layout.count - 1; i >= 0; i--)
        if (tensor->axes[tensor->layout.dimensions[i].axis].extent > 1)
            return tensor->layout.dimensions[i].axis;
    return tensor->rank - 1;
}

static void print_interchanged(struct printer *p, const struct tensor *tensor, int place) {
    int inner = innermost_axis(tensor);
    for (int i = 0; i < tensor->rank; i++)
        if (i != inner)
            open_loop(p, i);
    fprintf(p->file, "float row[%" PRId64 "];\n", tensor->axes[inner].extent);
    open_loop(p, inner);
    fprintf(p->file, "row[v%d] = ", inner);
    print_start(p, tensor);
    fputs(";\n}\n", p->file);
    for (int i = 0; i < tensor->reduction_rank; i++)
        open_loop(p, tensor->rank + i);
    open_loop(p, inner);
    char sum[32];
    snprintf(sum, sizeof sum, "row[v%d]", inner);
    print_combine(p, tensor, sum);
    close_loops(p, 1 + tensor->reduction_rank);
    open_loop(p, inner);
    print_target(p, tensor, place);
    fprintf(p->file, " = row[v%d];\n}\n", inner);
    close_loops(p, tensor->rank - 1);
}

/* Tensors in the middle are in memory of the function's own; numbers are in an array. */
static void print_declarations(struct printer *p, const char *name) {
    for (int i = 0; i < p->definition->tensor_count - 1; i++) {
        const struct tensor *tensor = &p->definition->tensors[i];
        if (tensor->kind == KIND_COMPUTED)
            fprintf(p->file, "static float %s_t%d[%" PRId64 "] __attribute__((aligned(64)));\n",
                    name, i, tensor->layout.elements);
        if (tensor->kind != KIND_LITERAL)
            continue;
        fprintf(p->file, "static const float %s_t%d[] = {", name, i);
        for (int64_t j = 0; j < tensor_elements(tensor); j++) {
            print_number(p, tensor->literal[j]);
            fputs(", ", p->file);
        }
        fputs("};\n", p->file);
    }
}

static void print_pointers(struct printer *p, const char *name) {
    for (int i = 0; i < p->definition->tensor_count - 1; i++) {
        enum kind kind = p->definition->tensors[i].kind;
        if (kind == KIND_COMPUTED)
            fprintf(p->file, "float *restrict t%d = %s_t%d;\n", i, name, i);
        else if (kind == KIND_LITERAL)
            fprintf(p->file, "const float *restrict t%d = %s_t%d;\n", i, name, i);
        else
            fprintf(p->file, "const float *restrict t%d = inputs[%d];\n", i, i);
    }
}

void nest_print(FILE *file, const char *name, const struct definition *definition,
                enum nest_order order) {
    struct printer p = {.file = file, .definition = definition};
    print_declarations(&p, name);
    fprintf(file, "void %s(const float *const *inputs, float *restrict output) {\n(void)inputs;\n",
            name);
    print_pointers(&p, name);
    for (int i = 0; i < definition->tensor_count; i++) {
        const struct tensor *tensor = &definition->tensors[i];
        p.tensor = tensor;
        if (tensor->kind != KIND_COMPUTED)
            continue;
        fputs("{\n", file);
        if (order == NEST_INTERCHANGED && tensor->combiner != COMBINE_NONE && tensor->rank)
            print_interchanged(&p, tensor, i);
        else
            print_as_written(&p, tensor, i);
        fputs("}\n", file);
    }
    fputs("}\n\n", file);
}
