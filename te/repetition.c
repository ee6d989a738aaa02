/* Counting the different terms of a reduction; see repetition.h. */
#include "te/repetition.h"

/* All axes of the tensor but those that it reduces stand still. */
static bool range_of_reduced(const void *context, const struct variable *variable, int64_t *lowest,
                             int64_t *highest) {
    const struct tensor *tensor = context;
    for (int i = 0; i < tensor->reduction_rank; i++)
        if (tensor->reduction_axes[i] == variable)
            return false;
    *lowest = *highest = variable->minimum;
    return true;
}

static double count_different(const struct tensor *tensor, const struct affine *index) {
    int64_t lowest, highest;
    double trips = 1, range;
    for (int i = 0; i < tensor->reduction_rank; i++)
        if (affine_uses(index, tensor->reduction_axes[i]))
            trips *= (double)tensor->reduction_axes[i]->extent;
    affine_range_with(index, range_of_reduced, tensor, &lowest, &highest);
    range = (double)highest - (double)lowest + 1;
    return trips < range ? trips : range;
}

static double count_different_values(const struct tensor *tensor, const struct value *value) {
    double count = 1;
    if (value->operation == OP_INDEX)
        return count_different(tensor, value->index);
    if (value->operation == OP_READ && value->tensor->kind != TENSOR_LITERAL)
        for (int i = 0; i < value->tensor->rank; i++)
            count *= count_different(tensor, value->subscripts[i]);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        count *= count_different_values(tensor, value->operands[i]);
    return count;
}

bool reduction_repeats_terms(const struct tensor *tensor) {
    double trips = 1;
    if (tensor->combiner != COMBINE_SUM && tensor->combiner != COMBINE_PRODUCT)
        return false;
    for (int i = 0; i < tensor->reduction_rank; i++)
        trips *= (double)tensor->reduction_axes[i]->extent;
    return count_different_values(tensor, tensor->body) < trips;
}
