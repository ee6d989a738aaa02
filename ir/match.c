/* Matching instructions; see match.h. */
#include "ir/match.h"

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

struct vector_instruction *match_only_use(const struct matching *m,
                                          const struct vector_instruction *instruction, int s) {
    int value = instruction->sources[s];
    if (value == VECTOR_NONE || m->program->values[value].is_variable || m->uses[value].count != 1)
        return NULL;
    return m->uses[value].definition;
}

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

void match_program(struct vector_program *vectors, matcher *match) {
    struct matching m = {.program = vectors};
    m.uses = ARENA_ARRAY(vectors->arena, struct use, vectors->value_count);
    count_uses(&m, vectors->top);
    match_block(&m, vectors->top, match);
}
