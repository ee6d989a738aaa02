/* Loads of every second element become plain loads and picks.
 *
 *     v0 = load_strided [x] stride 8             a  = load [x]                 elements 0 1 2 3
 *                                        -->     b  = load [x + 12]            elements 3 4 5 6
 *                                                v0 = pick_alternate a, b 2    elements 0 2 4 6
 *
 * Lane by lane a load costs as many accesses as a vector has lanes. The second load begins one
 * element early, so that it ends with the last element needed. Where the elements in between are
 * loaded too, by a load one element further, both share two loads that lie end to end:
 *
 *     v0 = load_strided [x] stride 8             a  = load [x]                 elements 0 1 2 3
 *     v1 = load_strided [x + 4] stride 8         b  = load [x + 16]            elements 4 5 6 7
 *                                        -->     v0 = pick_alternate a, b 0    elements 0 2 4 6
 *                                                v1 = pick_alternate a, b 3    elements 1 3 5 7
 *
 * Under a mask only elements that are needed, or lie between two that are, are touched; elements
 * of lanes that are masked out are never among them, so that these lanes are zero as before. */
#include "ir/passes.h"

#include <stdlib.h>

enum {
    STEP = 2 /* elements between lanes */
};

struct strided_load {
    struct vector_instruction *instruction;
    int order;   /* in the block */
    int partner; /* that loads the elements in between: -1 none, 0 begins one element further, 1 one
                    element earlier */
};

struct deinterleaving {
    struct vector_program *program;
    const struct vector_instruction **constants; /* of each mask value: its definition */
    struct strided_load *loads;                  /* of the present block */
    int load_count;
    struct vector_item **link; /* where new instructions go */
    bool changed;
};

static bool is_candidate(const struct deinterleaving *d, const struct vector_instruction *load) {
    return load->opcode == VECTOR_LOAD_STRIDED &&
           load->stride == STEP * data_types[load->type].bytes &&
           !d->program->values[load->destination].is_variable &&
           (load->mask == VECTOR_NONE || d->constants[load->mask]);
}

/* --- Partners --- */

