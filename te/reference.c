/* The reference evaluator: the sum of the body over the reduction axes, term by term. See
 * reference.h; reference_stage.c prepares the body, rounding.c carries the error bounds. */
#include "te/reference.h"

#include "base/hash.h"
#include "te/reference_stage.h"
#include "te/rounding.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct reference {
    struct arena arena;
    const struct expression *expression;
    struct stage *stages[MAX_TENSORS]; /* of computed tensors */
    const void *data[MAX_TENSORS];     /* of inputs */
    double epsilon;
    bool out_of_memory;
};

static struct reference_element stage_element(struct reference *reference, struct stage *stage,
                                              int64_t offset);

/* ---- values ---- */

static double load(const void *data, enum data_type type, int64_t offset) {
    switch (type) {
    case TYPE_F32:
        return ((const float *)data)[offset];
    case TYPE_F64:
        return ((const double *)data)[offset];
    case TYPE_S32:
        return ((const int32_t *)data)[offset];
    case TYPE_S8:
        return ((const int8_t *)data)[offset];
    case TYPE_U8:
        return ((const uint8_t *)data)[offset];
    case TYPE_BF16:
        return bf16_value(((const uint16_t *)data)[offset]);
    default:
        return NAN;
    }
}

/* The index in the `run`-th term of the run. */
static int64_t index_value(const struct stage *stage, const struct stage_index *index,
                           int64_t run) {
    return index->steps ? index->base + index->step * run
                        : form_evaluate(index->form, stage->slots);
}

static struct reference_element evaluate(struct reference *reference, const struct stage *stage,
                                         const struct node *node, int64_t run) {
    struct reference_element operands[MAX_OPERANDS];
    int64_t index;
    switch (node->operation) {
    case OP_CONSTANT:
        return node->constant;
    case OP_INDEX:
        return rounding_exact((double)index_value(stage, node->index, run));
    case OP_READ:
        index = index_value(stage, node->index, run);
        if (node->stage)
            return stage_element(reference, node->stage, index);
        return rounding_exact(node->literal
                                  ? data_type_element(node->data_type, node->literal[index])
                                  : load(node->data, node->data_type, index));
    case OP_SELECT:
        for (int i = 0; i < node->condition_count; i++)
            if (index_value(stage, node->conditions[i], run) < 0)
                return evaluate(reference, stage, node->operands[1], run);
        return evaluate(reference, stage, node->operands[0], run);
    default:
        for (int i = 0; i < operations[node->operation].operand_count; i++)
            operands[i] = evaluate(reference, stage, node->operands[i], run);
        return rounding_apply(node->operation, node->weight, reference->epsilon, operands);
    }
}

/* ---- stages ---- */

/* Moves the reduction axes other than the running one to their next values; false after the
 * last. */
static bool next_run(struct stage *stage) {
    for (int i = stage->slot_count - 2; i >= stage->tensor->rank; i--) {
        const struct variable *axis = stage->variables[i];
        if (++stage->slots[i] < axis->minimum + axis->extent)
            return true;
        stage->slots[i] = axis->minimum;
    }
    return false;
}

/* Adds the terms of one run to `total`; `largest` is the largest count of roundings of a term. */
static void add_run(struct reference *reference, struct stage *stage, double weight,
                    struct reference_element *total, double *largest) {
    const struct variable *axis = stage->variables[stage->slot_count - 1];
    enum operation operation = combiners[stage->tensor->combiner].operation;
    int64_t *slot = &stage->slots[stage->slot_count - 1];
    *slot = axis->minimum;
    for (struct stage_index *index = stage->indices; index; index = index->next)
        index->base = form_evaluate(index->form, stage->slots);
    for (int64_t run = 0; run < axis->extent; run++) {
        struct reference_element pair[2];
        *slot = axis->minimum + run;
        pair[0] = *total;
        pair[1] = evaluate(reference, stage, stage->body, run);
        if (pair[1].terms > *largest)
            *largest = pair[1].terms;
        *total = rounding_apply(operation, weight, reference->epsilon, pair);
    }
}

/* What the reduction starts from: the identity, or the old element. */
static struct reference_element start_of(struct reference *reference, struct stage *stage) {
    enum combiner combiner = stage->tensor->combiner;
    if (!stage->start)
        return (struct reference_element){.value = combiners[combiner].identity,
                                          .magnitude = combiner == COMBINE_PRODUCT ? 1 : 0};
    stage->start->index->base = form_evaluate(stage->start->index->form, stage->slots);
    return evaluate(reference, stage, stage->start, 0);
}

/* A sum's terms may be added in any order: each meets at most one rounding for every other. */
static struct reference_element reduce(struct reference *reference, struct stage *stage) {
    const struct tensor *tensor = stage->tensor;
    struct reference_element total;
    double weight = data_types[tensor->type].epsilon / reference->epsilon, largest = 0;
    for (int i = tensor->rank; i < stage->slot_count; i++)
        stage->slots[i] = stage->variables[i]->minimum;
    total = start_of(reference, stage);
    do
        add_run(reference, stage, weight, &total, &largest);
    while (next_run(stage));
    if (tensor->combiner == COMBINE_SUM)
        total.terms = largest + (stage->terms - !stage->start) * weight;
    if (stage->repeats)
        total.terms = rounding_terms_alike(total.terms);
    return total;
}

static struct reference_element stage_compute(struct reference *reference, struct stage *stage,
                                              int64_t offset) {
    const struct tensor *tensor = stage->tensor;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        stage->slots[i] = offset % tensor->axes[i]->extent;
        offset /= tensor->axes[i]->extent;
    }
    if (tensor->combiner != COMBINE_NONE && tensor->reduction_rank)
        return reduce(reference, stage);
    for (struct stage_index *index = stage->indices; index; index = index->next)
        index->base = form_evaluate(index->form, stage->slots);
    return evaluate(reference, stage, stage->body, 0);
}

