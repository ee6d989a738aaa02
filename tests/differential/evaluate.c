/* Evaluates a definition by walking its trees, element by element; see evaluate.h. */
#include "evaluate.h"

#include "rounding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The elements of a computed tensor that were asked for. */
struct memory {
    struct element *elements;
    unsigned char *known;
};

struct evaluator {
    const struct definition *definition;
    const float *inputs[MOST_TENSORS];
    const float *previous;
    struct memory memories[MOST_TENSORS];
};

static struct element tensor_element(struct evaluator *evaluator, int place,
                                     const int64_t *subscripts);

static int64_t plain_offset(const struct tensor *tensor, const int64_t *subscripts) {
    int64_t offset = 0;
    for (int i = 0; i < tensor->rank; i++)
        offset = offset * tensor->axes[i].extent + subscripts[i];
    return offset;
}

static double previous_value(const struct evaluator *evaluator, const int64_t *slots) {
    const struct tensor *result = definition_result(evaluator->definition);
    return (double)evaluator->previous[layout_offset(&result->layout, slots)];
}

static struct element read_element(struct evaluator *evaluator, const struct value *value,
                                   const int64_t *slots) {
    const struct tensor *tensor = &evaluator->definition->tensors[value->tensor];
    int64_t subscripts[MOST_SLOTS];
    for (int i = 0; i < tensor->rank; i++)
        subscripts[i] = index_evaluate(value->subscripts[i], slots);
    if (tensor->kind == KIND_COMPUTED)
        return tensor_element(evaluator, value->tensor, subscripts);
    if (tensor->kind == KIND_LITERAL)
        return element_exact((double)tensor->literal[plain_offset(tensor, subscripts)]);
    return element_exact(
        (double)evaluator->inputs[value->tensor][layout_offset(&tensor->layout, subscripts)]);
}

static bool all_hold(const struct value *value, const int64_t *slots) {
    for (int i = 0; i < value->condition_count; i++) {
        int64_t index = index_evaluate(value->conditions[i].index, slots);
        if (index < value->conditions[i].lowest || index > value->conditions[i].highest)
            return false;
    }
    return true;
}

static struct element evaluate(struct evaluator *evaluator, const struct value *value,
                               const int64_t *slots) {
    struct element operands[MOST_OPERANDS];
    switch (value->operation) {
    case VALUE_CONSTANT:
        return element_exact((double)value->constant);
    case VALUE_INDEX:
        return element_exact((double)index_evaluate(value->index, slots));
    case VALUE_PREVIOUS:
        return element_exact(previous_value(evaluator, slots));
    case VALUE_READ:
        return read_element(evaluator, value, slots);
    case VALUE_SELECT:
        if (all_hold(value, slots))
            return evaluate(evaluator, value->operands[0], slots);
        operands[0] = evaluate(evaluator, value->operands[1], slots);
        operands[0].padding = operands[0].value == 0 && operands[0].error == 0;
        return operands[0];
    default:
        for (int i = 0; i < MOST_OPERANDS && value->operands[i]; i++) {
            operands[i] = evaluate(evaluator, value->operands[i], slots);
            if (operands[i].free)
                return (struct element){.free = true};
        }
        return element_apply(value->operation, operands);
    }
}

/* The next values of the reduction axes; false after the last. */
static bool next_term(const struct tensor *tensor, int64_t *slots) {
    for (int i = tensor->rank + tensor->reduction_rank - 1; i >= tensor->rank; i--) {
        if (++slots[i] < tensor->axes[i].extent)
            return true;
        slots[i] = 0;
    }
    return false;
}

static struct element sum_terms(struct evaluator *evaluator, const struct tensor *tensor,
                                int64_t *slots) {
    double sum = 0, magnitude = 0, error = 0, count = 0;
    if (tensor->accumulate) {
        sum = previous_value(evaluator, slots);
        magnitude = fabs(sum);
        count = 1;
    }
    do {
        struct element term = evaluate(evaluator, tensor->body, slots);
        if (term.free)
            return (struct element){.free = true};
        sum += term.value;
        magnitude += fabs(term.value);
        error += term.error;
        count++;
    } while (next_term(tensor, slots));
    return element_of_sum(sum, magnitude, error, count);
}

static struct element combine_terms(struct evaluator *evaluator, const struct tensor *tensor,
                                    int64_t *slots) {
    static const enum operation operations[] = {[COMBINE_PRODUCT] = VALUE_MULTIPLY,
                                                [COMBINE_MAXIMUM] = VALUE_MAXIMUM,
                                                [COMBINE_MINIMUM] = VALUE_MINIMUM};
    static const double identities[] = {
        [COMBINE_PRODUCT] = 1, [COMBINE_MAXIMUM] = -INFINITY, [COMBINE_MINIMUM] = INFINITY};
    struct element pair[2];
    pair[0] = element_exact(tensor->accumulate ? previous_value(evaluator, slots)
                                               : identities[tensor->combiner]);
    do {
        pair[1] = evaluate(evaluator, tensor->body, slots);
        if (pair[1].free)
            return pair[1];
        pair[0] = element_apply(operations[tensor->combiner], pair);
        if (pair[0].free)
            return pair[0];
    } while (next_term(tensor, slots));
    return pair[0];
}

static struct element compute(struct evaluator *evaluator, const struct tensor *tensor,
                              const int64_t *subscripts) {
    int64_t slots[MOST_SLOTS] = {0};
    struct element element;
    memcpy(slots, subscripts, (size_t)tensor->rank * sizeof *slots);
    if (tensor->combiner == COMBINE_NONE)
        element = evaluate(evaluator, tensor->body, slots);
    else if (tensor->combiner == COMBINE_SUM)
        element = sum_terms(evaluator, tensor, slots);
    else
        element = combine_terms(evaluator, tensor, slots);
    element.padding = false;
    return element;
}

static struct element tensor_element(struct evaluator *evaluator, int place,
                                     const int64_t *subscripts) {
    const struct tensor *tensor = &evaluator->definition->tensors[place];
    struct memory *memory = &evaluator->memories[place];
    int64_t offset = plain_offset(tensor, subscripts);
    if (!memory->known[offset]) {
        memory->elements[offset] = compute(evaluator, tensor, subscripts);
        memory->known[offset] = 1;
    }
    return memory->elements[offset];
}

struct element evaluator_element(struct evaluator *evaluator, const int64_t *subscripts) {
    return tensor_element(evaluator, evaluator->definition->tensor_count - 1, subscripts);
}

struct evaluator *evaluator_create(const struct definition *definition, const float *const *inputs,
                                   const float *previous) {
    struct evaluator *evaluator = calloc(1, sizeof *evaluator);
    if (!evaluator)
        return NULL;
    evaluator->definition = definition;
    evaluator->previous = previous;
    for (int i = 0; i < definition->tensor_count; i++) {
        const struct tensor *tensor = &definition->tensors[i];
        struct memory *memory = &evaluator->memories[i];
        size_t count = (size_t)tensor_elements(tensor);
        evaluator->inputs[i] = inputs[i];
        if (tensor->kind != KIND_COMPUTED)
            continue;
        memory->elements = malloc(count * sizeof *memory->elements);
        memory->known = calloc(count, 1);
        if (!memory->elements || !memory->known) {
            evaluator_free(evaluator);
            return NULL;
        }
    }
    return evaluator;
}

void evaluator_free(struct evaluator *evaluator) {
    for (int i = 0; evaluator && i < MOST_TENSORS; i++) {
        free(evaluator->memories[i].elements);
        free(evaluator->memories[i].known);
    }
    free(evaluator);
}
