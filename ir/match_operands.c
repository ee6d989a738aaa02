/* A load of a full vector that only one operation uses becomes its memory operand. Broadcasts stay
 * loads of their own: a register that several operations share measures faster than an operand that
 * each repeats. */
#include "ir/match.h"

static bool takes_memory(enum vector_opcode opcode, int source) {
    switch (opcode) {
    case VECTOR_ADD:
    case VECTOR_MULTIPLY:
    case VECTOR_SUBTRACT:
    case VECTOR_DIVIDE:
    case VECTOR_MINIMUM:
    case VECTOR_MAXIMUM:
    case VECTOR_MINIMUM_OR_NAN:
    case VECTOR_MAXIMUM_OR_NAN:
    case VECTOR_PICK_ALTERNATE:
        return source == 1;
    case VECTOR_MULTIPLY_ADD:
    case VECTOR_MULTIPLY_SUBTRACT:
    case VECTOR_NEGATED_MULTIPLY_ADD:
        return source == 1;
    default:
        return false;
    }
}

static void match_memory(struct matching *m, struct vector_instruction *instruction) {
    if (instruction->mask != VECTOR_NONE)
        return;
    if (vector_operations[instruction->opcode].commutes ||
        instruction->opcode == VECTOR_MULTIPLY_ADD ||
        instruction->opcode == VECTOR_NEGATED_MULTIPLY_ADD ||
        instruction->opcode == VECTOR_MULTIPLY_SUBTRACT) {
        struct vector_instruction *load = match_only_use(m, instruction, 0);
        if (load && load->opcode == VECTOR_LOAD && instruction->sources[1] != VECTOR_NONE) {
            int first = instruction->sources[0];
            instruction->sources[0] = instruction->sources[1];
            instruction->sources[1] = first;
        }
    }
    for (int s = 0; s < 3; s++) {
        struct vector_instruction *load = match_only_use(m, instruction, s);
        if (!load || load->opcode != VECTOR_LOAD || load->mask != VECTOR_NONE ||
            load->type != instruction->type || !takes_memory(instruction->opcode, s))
            continue;
        instruction->address = load->address;
        instruction->memory_source = s;
        m->uses[instruction->sources[s]].count = 0;
        instruction->sources[s] = VECTOR_NONE;
        return;
    }
}

dlt_status match_operands(struct lowering *lowering) {
    match_program(lowering->vectors, match_memory);
    return DLT_OK;
}
