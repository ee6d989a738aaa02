/* Quasi-affine index expressions: the arithmetic of subscripts, loop bounds and domains.
 *
 * An index is an integer combination of atoms plus a constant; an atom is a variable, or the floor
 * division or remainder of an index by a positive constant, or the lesser of an index and a
 * constant:
 *
 *     index = constant + sum of coefficient * atom
 *     atom  = variable | index / d | index % d | min(index, c)
 *
 * Indices are immutable, live in an arena, and are canonical: terms are sorted and merged, zero
 * coefficients vanish, and divisions are simplified by the known ranges of the variables, so
 * (32*o + i) / 32 with 0 <= i < 32 is `o` the moment it is built. Equal indices have equal
 * structure. Division is floor division and the remainder is never negative. All numbers are
 * 64-bit; sizes are checked where they enter (te/limits.h) so that no product here overflows. */
#ifndef TE_AFFINE_H
#define TE_AFFINE_H

#include "base/arena.h"
#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* An integer that takes the values minimum .. minimum + extent - 1: an axis, a loop counter or an
 * argument. Identity is the address; `id` orders the terms of an index and is unique among the
 * variables that meet in one. */
struct variable {
    const char *name;
    int id;
    int64_t minimum, extent;
};

enum atom_kind {
    ATOM_VARIABLE,
    ATOM_DIVIDE,    /* operand / constant, rounded down */
    ATOM_REMAINDER, /* operand % constant, in [0, constant) */
    ATOM_MINIMUM,   /* the lesser of operand and constant */
};

struct affine;

struct affine_term {
    int64_t coefficient; /* not zero */
    enum atom_kind kind;
    const struct variable *variable; /* ATOM_VARIABLE */
    const struct affine *operand;    /* the other kinds */
    int64_t constant;                /* the other kinds: divisor (>= 1) or bound */
};

struct affine {
    int64_t constant;
    int term_count;
    struct affine_term terms[];
};

/* What affine_substitute puts in a variable's place. */
struct binding {
    const struct variable *variable;
    const struct affine *replacement;
};

const struct affine *affine_constant(struct arena *arena, int64_t value);
const struct affine *affine_variable(struct arena *arena, const struct variable *variable);
const struct affine *affine_add(struct arena *arena, const struct affine *a,
                                const struct affine *b);
const struct affine *affine_subtract(struct arena *arena, const struct affine *a,
                                     const struct affine *b);
const struct affine *affine_add_constant(struct arena *arena, const struct affine *a, int64_t c);
const struct affine *affine_scale(struct arena *arena, const struct affine *a, int64_t factor);
const struct affine *affine_divide(struct arena *arena, const struct affine *a, int64_t divisor);
const struct affine *affine_remainder(struct arena *arena, const struct affine *a, int64_t divisor);
const struct affine *affine_minimum(struct arena *arena, const struct affine *a, int64_t bound);

/* Replaces every bound variable and simplifies again; unbound variables stay. */
const struct affine *affine_substitute(struct arena *arena, const struct affine *a,
                                       const struct binding *bindings, int count);

/* Bounds of the values taken over the ranges of all variables; never too narrow, and exact when no
 * variable is shared between terms and no remainder wraps around. */
void affine_range(const struct affine *a, int64_t *lowest, int64_t *highest);

/* No value of the index, nor any sum on the way to it, is larger in magnitude. In floating point,
 * so that it holds where 64 bits overflow: whoever takes numbers from outside asks it first. */
double affine_magnitude(const struct affine *a);

/* As affine_range with other ranges for some variables: `range` answers false to keep its own. */
typedef bool affine_range_of(const void *context, const struct variable *variable, int64_t *lowest,
                             int64_t *highest);
void affine_range_with(const struct affine *a, affine_range_of *range, const void *context,
                       int64_t *lowest, int64_t *highest);

/* How many indices stand within each other; 1 where no atom has an operand. */
int affine_depth(const struct affine *a);

bool affine_equal(const struct affine *a, const struct affine *b);
bool affine_is_constant(const struct affine *a, int64_t *value);           /* value may be NULL */
bool affine_uses(const struct affine *a, const struct variable *variable); /* inside atoms too */

/* True if the variable occurs only as a plain term; its coefficient is stored (0 if absent). */
bool affine_coefficient(const struct affine *a, const struct variable *variable,
                        int64_t *coefficient);

/* The value when variable v has the value `value_of(context, v)`. */
typedef int64_t affine_value_of(const void *context, const struct variable *variable);
int64_t affine_evaluate(const struct affine *a, affine_value_of *value_of, const void *context);

/* Text such as "32*k.o + k.i - 1", "(y + 3) / 2", "min(x, 40)": read back by te/parse.c and, since
 * C divides towards zero, printed for C by targets/c. */
void affine_print(struct text *text, const struct affine *a);

int64_t floor_divide(int64_t a, int64_t positive);
int64_t floor_remainder(int64_t a, int64_t positive);

#endif
