/* Division, remainder and minimum of indices, simplified by what ranges prove; see affine.h.
 *
 * Both division and remainder by d first bring the numbers of the operand below d, and then look
 * for a place to split it. If g divides d and the operand is g*high + low, where low stays within
 * one block k*g .. k*g + g - 1, the low part never carries:
 *
 *     (g*high + low) / d  =  (high + k) / (d/g)
 *     (g*high + low) % d  =  g * ((high + k) % (d/g)) + low - k*g
 *
 * With g = d that is (32*o + i) / 32 = o; with low constant it cancels common factors. */
#include "te/affine_private.h"

#include "base/divisor.h"

/* True if a stays within one block of `size` numbers; which one is stored. */
static bool in_one_block(const struct affine *a, int64_t size, int64_t *block) {
    int64_t lowest, highest;
    affine_range(a, &lowest, &highest);
    *block = floor_divide(lowest, size);
    return *block == floor_divide(highest, size);
}

/* Every number divided by the divisor, which divides them all. */
static const struct affine *divide_exactly(struct arena *arena, const struct affine *a,
                                           int64_t divisor) {
    struct affine *quotient = affine_allocate(arena, a->term_count);
    quotient->term_count = a->term_count;
    quotient->constant = a->constant / divisor;
    for (int i = 0; i < a->term_count; i++) {
        quotient->terms[i] = a->terms[i];
        quotient->terms[i].coefficient /= divisor;
    }
    return quotient;
}

struct split {
    int64_t factor; /* g */
    int64_t block;  /* k */
    const struct affine *high, *low;
};

/* Splits the terms of a by whether `factor` divides them; false if the low part may carry. */
static bool split_at(struct arena *arena, const struct affine *a, int64_t factor,
                     struct split *split) {
    bool *divisible = ARENA_ARRAY(arena, bool, (size_t)a->term_count);
    const struct affine *high;
    for (int i = 0; i < a->term_count; i++)
        divisible[i] = a->terms[i].coefficient % factor == 0;
    split->factor = factor;
    split->low = affine_select_terms(arena, a, divisible, false, a->constant);
    if (!in_one_block(split->low, factor, &split->block))
        return false;
    high = affine_select_terms(arena, a, divisible, true, split->block * factor);
    split->high = divide_exactly(arena, high, factor);
    return true;
}

/* The split at the largest factor of the divisor that some term shares with it. */
static bool find_split(struct arena *arena, const struct affine *a, int64_t divisor,
                       struct split *split) {
    int64_t limit = divisor;
    for (;;) {
        int64_t best = 1;
        for (int i = 0; i < a->term_count; i++) {
            int64_t factor = greatest_common_divisor(a->terms[i].coefficient, divisor);
            if (factor > best && factor <= limit)
                best = factor;
        }
        if (best == 1)
            return false;
        if (split_at(arena, a, best, split))
            return true;
        limit = best - 1;
    }
}

static const double largest = 0x1p53; /* of what is made here out of smaller numbers */

enum reduction {
    TOWARDS_ZERO, /* keeps signs, hence which way each term moves, hence exact ranges */
    NOT_NEGATIVE,
    SYMMETRIC,
};

static int64_t reduce_number(int64_t number, int64_t divisor, enum reduction how) {
    int64_t rest = how == TOWARDS_ZERO ? number % divisor : floor_remainder(number, divisor);
    return how == SYMMETRIC && rest > divisor / 2 ? rest - divisor : rest;
}

/* An index that differs from a by a multiple of the divisor everywhere, its numbers reduced. The
 * constant is always brought to [0, divisor). */
static const struct affine *reduce(struct arena *arena, const struct affine *a, int64_t divisor,
                                   enum reduction how) {
    bool *kept = ARENA_ARRAY(arena, bool, (size_t)a->term_count);
    struct affine *reduced;
    int next = 0;
    for (int i = 0; i < a->term_count; i++)
        kept[i] = a->terms[i].coefficient % divisor != 0;
    reduced = affine_select_terms(arena, a, kept, true, floor_remainder(a->constant, divisor));
    for (int i = 0; i < a->term_count; i++)
        if (kept[i])
            reduced->terms[next++].coefficient =
                reduce_number(a->terms[i].coefficient, divisor, how);
    return reduced;
}

