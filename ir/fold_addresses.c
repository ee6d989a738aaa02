/* Addresses become one pointer and a displacement.
 *
 * An address follows the counters of some of the loops around it. Each such loop gets a pointer
 * that it advances by the stride, derived from the pointer of the loop outside it; addresses that
 * differ in their displacement only share all of them. */
#include "ir/passes.h"

static int64_t stride_of(const struct vector_address *address, const struct variable *counter) {
    int64_t stride = 0;
    for (int i = 0; i < address->term_count; i++)
        if (address->terms[i].counter == counter)
            stride += address->terms[i].stride;
    return stride;
}

static int find_induction(struct vector_program *program, struct vector_block *block, int parent,
                          int64_t step) {
    for (int i = 0; i < block->induction_count; i++) {
        const struct vector_induction *induction = &program->inductions[block->inductions[i]];
        if (induction->parent == parent && induction->step == step)
            return block->inductions[i];
    }
    return vector_induction_new(program, block, parent, step);
}

/* The pointer that the address follows inside `block`: parents first. */
static int pointer_in(struct vector_program *program, struct vector_block *block,
                      const struct vector_address *address) {
    int parent;
    int64_t step;
    if (!block->parent)
        return -1 - address->base;
    parent = pointer_in(program, block->parent, address);
    step = stride_of(address, block->counter);
    return step ? find_induction(program, block, parent, step) : parent;
}

static void fold_block(struct vector_program *program, struct vector_block *block) {
    for (struct vector_item *item = block->first; item; item = item->next) {
        struct vector_instruction *instruction = item->instruction;
        if (item->block) {
            fold_block(program, item->block);
            continue;
        }
        if (vector_has_address(instruction)) {
            instruction->address.base = pointer_in(program, block, &instruction->address);
            instruction->address.term_count = 0;
        }
    }
}

dlt_status fold_addresses(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    fold_block(vectors, vectors->top);
    vectors->is_folded = true;
    return DLT_OK;
}
