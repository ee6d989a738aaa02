/* Instructions whose result nobody uses go, and what only they used goes with them. */
#include "ir/passes.h"

static void add_uses(const struct vector_instruction *instruction, int *uses, int change) {
    for (int i = 0; i < 3; i++)
        if (instruction->sources[i] != VECTOR_NONE)
            uses[instruction->sources[i]] += change;
    if (instruction->mask != VECTOR_NONE)
        uses[instruction->mask] += change;
}

static void count_block(const struct vector_block *block, int *uses) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            count_block(item->block, uses);
        else
            add_uses(item->instruction, uses, 1);
    }
}

static bool remove_from(struct vector_block *block, int *uses) {
    struct vector_item **link = &block->first, *item;
    bool changed = false;
    block->last = NULL;
    while ((item = *link)) {
        bool dead;
        if (item->block) {
            changed |= remove_from(item->block, uses);
            dead = item->block->first == NULL;
        } else {
            dead = vector_operations[item->instruction->opcode].has_destination &&
                   uses[item->instruction->destination] == 0;
            if (dead)
                add_uses(item->instruction, uses, -1);
        }
        if (dead) {
            *link = item->next;
            changed = true;
        } else {
            block->last = item;
            link = &item->next;
        }
    }
    return changed;
}

dlt_status remove_dead_code(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    int *uses = ARENA_ARRAY(vectors->arena, int, vectors->value_count);
    count_block(vectors->top, uses);
    while (remove_from(vectors->top, uses))
        ;
    return DLT_OK;
}
