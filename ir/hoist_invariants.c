/* Hoisting: what is the same in every trip of a loop is computed in front of it.
 *
 * Blocks are visited from the inside out, so a value leaves as many loops as it can. A load leaves
 * only a loop that surely makes a trip: elsewhere its address need not exist. */
#include "ir/passes.h"

struct hoisting {
    struct vector_program *program;
    struct vector_block **home; /* of each value: the block that computes it */
};

static void find_homes(struct hoisting *h, struct vector_block *block) {
    for (struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            find_homes(h, item->block);
        else if (item->instruction->destination != VECTOR_NONE)
            h->home[item->instruction->destination] = block;
    }
}

static bool is_outside(const struct hoisting *h, int value, const struct vector_block *block) {
    if (value == VECTOR_NONE)
        return true;
    if (h->program->values[value].is_variable)
        return false;
    for (const struct vector_block *outer = block->parent; outer; outer = outer->parent)
        if (h->home[value] == outer)
            return true;
    return false;
}

static bool is_invariant(const struct hoisting *h, const struct vector_instruction *instruction,
                         const struct vector_block *block) {
    const struct vector_operation_info *operation = &vector_operations[instruction->opcode];
    if (!operation->has_destination || operation->writes_memory ||
        h->program->values[instruction->destination].is_variable)
        return false;
    if (operation->reads_memory && (block->begin.is_word || block->end.is_word))
        return false;
    for (int i = 0; i < instruction->address.term_count; i++)
        if (instruction->address.terms[i].counter == block->counter)
            return false;
    for (int i = 0; i < 3; i++)
        if (!is_outside(h, instruction->sources[i], block))
            return false;
    return is_outside(h, instruction->mask, block);
}

/* Moves what is invariant from `block` in front of it. `link` is where its parent holds it. */
static struct vector_item **hoist_from(struct hoisting *h, struct vector_item **link) {
    struct vector_block *block = (*link)->block;
    struct vector_item **inner = &block->first, *item;
    block->last = NULL;
    while ((item = *inner)) {
        if (item->instruction && is_invariant(h, item->instruction, block)) {
            *inner = item->next;
            item->next = *link;
            *link = item;
            link = &item->next;
            h->home[item->instruction->destination] = block->parent;
        } else {
            block->last = item;
            inner = &item->next;
        }
    }
    return link;
}

static void hoist_block(struct hoisting *h, struct vector_block *block) {
    for (struct vector_item **link = &block->first; *link; link = &(*link)->next)
        if ((*link)->block) {
            hoist_block(h, (*link)->block);
            link = hoist_from(h, link);
        }
}

dlt_status hoist_invariants(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct hoisting h = {.program = vectors};
    h.home = ARENA_ARRAY(vectors->arena, struct vector_block *, vectors->value_count);
    find_homes(&h, vectors->top);
    hoist_block(&h, vectors->top);
    return DLT_OK;
}