/* -x % d as (d - 1)*x % d may leave 64 bits where x and d are huge; the symmetric numbers are never
 * larger than those given. */
const struct affine *affine_residue(struct arena *arena, const struct affine *a, int64_t divisor) {
    const struct affine *residue = reduce(arena, a, divisor, NOT_NEGATIVE);
    if (affine_magnitude(residue) > largest)
        residue = reduce(arena, a, divisor, SYMMETRIC);
    return residue;
}

/* Where term i of an index is x/a, so that the index is x/a + s: x + a*s. NULL where it is not, or
 * where the numbers would grow too large. */
static const struct affine *whole_of_quotient(struct arena *arena, const struct affine *a, int i,
                                              int64_t divisor) {
    const struct affine_term *term = &a->terms[i];
    const struct affine *quotient, *rest;
    double scale = (double)term->constant;
    if (term->kind != ATOM_DIVIDE || term->coefficient != 1 || scale * (double)divisor > largest ||
        scale * affine_magnitude(a) > largest)
        return NULL;
    quotient = affine_atom(arena, ATOM_DIVIDE, term->operand, term->constant);
    rest = affine_combine(arena, a, 1, quotient, -1);
    return affine_combine(arena, term->operand, 1, rest, term->constant);
}

/* (x/a + s) / b = (x + a*s) / (a*b); NULL where there is no such x/a. */
static const struct affine *divide_quotient(struct arena *arena, const struct affine *a,
                                            int64_t divisor) {
    for (int i = 0; i < a->term_count; i++) {
        const struct affine *whole = whole_of_quotient(arena, a, i, divisor);
        if (whole)
            return affine_divide(arena, whole, a->terms[i].constant * divisor);
    }
    return NULL;
}

/* Division of an index whose numbers are already below the divisor. */
static const struct affine *divide_reduced(struct arena *arena, const struct affine *a,
                                           int64_t divisor) {
    const struct affine *quotient;
    struct split split;
    int64_t block;
    if (in_one_block(a, divisor, &block))
        return affine_constant(arena, block);
    if (find_split(arena, a, divisor, &split))
        return affine_divide(arena, split.high, divisor / split.factor);
    quotient = divide_quotient(arena, a, divisor);
    if (quotient)
        return quotient;
    if (a->term_count == 1 && a->constant == 0 && a->terms[0].coefficient == 1 &&
        a->terms[0].kind == ATOM_REMAINDER && a->terms[0].constant % divisor == 0) {
        quotient = affine_divide(arena, a->terms[0].operand, divisor);
        return affine_remainder(arena, quotient, a->terms[0].constant / divisor);
    }
    return affine_atom(arena, ATOM_DIVIDE, a, divisor);
}

const struct affine *affine_divide(struct arena *arena, const struct affine *a, int64_t divisor) {
    const struct affine *reduced, *whole;
    int64_t block;
    if (divisor == 1)
        return a;
    if (in_one_block(a, divisor, &block))
        return affine_constant(arena, block);
    reduced = reduce(arena, a, divisor, TOWARDS_ZERO);
    whole = affine_combine(arena, a, 1, reduced, -1);
    whole = divide_exactly(arena, whole, divisor);
    return affine_add(arena, whole, divide_reduced(arena, reduced, divisor));
}

/* The operand of a stored remainder as a sum that may stand alone; see store_remainder. */
static const struct affine *open_operand(struct arena *arena, const struct affine *operand) {
    if (operand->term_count != 1 || operand->constant != 0 ||
        operand->terms[0].kind != ATOM_DIVIDE || operand->terms[0].coefficient != 1)
        return operand;
    return affine_divide(arena, operand->terms[0].operand, operand->terms[0].constant);
}

