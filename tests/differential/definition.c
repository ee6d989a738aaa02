/* Building definitions; see definition.h. */
#include "definition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POOL_BYTES = 1 << 20,
};

void definition_initialise(struct definition *definition) {
    memset(definition, 0, sizeof *definition);
    definition->pool_size = POOL_BYTES;
    definition->pool = malloc(POOL_BYTES);
}

void definition_clear(struct definition *definition) {
    definition->tensor_count = 0;
    definition->uses_previous = false;
    definition->workload[0] = 0;
    definition->pool_used = 0;
}

void definition_free(struct definition *definition) {
    free(definition->pool);
}

void *definition_allocate(struct definition *definition, size_t bytes) {
    void *memory = definition->pool + definition->pool_used;
    bytes = (bytes + 15) / 16 * 16;
    if (!definition->pool || definition->pool_used + bytes > definition->pool_size) {
        fprintf(stderr, "differential: a case needs more than %d bytes\n", POOL_BYTES);
        exit(2);
    }
    definition->pool_used += bytes;
    return memset(memory, 0, bytes);
}

const struct tensor *definition_result(const struct definition *definition) {
    return &definition->tensors[definition->tensor_count - 1];
}

bool definition_accumulates(const struct definition *definition) {
    return definition->uses_previous || definition_result(definition)->accumulate;
}

int64_t tensor_elements(const struct tensor *tensor) {
    int64_t elements = 1;
    for (int i = 0; i < tensor->rank; i++)
        elements *= tensor->axes[i].extent;
    return elements;
}

double tensor_terms(const struct tensor *tensor) {
    double terms = 1;
    for (int i = 0; i < tensor->rank + tensor->reduction_rank; i++)
        terms *= (double)tensor->axes[i].extent;
    return terms;
}

double definition_terms(const struct definition *definition) {
    double terms = 0;
    for (int i = 0; i < definition->tensor_count; i++)
        terms += tensor_terms(&definition->tensors[i]);
    return terms;
}

struct axis make_axis(const char *name, int64_t extent) {
    struct axis axis = {.extent = extent};
    snprintf(axis.name, sizeof axis.name, "%s", name);
    return axis;
}

int add_tensor(struct definition *definition, enum kind kind, const char *name, int rank,
               const struct axis *axes) {
    struct tensor *tensor = &definition->tensors[definition->tensor_count];
    memset(tensor, 0, sizeof *tensor);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->kind = kind;
    tensor->rank = rank;
    memcpy(tensor->axes, axes, (size_t)rank * sizeof *axes);
    layout_plain(&tensor->layout, tensor);
    return definition->tensor_count++;
}

/* ---- indices ---- */

static struct index *new_index(struct definition *d, enum index_kind kind) {
    struct index *index = definition_allocate(d, sizeof *index);
    index->kind = kind;
    return index;
}

const struct index *index_constant(struct definition *d, int64_t constant) {
    struct index *index = new_index(d, INDEX_CONSTANT);
    index->constant = constant;
    return index;
}

const struct index *index_axis(struct definition *d, int axis) {
    struct index *index = new_index(d, INDEX_AXIS);
    index->axis = axis;
    return index;
}

const struct index *index_sum(struct definition *d, const struct index *a, const struct index *b) {
    struct index *index = new_index(d, INDEX_SUM);
    index->a = a;
    index->b = b;
    return index;
}

const struct index *index_add(struct definition *d, const struct index *a, int64_t constant) {
    return constant ? index_sum(d, a, index_constant(d, constant)) : a;
}

const struct index *index_with(struct definition *d, enum index_kind kind, const struct index *a,
                               int64_t constant) {
    struct index *index = new_index(d, kind);
    index->a = a;
    index->constant = constant;
    return index;
}

static int64_t divide_down(int64_t a, int64_t by) {
    int64_t quotient = a / by;
    return a % by < 0 ? quotient - 1 : quotient;
}

