/* Finding what a result reads; see live.h. */
#include "te/live.h"

static void mark_reads(const struct expression *expression, const struct value *value,
                       bool *is_read) {
    for (int i = 0; value->operation == OP_READ && i < expression->tensor_count; i++)
        is_read[i] |= expression->tensors[i] == value->tensor;
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        mark_reads(expression, value->operands[i], is_read);
}

/* Readers come after what they read: one walk from the end. */
const struct expression *expression_live(struct arena *arena, const struct expression *expression) {
    bool is_read[MAX_TENSORS] = {false};
    struct expression *made;
    is_read[expression->tensor_count - 1] = true;
    for (int i = expression->tensor_count - 1; i >= 0; i--) {
        if (expression->tensors[i]->kind != TENSOR_COMPUTED)
            is_read[i] = true;
        else if (is_read[i])
            mark_reads(expression, expression->tensors[i]->body, is_read);
    }
    made = expression_create(arena);
    made->next_variable_id = expression->next_variable_id;
    for (int i = 0; i < expression->tensor_count; i++)
        if (is_read[i])
            made->tensors[made->tensor_count++] = expression->tensors[i];
    return made->tensor_count == expression->tensor_count ? expression : made;
}