static int compare_numbers(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

/* All but the displacement. */
static int compare_places(const struct vector_instruction *a, const struct vector_instruction *b) {
    int order = compare_numbers(a->type, b->type);
    if (!order)
        order = compare_numbers(a->mask, b->mask);
    if (!order)
        order = compare_numbers(a->address.base, b->address.base);
    if (!order)
        order = compare_numbers(a->address.term_count, b->address.term_count);
    for (int i = 0; !order && i < a->address.term_count; i++) {
        const struct vector_address_term *one = &a->address.terms[i], *other = &b->address.terms[i];
        order = compare_numbers((intptr_t)one->counter, (intptr_t)other->counter);
        if (!order)
            order = compare_numbers(one->stride, other->stride);
    }
    return order;
}

static int compare_loads(const void *a, const void *b) {
    const struct vector_instruction *one = ((const struct strided_load *)a)->instruction;
    const struct vector_instruction *other = ((const struct strided_load *)b)->instruction;
    int order = compare_places(one, other);
    return order ? order : compare_numbers(one->address.displacement, other->address.displacement);
}

static int compare_orders(const void *a, const void *b) {
    return ((const struct strided_load *)a)->order - ((const struct strided_load *)b)->order;
}

/* Of loads one element apart the first and the second are partners, the third and the fourth. */
static void find_partners(struct deinterleaving *d) {
    qsort(d->loads, (size_t)d->load_count, sizeof *d->loads, compare_loads);
    for (int i = 0; i + 1 < d->load_count; i++) {
        struct strided_load *low = &d->loads[i], *high = low + 1;
        if (compare_places(low->instruction, high->instruction) == 0 &&
            high->instruction->address.displacement - low->instruction->address.displacement ==
                data_types[low->instruction->type].bytes) {
            low->partner = 0;
            high->partner = 1;
            i++;
        }
    }
    qsort(d->loads, (size_t)d->load_count, sizeof *d->loads, compare_orders);
}

/* --- Code --- */

static struct vector_instruction *emit(struct deinterleaving *d, enum vector_opcode opcode,
                                       enum data_type type) {
    struct vector_block block = {0};
    struct vector_instruction *instruction = vector_append(d->program, &block, opcode, type);
    instruction->destination =
        vector_value_new(d->program, vector_operations[opcode].destination_class, false);
    block.first->next = *d->link;
    *d->link = block.first;
    d->link = &block.first->next;
    return instruction;
}

/* Elements that may be touched, bit by bit: those needed, and those between two of them. */
static uint64_t touched_elements(const struct deinterleaving *d,
                                 const struct vector_instruction *load, bool has_partner) {
    int lanes = vector_lanes(d->program, load->type);
    uint64_t active =
        load->mask == VECTOR_NONE ? ~UINT64_C(0) : (uint64_t)d->constants[load->mask]->immediate;
    uint64_t needed = 0;
    for (int lane = 0; lane < lanes; lane++)
        if (active >> lane & 1)
            needed |= (UINT64_C(1) << has_partner << STEP * lane) | UINT64_C(1) << STEP * lane;
    return needed | (needed << 1 & needed >> 1);
}

/* The elements from `first` on, one vector of them. */
static int load_half(struct deinterleaving *d, const struct vector_instruction *load,
                     int64_t displacement, int first, uint64_t touched) {
    int lanes = vector_lanes(d->program, load->type), mask = VECTOR_NONE;
    uint64_t all = (UINT64_C(1) << lanes) - 1, active = touched >> first & all;
    struct vector_instruction *half;
    if (active == 0)
        return emit(d, VECTOR_CONSTANT, load->type)->destination;
    if (active != all) {
        struct vector_instruction *constant = emit(d, VECTOR_MASK_CONSTANT, load->type);
        constant->immediate = (int64_t)active;
        mask = constant->destination;
    }
    half = emit(d, VECTOR_LOAD, load->type);
    half->address = load->address;
    half->address.displacement = displacement + (int64_t)first * data_types[load->type].bytes;
    half->mask = mask;
    return half->destination;
}

/* Puts two loads in front of the load, which becomes the pick. */
static void replace(struct deinterleaving *d, struct strided_load *strided) {
    struct vector_instruction *load = strided->instruction;
    int lanes = vector_lanes(d->program, load->type);
    bool has_partner = strided->partner >= 0;
    int from = strided->partner > 0; /* this one's first element */
    int64_t displacement = load->address.displacement - from * data_types[load->type].bytes;
    uint64_t touched = touched_elements(d, load, has_partner);
    int low = load_half(d, load, displacement, 0, touched);
    int high = load_half(d, load, displacement, has_partner ? lanes : lanes - 1, touched);
    load->opcode = VECTOR_PICK_ALTERNATE;
    load->immediate = has_partner ? from * 3 : 2;
    load->sources[0] = low;
    load->sources[1] = high;
    load->mask = VECTOR_NONE;
    load->stride = 0;
    load->address = (struct vector_address){0};
    d->changed = true;
}

static void deinterleave_block(struct deinterleaving *d, struct vector_block *block) {
    struct vector_item *item;
    int next = 0;
    for (item = block->first; item; item = item->next) {
        const struct vector_instruction *instruction = item->instruction;
        if (instruction && instruction->opcode == VECTOR_MASK_CONSTANT &&
            !d->program->values[instruction->destination].is_variable)
            d->constants[instruction->destination] = instruction;
    }
    d->load_count = 0;
    for (item = block->first; item; item = item->next)
        if (item->instruction && is_candidate(d, item->instruction)) {
            d->loads[d->load_count] = (struct strided_load){item->instruction, d->load_count, -1};
            d->load_count++;
        }
    find_partners(d);
    for (d->link = &block->first; (item = *d->link); d->link = &item->next)
        if (next < d->load_count && d->loads[next].instruction == item->instruction)
            replace(d, &d->loads[next++]);
    for (item = block->first; item; item = item->next)
        if (item->block)
            deinterleave_block(d, item->block);
}

static int count_strided(const struct vector_block *block) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count += item->block ? count_strided(item->block)
                             : item->instruction->opcode == VECTOR_LOAD_STRIDED;
    return count;
}

dlt_status deinterleave_loads(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct deinterleaving d = {.program = vectors};
    int count = count_strided(vectors->top);
    if (count == 0)
        return DLT_OK;
    d.constants = ARENA_ARRAY(vectors->arena, const struct vector_instruction *,
                              (size_t)vectors->value_count);
    d.loads = ARENA_ARRAY(vectors->arena, struct strided_load, (size_t)count);
    deinterleave_block(&d, vectors->top);
    return d.changed ? number_values(lowering) : DLT_OK; /* partners share their loads */
}