int64_t index_evaluate(const struct index *index, const int64_t *slots) {
    int64_t a;
    switch (index->kind) {
    case INDEX_CONSTANT:
        return index->constant;
    case INDEX_AXIS:
        return slots[index->axis];
    case INDEX_SUM:
        return index_evaluate(index->a, slots) + index_evaluate(index->b, slots);
    case INDEX_SCALED:
        return index_evaluate(index->a, slots) * index->constant;
    case INDEX_DIVIDED:
        return divide_down(index_evaluate(index->a, slots), index->constant);
    case INDEX_REMAINDER:
        a = index_evaluate(index->a, slots);
        return a - divide_down(a, index->constant) * index->constant;
    default:
        a = index_evaluate(index->a, slots);
        return a < index->constant ? a : index->constant;
    }
}

void index_range(const struct index *index, const struct tensor *tensor, int64_t *lowest,
                 int64_t *highest) {
    int64_t low = 0, high = 0;
    if (index->a)
        index_range(index->a, tensor, lowest, highest);
    switch (index->kind) {
    case INDEX_CONSTANT:
        *lowest = *highest = index->constant;
        break;
    case INDEX_AXIS:
        *lowest = 0;
        *highest = tensor->axes[index->axis].extent - 1;
        break;
    case INDEX_SUM:
        index_range(index->b, tensor, &low, &high);
        *lowest += low;
        *highest += high;
        break;
    case INDEX_SCALED:
        low = *lowest * index->constant;
        high = *highest * index->constant;
        *lowest = low < high ? low : high;
        *highest = low < high ? high : low;
        break;
    case INDEX_DIVIDED:
        *lowest = divide_down(*lowest, index->constant);
        *highest = divide_down(*highest, index->constant);
        break;
    case INDEX_REMAINDER:
        if (*lowest < 0 || *highest >= index->constant) {
            *lowest = 0;
            *highest = index->constant - 1;
        }
        break;
    case INDEX_MINIMUM:
        *lowest = *lowest < index->constant ? *lowest : index->constant;
        *highest = *highest < index->constant ? *highest : index->constant;
        break;
    }
}

/* ---- values ---- */

static struct value *new_value(struct definition *d, enum operation operation) {
    struct value *value = definition_allocate(d, sizeof *value);
    value->operation = operation;
    return value;
}

const struct value *value_constant(struct definition *d, float constant) {
    struct value *value = new_value(d, VALUE_CONSTANT);
    value->constant = constant;
    return value;
}

const struct value *value_index(struct definition *d, const struct index *index) {
    struct value *value = new_value(d, VALUE_INDEX);
    value->index = index;
    return value;
}

const struct value *value_read(struct definition *d, int tensor,
                               const struct index *const *subscripts) {
    struct value *value = new_value(d, VALUE_READ);
    size_t bytes = (size_t)d->tensors[tensor].rank * sizeof *subscripts;
    value->tensor = tensor;
    value->subscripts = definition_allocate(d, bytes);
    if (bytes)
        memcpy(value->subscripts, subscripts, bytes);
    return value;
}

const struct value *value_apply(struct definition *d, enum operation operation,
                                const struct value *a, const struct value *b) {
    struct value *value = new_value(d, operation);
    value->operands[0] = a;
    value->operands[1] = b;
    if (operation == VALUE_PREVIOUS)
        d->uses_previous = true;
    return value;
}

const struct value *value_select(struct definition *d, int count,
                                 const struct condition *conditions, const struct value *yes,
                                 const struct value *no) {
    struct value *value = new_value(d, VALUE_SELECT);
    struct condition *copy = definition_allocate(d, (size_t)count * sizeof *copy);
    memcpy(copy, conditions, (size_t)count * sizeof *copy);
    value->condition_count = count;
    value->conditions = copy;
    value->operands[0] = yes;
    value->operands[1] = no;
    return value;
}

const struct value *value_select_less(struct definition *d, const struct value *a,
                                      const struct value *b, const struct value *yes,
                                      const struct value *no) {
    struct value *value = new_value(d, VALUE_SELECT_LESS);
    value->operands[0] = a;
    value->operands[1] = b;
    value->operands[2] = yes;
    value->operands[3] = no;
    return value;
}