/* c*(x % m) is c*x where the divisor divides c*m. */
static const struct affine *open_remainders(struct arena *arena, const struct affine *a,
                                            int64_t divisor) {
    for (int i = 0; i < a->term_count; i++) {
        const struct affine_term *term = &a->terms[i];
        const struct affine *rest, *operand;
        int64_t period;
        if (term->kind != ATOM_REMAINDER ||
            __builtin_mul_overflow(term->coefficient % divisor, term->constant, &period) ||
            period % divisor != 0)
            continue;
        rest = affine_combine(arena, a, 1,
                              affine_atom(arena, ATOM_REMAINDER, term->operand, term->constant),
                              -term->coefficient);
        operand = open_operand(arena, term->operand);
        rest = affine_combine(arena, rest, 1, operand, term->coefficient % divisor);
        return open_remainders(arena, rest, divisor);
    }
    return a;
}

/* (x/a + s) % b is stored as ((x + a*s) / a) % b, so that it meets its other pieces whatever part
 * of x the division has brought outside. */
static const struct affine *store_remainder(struct arena *arena, const struct affine *residue,
                                            int64_t divisor) {
    for (int i = 0; i < residue->term_count; i++) {
        const struct affine_term *term = &residue->terms[i];
        const struct affine *whole = whole_of_quotient(arena, residue, i, divisor);
        if (!whole)
            continue;
        whole = affine_residue(arena, whole, term->constant * divisor);
        residue = affine_atom(arena, ATOM_DIVIDE, whole, term->constant);
        break;
    }
    return affine_atom(arena, ATOM_REMAINDER, residue, divisor);
}

const struct affine *affine_remainder(struct arena *arena, const struct affine *a,
                                      int64_t divisor) {
    struct split split;
    int64_t block;
    if (divisor == 1)
        return affine_constant(arena, 0);
    if (in_one_block(a, divisor, &block))
        return affine_add_constant(arena, a, -block * divisor);
    a = reduce(arena, open_remainders(arena, a, divisor), divisor, TOWARDS_ZERO);
    for (enum reduction how = TOWARDS_ZERO; how <= SYMMETRIC; how++) {
        const struct affine *reduced = reduce(arena, a, divisor, how), *high;
        if (affine_magnitude(reduced) > largest)
            continue;
        if (in_one_block(reduced, divisor, &block))
            return affine_add_constant(arena, reduced, -block * divisor);
        if (!find_split(arena, reduced, divisor, &split))
            continue;
        high = affine_remainder(arena, split.high, divisor / split.factor);
        split.low = affine_add_constant(arena, split.low, -split.block * split.factor);
        return affine_combine(arena, split.low, 1, high, split.factor);
    }
    return store_remainder(arena, affine_residue(arena, a, divisor), divisor);
}

/* min(min(x, c) + k, b) = min(x, min(c, b - k)) + k; the constant goes outside and common factors
 * too: min(2*x + 5, 9) = 2*min(x, 2) + 5. */
const struct affine *affine_minimum(struct arena *arena, const struct affine *a, int64_t bound) {
    int64_t lowest, highest, constant = a->constant, factor;
    const struct affine *lesser;
    affine_range(a, &lowest, &highest);
    if (highest <= bound)
        return a;
    if (lowest >= bound)
        return affine_constant(arena, bound);
    bound -= constant;
    a = affine_add_constant(arena, a, -constant);
    if (a->term_count == 1 && a->terms[0].coefficient == 1 && a->terms[0].kind == ATOM_MINIMUM) {
        bound = a->terms[0].constant < bound ? a->terms[0].constant : bound;
        lesser = affine_minimum(arena, a->terms[0].operand, bound);
        return affine_add_constant(arena, lesser, constant);
    }
    factor = bound;
    for (int i = 0; i < a->term_count; i++)
        factor = greatest_common_divisor(factor, a->terms[i].coefficient);
    a = divide_exactly(arena, a, factor);
    lesser = affine_scale(arena, affine_atom(arena, ATOM_MINIMUM, a, bound / factor), factor);
    return affine_add_constant(arena, lesser, constant);
}
