/* Who reads an input, and where; see in_place.h. */
#include "te/in_place.h"

/* The value of this very axis, nothing added. */
static bool is_axis(const struct affine *index, const struct variable *axis) {
    if (axis->extent == 1)
        return true; /* there is no other element */
    return index->term_count == 1 && index->constant == 0 &&
           index->terms[0].kind == ATOM_VARIABLE && index->terms[0].coefficient == 1 &&
           index->terms[0].variable == axis;
}

/* `axes` NULL: no read is. */
static bool reads_are_own(const struct value *value, const struct tensor *input,
                          const struct variable *const *axes) {
    if (value->operation == OP_READ && value->tensor == input) {
        for (int i = 0; i < input->rank; i++)
            if (!axes || !is_axis(value->subscripts[i], axes[i]))
                return false;
        return axes != NULL;
    }
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        if (!reads_are_own(value->operands[i], input, axes))
            return false;
    return true;
}

bool expression_in_place(const struct expression *expression, const struct tensor *input) {
    const struct tensor *result = expression_result(expression);
    if (input->kind != TENSOR_VARIABLE || result->reduction_rank > 0 ||
        input->type != result->type || input->rank != result->rank ||
        !layout_equal(&input->layout, &result->layout))
        return false;
    for (int i = 0; i < input->rank; i++)
        if (input->axes[i]->extent != result->axes[i]->extent)
            return false;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_COMPUTED &&
            !reads_are_own(tensor->body, input, tensor == result ? tensor->axes : NULL))
            return false;
    }
    return true;
}
