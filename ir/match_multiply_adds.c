/* A product that only one addition uses becomes a multiply-add, rounded once. */
#include "ir/match.h"

static bool reads_variable(const struct matching *m, const struct vector_instruction *instruction) {
    for (int i = 0; i < 3; i++)
        if (instruction->sources[i] != VECTOR_NONE &&
            m->program->values[instruction->sources[i]].is_variable)
            return true;
    return false;
}

/* sum = product + c, product - c, c - product in one. */
static void match_multiply_add(struct matching *m, struct vector_instruction *sum) {
    if (sum->opcode != VECTOR_ADD && sum->opcode != VECTOR_SUBTRACT)
        return;
    for (int s = 0; s < 2; s++) {
        struct vector_instruction *product = match_only_use(m, sum, s);
        int other = sum->sources[1 - s];
        if (!product || product->opcode != VECTOR_MULTIPLY || product->type != sum->type ||
            reads_variable(m, product))
            continue;
        if (sum->opcode == VECTOR_ADD)
            sum->opcode = VECTOR_MULTIPLY_ADD;
        else
            sum->opcode = s == 0 ? VECTOR_MULTIPLY_SUBTRACT : VECTOR_NEGATED_MULTIPLY_ADD;
        sum->sources[0] = product->sources[0];
        sum->sources[1] = product->sources[1];
        sum->sources[2] = other;
        product->opcode = VECTOR_CONSTANT; /* dead from here on: remove_dead_code comes next */
        product->sources[0] = product->sources[1] = VECTOR_NONE;
        m->uses[product->destination].count = 0;
        return;
    }
}

dlt_status match_multiply_adds(struct lowering *lowering) {
    match_program(lowering->vectors, match_multiply_add);
    return DLT_OK;
}