/* ---- remembering ---- */

static size_t memory_place(const struct memory *memory, int64_t key) {
    size_t place = hash_mix((uint64_t)key) & (memory->capacity - 1);
    while (memory->keys[place] && memory->keys[place] != key)
        place = (place + 1) & (memory->capacity - 1);
    return place;
}

static void memory_free(struct memory *memory) {
    free(memory->keys);
    free(memory->elements);
    memset(memory, 0, sizeof *memory);
}

static bool memory_grow(struct memory *memory) {
    struct memory larger = {.capacity = memory->capacity ? 2 * memory->capacity : 64,
                            .count = memory->count};
    larger.keys = calloc(larger.capacity, sizeof *larger.keys);
    larger.elements = calloc(larger.capacity, sizeof *larger.elements);
    if (!larger.keys || !larger.elements) {
        memory_free(&larger);
        return false;
    }
    for (size_t i = 0; i < memory->capacity; i++)
        if (memory->keys[i]) {
            size_t place = memory_place(&larger, memory->keys[i]);
            larger.keys[place] = memory->keys[i];
            larger.elements[place] = memory->elements[i];
        }
    memory_free(memory);
    *memory = larger;
    return true;
}

/* An element of a computed tensor that another one reads. */
static struct reference_element stage_element(struct reference *reference, struct stage *stage,
                                              int64_t offset) {
    struct memory *memory = &stage->memory;
    struct reference_element element;
    size_t place;
    if (memory->capacity) {
        place = memory_place(memory, offset + 1);
        if (memory->keys[place])
            return memory->elements[place];
    }
    element = stage_compute(reference, stage, offset);
    if (2 * (memory->count + 1) > memory->capacity && !memory_grow(memory)) {
        reference->out_of_memory = true;
        return element;
    }
    place = memory_place(memory, offset + 1);
    memory->keys[place] = offset + 1;
    memory->elements[place] = element;
    memory->count++;
    return element;
}

/* ---- outside ---- */

/* What an integer keeps of a number has no rule yet. */
static dlt_status check_value(const struct value *value, struct error *error) {
    if (value->operation == OP_CONVERT && !data_types[value->type].is_float &&
        data_types[value->operands[0]->type].is_float)
        return error_set(error, DLT_ERROR_REFUSED,
                         "convert: to %s from %s has no reference yet; it may be to a float type",
                         data_types[value->type].name, data_types[value->operands[0]->type].name);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        TRY(check_value(value->operands[i], error));
    return DLT_OK;
}

static dlt_status fill(struct reference *reference, const void *const *inputs,
                       struct error *error) {
    const struct expression *expression = reference->expression;
    enum data_type type = expression_result(expression)->type;
    int input = 0, last = expression->tensor_count - 1;
    bool accumulates = expression_accumulates(expression);
    if (arena_recover(&reference->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    reference->epsilon = data_types[data_types[type].is_float ? type : TYPE_F32].epsilon;
    for (int i = 0; i <= last; i++) {
        const struct tensor *tensor = expression->tensors[i];
        bool computed = tensor->kind == TENSOR_COMPUTED;
        if (!computed || (i == last && accumulates)) {
            reference->data[i] = inputs[input++];
            if (!reference->data[i] && tensor->kind != TENSOR_LITERAL)
                return error_set(error, DLT_ERROR_ARGUMENT, "%s: no data given for %s",
                                 tensor->name, computed ? "what it held before" : "this input");
        }
        if (computed) {
            TRY(check_value(tensor->body, error));
            reference->stages[i] = stage_translate(&reference->arena, expression, tensor,
                                                   reference->stages, reference->data);
        }
    }
    return DLT_OK;
}

dlt_status reference_create(const struct expression *expression, const void *const *inputs,
                            struct reference **reference, struct error *error) {
    struct reference *made;
    dlt_status status;
    *reference = NULL;
    TRY(expression_check(expression, error));
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    arena_initialise(&made->arena);
    made->expression = expression;
    status = fill(made, inputs, error);
    made->arena.recoverable = false; /* fill's frame is gone */
    if (status == DLT_OK)
        *reference = made;
    else
        reference_free(made);
    return status;
}

dlt_status reference_evaluate(struct reference *reference, const int64_t *subscripts,
                              struct reference_element *element, struct error *error) {
    const struct tensor *result = expression_result(reference->expression);
    int64_t offset = 0;
    for (int i = 0; i < result->rank; i++) {
        int64_t extent = result->axes[i]->extent;
        if (subscripts[i] < 0 || subscripts[i] >= extent)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s: subscript %s is %" PRId64 ", not a number from 0 to %" PRId64,
                             result->name, result->axes[i]->name, subscripts[i], extent - 1);
        offset = offset * extent + subscripts[i];
    }
    *element = stage_compute(reference, reference->stages[reference->expression->tensor_count - 1],
                             offset);
    if (!reference->out_of_memory)
        return DLT_OK;
    reference->out_of_memory = false;
    return error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

double reference_cost(const struct reference *reference) {
    return reference->stages[reference->expression->tensor_count - 1]->cost;
}

void reference_free(struct reference *reference) {
    if (!reference)
        return;
    for (int i = 0; i < MAX_TENSORS; i++)
        if (reference->stages[i])
            memory_free(&reference->stages[i]->memory);
    arena_free(&reference->arena);
    free(reference);
}
