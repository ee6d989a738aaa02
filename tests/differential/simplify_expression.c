/* Simpler expressions, to find the smallest that still goes wrong: a part of a body becomes one of
 * its operands or a number, an extent shrinks, the last stages or tensors nobody reads are left
 * out. */
#include "draw.h"

#include <stdio.h>
#include <string.h>

/* How a body is copied. */
struct change {
    struct definition *d;
    int number;  /* of the part to replace, counted on the way; below 0: none */
    int variant; /* by which operand; MOST_OPERANDS: by 1 */
    int dropped; /* a tensor that goes; below 0: none */
    bool failed;
};

static const struct value *copy(struct change *change, const struct value *value) {
    struct value *made;
    if (!value)
        return NULL;
    if (change->number-- == 0) {
        if (change->variant == MOST_OPERANDS && value->operation != VALUE_CONSTANT)
            return value_constant(change->d, 1);
        if (change->variant < MOST_OPERANDS && value->operands[change->variant])
            return copy(change, value->operands[change->variant]);
        change->failed = true;
    }
    made = definition_allocate(change->d, sizeof *made);
    *made = *value;
    if (value->operation == VALUE_READ) {
        change->failed |= value->tensor == change->dropped;
        made->tensor -= change->dropped >= 0 && value->tensor > change->dropped;
    }
    for (int i = 0; i < MOST_OPERANDS; i++)
        made->operands[i] = copy(change, value->operands[i]);
    return made;
}

static int parts(const struct value *value) {
    int count = value != NULL;
    for (int i = 0; value && i < MOST_OPERANDS; i++)
        count += parts(value->operands[i]);
    return count;
}

/* Ends with an earlier stage. */
static bool end_earlier(struct definition *d, int index) {
    if (index >= d->tensor_count - 1 || d->tensors[index].kind != KIND_COMPUTED)
        return false;
    d->tensor_count = index + 1;
    d->uses_previous = false;
    return true;
}

static bool drop(struct definition *d, int index) {
    if (index >= d->tensor_count - 1)
        return false;
    for (int i = index + 1; i < d->tensor_count; i++) {
        struct change change = {.d = d, .number = -1, .dropped = index};
        if (d->tensors[i].body)
            d->tensors[i].body = copy(&change, d->tensors[i].body);
        if (change.failed)
            return false;
    }
    memmove(&d->tensors[index], &d->tensors[index + 1],
            (size_t)(d->tensor_count - index - 1) * sizeof d->tensors[0]);
    d->tensor_count--;
    return true;
}

static bool make_plain(struct definition *d, int index) {
    struct tensor *tensor = &d->tensors[index];
    if (index >= d->tensor_count || (!tensor->has_layout && !tensor->accumulate))
        return false;
    tensor->accumulate = false;
    tensor->has_layout = false;
    layout_plain(&tensor->layout, tensor);
    return true;
}

static bool shrink_axis(struct definition *d, int index) {
    struct tensor *tensor = &d->tensors[index / (2 * MOST_SLOTS)];
    int axis = index / 2 % MOST_SLOTS;
    int64_t *extent = &tensor->axes[axis].extent;
    if (index / (2 * MOST_SLOTS) >= d->tensor_count || tensor->has_layout ||
        tensor->kind == KIND_LITERAL || axis >= tensor->rank + tensor->reduction_rank ||
        *extent == 1)
        return false;
    *extent = index % 2 ? *extent - 1 : (*extent + 1) / 2;
    layout_plain(&tensor->layout, tensor);
    return true;
}

static bool simplify_body(struct definition *d, int index) {
    struct change change = {.d = d, .dropped = -1, .variant = index % (MOST_OPERANDS + 1)};
    int number = index / (MOST_OPERANDS + 1);
    for (int i = 0; i < d->tensor_count; i++) {
        int count = parts(d->tensors[i].body);
        if (number < count) {
            change.number = number;
            d->tensors[i].body = copy(&change, d->tensors[i].body);
            return !change.failed;
        }
        number -= count;
    }
    return false;
}

bool simplify_expression(const struct definition *definition, int index,
                         struct definition *simpler) {
    enum {
        AXES = 2 * MOST_SLOTS * MOST_TENSORS,
        BODIES = 400 * (MOST_OPERANDS + 1),
    };
    *simpler = *definition;
    if (index < MOST_TENSORS)
        return end_earlier(simpler, index) || (*simpler = *definition, true);
    index -= MOST_TENSORS;
    if (index < MOST_TENSORS)
        return drop(simpler, index) || (*simpler = *definition, true);
    index -= MOST_TENSORS;
    if (index < MOST_TENSORS)
        return make_plain(simpler, index) || (*simpler = *definition, true);
    index -= MOST_TENSORS;
    if (index < BODIES)
        return simplify_body(simpler, index) || (*simpler = *definition, true);
    index -= BODIES;
    if (index < AXES)
        return shrink_axis(simpler, index) || (*simpler = *definition, true);
    return false;
}

bool expression_workload(struct definition *definition) {
    static char text[MOST_TEXT];
    return definition_text(definition, "; ", text, sizeof text) &&
           snprintf(definition->workload, sizeof definition->workload, "expression text=\"%s\"",
                    text) < (int)sizeof definition->workload;
}
