/* Which tensors follow from parameters alone; see ahead.h. */
#include "te/ahead.h"

static bool reads_any(const struct value *value, const struct expression *expression,
                      const bool *wanted) {
    for (int i = 0; value->operation == OP_READ && i < expression->tensor_count; i++)
        if (expression->tensors[i] == value->tensor && wanted[i])
            return true;
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        if (reads_any(value->operands[i], expression, wanted))
            return true;
    return false;
}

void expression_find_ahead(const struct expression *expression, bool *ahead) {
    bool varies[MAX_TENSORS] = {false}, packs = expression_has_parameters(expression);
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        bool computed = tensor->kind == TENSOR_COMPUTED;
        varies[i] = computed ? reads_any(tensor->body, expression, varies)
                             : tensor->kind == TENSOR_VARIABLE;
        ahead[i] = packs && computed && !varies[i] && tensor != expression_result(expression);
    }
}
