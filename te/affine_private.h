/* What the files of te/affine*.c share: sums of terms, atoms, and their order. */
#ifndef TE_AFFINE_PRIVATE_H
#define TE_AFFINE_PRIVATE_H

#include "te/affine.h"

/* Zeroed, with room for that many terms; its term_count is still 0. */
struct affine *affine_allocate(struct arena *arena, int term_count);

/* a_factor * a + b_factor * b, canonical. */
const struct affine *affine_combine(struct arena *arena, const struct affine *a, int64_t a_factor,
                                    const struct affine *b, int64_t b_factor);

/* The order of the atoms of two terms, whatever their coefficients: negative, 0 or positive. */
int affine_compare_atoms(const struct affine_term *a, const struct affine_term *b);

/* From the range of a term's operand (or variable) to the range of its atom. */
void affine_apply_atom(const struct affine_term *term, int64_t *lowest, int64_t *highest);

/* One atom (not ATOM_VARIABLE) as an index, without simplifying it. */
const struct affine *affine_atom(struct arena *arena, enum atom_kind kind,
                                 const struct affine *operand, int64_t constant);

/* The terms whose entry of `chosen` is `wanted`, with the given constant. */
struct affine *affine_select_terms(struct arena *arena, const struct affine *a, const bool *chosen,
                                   bool wanted, int64_t constant);

/* The operand that `a % divisor` is stored with: every number reduced to [0, divisor)
 * where that does not grow too large. */
const struct affine *affine_residue(struct arena *arena, const struct affine *a, int64_t divisor);

#endif
