/* Loads of every fourth element become picks of every second of every second.
 *
 *     v0 = load_strided [x] stride 16            a  = load_strided [x] stride 8        0 2 4 6
 *                                      -->       b  = load_strided [x + 32] stride 8   8 10 12
 *                                                v0 = pick_alternate a, b 0            0 4 8 12
 *
 * deinterleave_loads then makes plain loads of those. Under a mask, lanes are loaded only if they
 * are needed or lie between two that are; the last of b never is. */
#include "ir/passes.h"

enum {
    STEP = 4, /* elements between lanes */
};

struct halving {
    struct vector_program *program;
    const struct vector_instruction **constants; /* of each mask value: its definition */
    int value_count;                             /* before the pass */
    struct vector_item **link;                   /* where new instructions go */
};

static bool is_candidate(const struct halving *h, const struct vector_instruction *load) {
    return load->opcode == VECTOR_LOAD_STRIDED &&
           load->stride == STEP * data_types[load->type].bytes &&
           !h->program->values[load->destination].is_variable &&
           (load->mask == VECTOR_NONE || (load->mask < h->value_count && h->constants[load->mask]));
}

static struct vector_instruction *emit(struct halving *h, enum vector_opcode opcode,
                                       enum data_type type) {
    struct vector_block block = {0};
    struct vector_instruction *instruction = vector_append(h->program, &block, opcode, type);
    instruction->destination =
        vector_value_new(h->program, vector_operations[opcode].destination_class, false);
    block.first->next = *h->link;
    *h->link = block.first;
    h->link = &block.first->next;
    return instruction;
}

/* Every second element from element `first` on, in these lanes. */
static int load_half(struct halving *h, const struct vector_instruction *load, int first,
                     uint64_t lanes) {
    uint64_t all = (UINT64_C(1) << vector_lanes(h->program, load->type)) - 1;
    int mask = VECTOR_NONE;
    struct vector_instruction *half;
    if (lanes == 0)
        return emit(h, VECTOR_CONSTANT, load->type)->destination;
    if (lanes != all) {
        struct vector_instruction *constant = emit(h, VECTOR_MASK_CONSTANT, load->type);
        constant->immediate = (int64_t)lanes;
        mask = constant->destination;
    }
    half = emit(h, VECTOR_LOAD_STRIDED, load->type);
    half->address = load->address;
    half->address.displacement += (int64_t)first * data_types[load->type].bytes;
    half->stride = load->stride / 2;
    half->mask = mask;
    return half->destination;
}

/* Puts two loads in front of the load, which becomes the pick. */
static void halve(struct halving *h, struct vector_instruction *load) {
    int lanes = vector_lanes(h->program, load->type), low, high;
    uint64_t all = (UINT64_C(1) << lanes) - 1, needed = 0;
    uint64_t active =
        load->mask == VECTOR_NONE ? all : (uint64_t)h->constants[load->mask]->immediate;
    for (int lane = 0; lane < lanes; lane++)
        if (active >> lane & 1)
            needed |= UINT64_C(1) << 2 * lane;
    needed |= needed << 1 & needed >> 1;
    low = load_half(h, load, 0, needed & all);
    high = load_half(h, load, 2 * lanes, needed >> lanes & all);
    load->opcode = VECTOR_PICK_ALTERNATE;
    load->immediate = 0;
    load->sources[0] = low;
    load->sources[1] = high;
    load->mask = VECTOR_NONE;
    load->stride = 0;
    load->address = (struct vector_address){0};
}

static void halve_block(struct halving *h, struct vector_block *block) {
    struct vector_item *item;
    for (h->link = &block->first; (item = *h->link); h->link = &item->next) {
        const struct vector_instruction *instruction = item->instruction;
        struct vector_item **after = h->link;
        if (item->block) {
            halve_block(h, item->block);
            h->link = after;
            continue;
        }
        if (instruction->opcode == VECTOR_MASK_CONSTANT &&
            !h->program->values[instruction->destination].is_variable)
            h->constants[instruction->destination] = instruction;
        if (is_candidate(h, instruction))
            halve(h, item->instruction);
    }
}

static int count_candidates(const struct halving *h, const struct vector_block *block) {
    int count = 0;
    for (const struct vector_item *item = block->first; item; item = item->next)
        count += item->block ? count_candidates(h, item->block)
                             : item->instruction->opcode == VECTOR_LOAD_STRIDED &&
                                   item->instruction->stride ==
                                       STEP * data_types[item->instruction->type].bytes;
    return count;
}

dlt_status halve_strides(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct halving h = {.program = vectors, .value_count = vectors->value_count};
    if (count_candidates(&h, vectors->top) == 0)
        return DLT_OK;
    h.constants = ARENA_ARRAY(vectors->arena, const struct vector_instruction *,
                              (size_t)vectors->value_count);
    halve_block(&h, vectors->top);
    return number_values(lowering); /* loads side by side share masks, and so find each other */
}
