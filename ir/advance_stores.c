/* Advancing stores: what is stored is stored as soon as it is known.
 *
 * A tile's results are kept in registers until the block ends, since more may be added to them. Now
 * that all is written down, each store moves up to behind the last operation that makes its value,
 * in its own block, and the register is free for what follows. No load reads what a tile stores,
 * and no two stores overlap, so their order is free. */
#include "ir/passes.h"

struct chain {
    struct vector_item *first, *last;
};

struct advancing {
    struct vector_program *program;
    int *last; /* of each value: the item of the block that assigned it last, or -1 */
    struct vector_item **items;
    struct chain *chains; /* of each item: what moves to behind it, first to last */
};

static void chain_append(struct chain *chain, struct vector_item *item) {
    item->next = NULL;
    if (chain->last)
        chain->last->next = item;
    else
        chain->first = item;
    chain->last = item;
}

/* The item assigns what the instructions in it assign. */
static void note_assigned(struct advancing *a, const struct vector_item *item, int number) {
    if (item->instruction) {
        if (item->instruction->destination != VECTOR_NONE)
            a->last[item->instruction->destination] = number;
        return;
    }
    for (const struct vector_item *inner = item->block->first; inner; inner = inner->next)
        note_assigned(a, inner, number);
}

/* Where item `number`, a store, goes: the item to be behind; its own number to stay. */
static int place_of(struct advancing *a, int number) {
    const struct vector_instruction *store = a->items[number]->instruction;
    int place = a->last[store->sources[0]];
    if (place < 0)
        return number;
    if (store->mask != VECTOR_NONE && a->last[store->mask] > place) {
        int mask = a->last[store->mask];
        struct vector_item *item = a->items[mask];
        if (!item || !item->instruction || item->instruction->opcode != VECTOR_MASK_CONSTANT)
            return mask;                       /* moved already, or it takes other values */
        chain_append(&a->chains[place], item); /* the constant comes along */
        a->items[mask] = NULL;
        a->last[store->mask] = place;
    }
    return place;
}

static bool is_store(const struct vector_item *item) {
    return item->instruction && vector_operations[item->instruction->opcode].writes_memory;
}

static void rebuild(struct advancing *a, struct vector_block *block, int count) {
    struct chain all = {0};
    for (int i = 0; i < count; i++) {
        struct vector_item *moved = a->chains[i].first;
        if (a->items[i])
            chain_append(&all, a->items[i]);
        while (moved) {
            struct vector_item *next = moved->next;
            chain_append(&all, moved);
            moved = next;
        }
    }
    block->first = all.first;
    block->last = all.last;
}

static void advance_in(struct advancing *outer, struct vector_block *block) {
    struct advancing a = *outer;
    int count = 0, number = 0;
    for (struct vector_item *item = block->first; item; item = item->next, count++)
        if (item->block)
            advance_in(outer, item->block);
    a.items = ARENA_ARRAY(a.program->arena, struct vector_item *, count);
    a.chains = ARENA_ARRAY(a.program->arena, struct chain, count);
    for (int i = 0; i < a.program->value_count; i++)
        a.last[i] = -1;
    for (struct vector_item *item = block->first; item; item = item->next)
        a.items[number++] = item;
    for (int i = 0; i < count; i++) {
        struct vector_item *item = a.items[i];
        int place;
        if (!is_store(item)) {
            note_assigned(&a, item, i);
            continue;
        }
        place = place_of(&a, i);
        if (place != i) {
            a.items[i] = NULL;
            chain_append(&a.chains[place], item);
        }
    }
    rebuild(&a, block, count);
}

dlt_status advance_stores(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct advancing a = {.program = vectors};
    a.last = ARENA_ARRAY(vectors->arena, int, vectors->value_count);
    advance_in(&a, vectors->top);
    return DLT_OK;
}
