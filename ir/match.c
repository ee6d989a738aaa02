/* Instruction matching: two operations that the machine has as one.
 *
 * A product that only one addition uses becomes a multiply-add, rounded once. A load of a full
 * vector that only one operation uses becomes its memory operand. Broadcasts stay loads of their
 * own: a register that several operations share measures faster than an operand that each repeats.
 */
#include "ir/passes.h"

struct use {
    int count;
    struct vector_instruction *definition; /* if assigned once, in the block being matched */
};

struct matching {
    struct vector_program *program;
    struct use *uses;
};

static void count_uses(struct matching *m, const struct vector_block *block) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        const struct vector_instruction *instruction = item->instruction;
        if (item->block) {
            count_uses(m, item->block);
            continue;
        }
        for (int i = 0; i < 3; i++)
            if (instruction->sources[i] != VECTOR_NONE)
                m->uses[instruction->sources[i]].count++;
        if (instruction->mask != VECTOR_NONE)
            m->uses[instruction->mask].count++;
    }
}

/* The instruction of this block that computes source `s`, if nothing else uses it. */
static struct vector_instruction *only_use(const struct matching *m,
                                           const struct vector_instruction *instruction, int s) {
    int value = instruction->sources[s];
    if (value == VECTOR_NONE || m->program->values[value].is_variable || m->uses[value].count != 1)
        return NULL;
    return m->uses[value].definition;
}

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
        struct vector_instruction *product = only_use(m, sum, s);
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
        product->opcode = VECTOR_MOVE; /* dead from here on: the pass after removes it */
        product->sources[0] = product->sources[1] = VECTOR_NONE;
        m->uses[product->destination].count = 0;
        return;
    }
}

static bool takes_memory(enum vector_opcode opcode, int source) {
    switch (opcode) {
    case VECTOR_ADD:
    case VECTOR_MULTIPLY:
    case VECTOR_SUBTRACT:
    case VECTOR_DIVIDE:
    case VECTOR_MINIMUM:
    case VECTOR_MAXIMUM:
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
        struct vector_instruction *load = only_use(m, instruction, 0);
        if (load && load->opcode == VECTOR_LOAD && instruction->sources[1] != VECTOR_NONE) {
            int first = instruction->sources[0];
            instruction->sources[0] = instruction->sources[1];
            instruction->sources[1] = first;
        }
    }
    for (int s = 0; s < 3; s++) {
        struct vector_instruction *load = only_use(m, instruction, s);
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

typedef void matcher(struct matching *m, struct vector_instruction *instruction);

static void match_block(struct matching *m, struct vector_block *block, matcher *match) {
    for (struct vector_item *item = block->first; item; item = item->next)
        if (item->block)
            match_block(m, item->block, match);
    /* Only definitions of this block: nothing is moved into a loop. */
    for (struct vector_item *item = block->first; item; item = item->next) {
        struct vector_instruction *instruction = item->instruction;
        if (!instruction || instruction->destination == VECTOR_NONE)
            continue;
        match(m, instruction);
        m->uses[instruction->destination].definition = instruction;
    }
    for (struct vector_item *item = block->first; item; item = item->next)
        if (item->instruction && item->instruction->destination != VECTOR_NONE)
            m->uses[item->instruction->destination].definition = NULL;
}

static void match_program(struct vector_program *vectors, matcher *match) {
    struct matching m = {.program = vectors};
    m.uses = ARENA_ARRAY(vectors->arena, struct use, vectors->value_count);
    count_uses(&m, vectors->top);
    match_block(&m, vectors->top, match);
}

void match_multiply_adds(struct vector_program *vectors) {
    match_program(vectors, match_multiply_add);
}

void match_operands(struct vector_program *vectors) {
    match_program(vectors, match_memory);
}
