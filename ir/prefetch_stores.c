/* Prefetching stores: the lines that a tile writes are asked for before its loops begin.
 *
 * A tile adds up for hundreds of cycles and then stores everything at once, to rows that lie apart
 * and that no processor foresees. Asked for at the start, the lines are there by then. Only for
 * tiles whose schedule says so. Stores inside of loops stay as they are. */
#include "ir/passes.h"

enum {
    LINE_BYTES = 64
};

static bool is_store(const struct vector_item *item) {
    return item->instruction && vector_operations[item->instruction->opcode].writes_memory;
}

/* Whether the line of `address` was asked for, by the prefetch of the store before. */
static bool is_near(const struct vector_address *address, const struct vector_address *before) {
    int64_t distance;
    if (!before || address->base != before->base || address->term_count || before->term_count)
        return false;
    distance = address->displacement - before->displacement;
    return distance >= 0 && distance < LINE_BYTES;
}

dlt_status prefetch_stores(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct vector_block *top = vectors->top, lines = {0};
    const struct vector_address *before = NULL;
    bool behind_loop = false;
    if (!lowering->tile->prefetches)
        return DLT_OK;
    for (const struct vector_item *item = top->first; item; item = item->next) {
        behind_loop |= item->block != NULL;
        if (!behind_loop || !is_store(item) || is_near(&item->instruction->address, before))
            continue;
        before = &item->instruction->address;
        vector_append(vectors, &lines, VECTOR_PREFETCH, item->instruction->type)->address = *before;
    }
    if (!lines.first)
        return DLT_OK;
    lines.last->next = top->first;
    top->first = lines.first;
    return DLT_OK;
}
