/* Indices at run time.
 *
 * Most of what a tile does with indices is known before it runs: offsets become addresses,
 * conditions bounds, variants and constant masks. The rest is here. An index becomes a vector of
 * numbers of 32 bits: a word from outside the tile plus counters, which is what an address is
 * (VECTOR_INDEX), plus a constant step from lane to lane; what is divided in it goes through
 * floating point, where it is exact. A condition becomes the comparison of such a vector with zero,
 * and an offset that is no address a load by the offsets of its lanes. */
#include "ir/vectoriser.h"

enum {
    MOST_EXACT = 1 << 22 /* quotients of f32 numbers up to this, rounded down, are exact */
};

static bool is_within(const struct affine *index, int64_t most) {
    int64_t lowest, highest;
    affine_range(index, &lowest, &highest);
    return lowest >= -most && highest <= most;
}

static int combine(struct vectoriser *v, enum vector_opcode opcode, int a, int b) {
    if (a == VECTOR_NONE || b == VECTOR_NONE)
        return a == VECTOR_NONE ? b : a;
    return vectoriser_operation(v, opcode, TYPE_S32, a, b);
}

/* index / constant, index % constant, or the lesser of both. */
static int evaluate_atom(struct vectoriser *v, const struct affine_term *term) {
    int operand = vectoriser_index(v, term->operand), number, whole;
    if (term->kind == ATOM_MINIMUM)
        return vectoriser_operation(v, VECTOR_MINIMUM, TYPE_S32, operand,
                                    vectoriser_constant(v, TYPE_S32, (double)term->constant));
    if (!is_within(term->operand, MOST_EXACT) || term->constant > MOST_EXACT)
        vectoriser_fail(v, "tile: an index that is divided has values beyond %d", MOST_EXACT);
    number = vectoriser_operation(v, VECTOR_TO_FLOAT, TYPE_F32, operand, VECTOR_NONE);
    number = vectoriser_operation(v, VECTOR_DIVIDE, TYPE_F32, number,
                                  vectoriser_constant(v, TYPE_F32, (double)term->constant));
    number = vectoriser_operation(v, VECTOR_FLOOR, TYPE_F32, number, VECTOR_NONE);
    whole = vectoriser_operation(v, VECTOR_TO_INTEGER, TYPE_F32, number, VECTOR_NONE);
    if (term->kind == ATOM_DIVIDE)
        return whole;
    whole = vectoriser_operation(v, VECTOR_MULTIPLY, TYPE_S32, whole,
                                 vectoriser_constant(v, TYPE_S32, (double)term->constant));
    return vectoriser_operation(v, VECTOR_SUBTRACT_INTEGER, TYPE_S32, operand, whole);
}

static bool is_plain(const struct affine_term *term, const struct variable *variable) {
    return term->kind == ATOM_VARIABLE && term->variable == variable;
}

static int evaluate_lanes(struct vectoriser *v, int64_t step) {
    struct vector_instruction *lanes = vectoriser_emit(v, VECTOR_LANES, TYPE_S32);
    lanes->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    lanes->immediate = step;
    return lanes->destination;
}

/* The terms that the tile does not change, as one word; the counters', which follow it. */
static int evaluate_sum(struct vectoriser *v, const struct affine *outside,
                        const struct vector_address *follows) {
    struct vector_instruction *index;
    if (outside->term_count == 0 && follows->term_count == 0)
        return vectoriser_constant(v, TYPE_S32, (double)follows->displacement);
    index = vectoriser_emit(v, VECTOR_INDEX, TYPE_S32);
    index->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    index->address = *follows;
    index->address.base = require_word(v->program, v->tile, NULL, outside);
    return index->destination;
}

static const struct affine *one_term(struct vectoriser *v, const struct affine_term *term) {
    struct affine *index = arena_allocate(v->arena, sizeof *index + sizeof *term);
    index->term_count = 1;
    index->terms[0] = *term;
    return index;
}

int vectoriser_index(struct vectoriser *v, const struct affine *index) {
    const struct affine *outside = affine_constant(v->arena, 0);
    struct vector_address follows = {.displacement = index->constant};
    int sum, rest = VECTOR_NONE;
    if (v->status)
        return 0;
    if (!v->target->machine_code) { /* there loops are as good */
        vectoriser_fail(v, "tile: a condition or an index is known only when it runs");
        return 0;
    }
    if (!is_within(index, INT32_MAX)) {
        vectoriser_fail(v, "tile: an index has values of more than 32 bits");
        return 0;
    }
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        const struct affine *alone = one_term(v, term);
        if (!uses_inner(&v->inner, alone)) {
            outside = affine_add(v->arena, outside, alone);
        } else if (is_plain(term, &v->lane)) {
            rest = combine(v, VECTOR_ADD_INTEGER, rest, evaluate_lanes(v, term->coefficient));
        } else if (term->kind != ATOM_VARIABLE) {
            int atom = evaluate_atom(v, term);
            if (term->coefficient != 1)
                atom = vectoriser_operation(
                    v, VECTOR_MULTIPLY, TYPE_S32, atom,
                    vectoriser_constant(v, TYPE_S32, (double)term->coefficient));
            rest = combine(v, VECTOR_ADD_INTEGER, rest, atom);
        } else if (follows.term_count < VECTOR_MAX_TERMS) {
            follows.terms[follows.term_count++] =
                (struct vector_address_term){term->variable, term->coefficient};
        } else {
            vectoriser_fail(v, "tile: an index follows more than %d loops", VECTOR_MAX_TERMS);
        }
    }
    if (rest != VECTOR_NONE && !outside->term_count && !follows.term_count && !follows.displacement)
        return rest;
    sum = evaluate_sum(v, outside, &follows);
    return combine(v, VECTOR_ADD_INTEGER, sum, rest);
}

int vectoriser_both(struct vectoriser *v, int a, int b) {
    return a == b ? a : combine(v, VECTOR_MASK_AND, a, b);
}

int vectoriser_conditions(struct vectoriser *v, int count, const struct affine *const *conditions) {
    int mask = VECTOR_NONE;
    for (int i = 0; i < count; i++) {
        int index = vectoriser_index(v, conditions[i]);
        int below = vectoriser_constant(v, TYPE_S32, -1);
        mask = vectoriser_both(v, mask,
                               vectoriser_operation(v, VECTOR_MASK_LESS, TYPE_S32, below, index));
    }
    return mask;
}

int vectoriser_not(struct vectoriser *v, int mask) {
    int zero = vectoriser_constant(v, TYPE_S32, 0), one = vectoriser_constant(v, TYPE_S32, 1);
    struct vector_instruction *blend = vectoriser_emit(v, VECTOR_BLEND, TYPE_S32);
    blend->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    blend->sources[0] = one;
    blend->sources[1] = zero;
    blend->mask = mask;
    return vectoriser_operation(v, VECTOR_MASK_EQUAL, TYPE_S32, blend->destination, zero);
}

int vectoriser_offsets(struct vectoriser *v, const struct buffer *buffer,
                       const struct affine *offset, struct vector_address *address) {
    const struct affine *outside = affine_constant(v->arena, 0);
    const struct affine *bound = vectoriser_bind(v, offset);
    for (int i = 0; i < bound->term_count; i++) {
        const struct affine *alone = one_term(v, &bound->terms[i]);
        if (!uses_inner(&v->inner, alone))
            outside = affine_add(v->arena, outside, alone);
    }
    *address = (struct vector_address){.base = require_word(v->program, v->tile, buffer, outside)};
    return vectoriser_index(v, affine_subtract(v->arena, bound, outside));
}
