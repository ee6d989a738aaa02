/* Sums of terms: building, comparing, substituting and evaluating indices; see affine.h.
 *
 * Two sorted lists of terms are merged as in the addition of polynomials. After a merge the pieces
 * of a split index are put together again where both are present:
 *
 *     c*a*(x / a)       + c*(x % a)  =  c*x
 *     c*a*((x / a) % b) + c*(x % a)  =  c*(x % (a*b))
 *
 * so that unpacking an index into pieces and packing it again gives the index itself. Divisions,
 * remainders and minima are in affine_divide.c, ranges in affine_range.c. */
#include "te/affine_private.h"

#include <string.h>

int64_t floor_divide(int64_t a, int64_t positive) {
    int64_t quotient = a / positive;
    return a % positive < 0 ? quotient - 1 : quotient;
}

int64_t floor_remainder(int64_t a, int64_t positive) {
    int64_t remainder = a % positive;
    return remainder < 0 ? remainder + positive : remainder;
}

struct affine *affine_allocate(struct arena *arena, int term_count) {
    size_t bytes = sizeof(struct affine) + (size_t)term_count * sizeof(struct affine_term);
    return arena_allocate(arena, bytes);
}

static int compare_numbers(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare(const struct affine *a, const struct affine *b);

/* The order of atoms: variables by their id, then the other kinds. */
int affine_compare_atoms(const struct affine_term *a, const struct affine_term *b) {
    int order = compare_numbers(a->kind, b->kind);
    if (order)
        return order;
    if (a->kind == ATOM_VARIABLE) {
        if (a->variable == b->variable)
            return 0;
        order = compare_numbers(a->variable->id, b->variable->id);
        return order ? order : strcmp(a->variable->name, b->variable->name);
    }
    order = compare_numbers(a->constant, b->constant);
    return order ? order : compare(a->operand, b->operand);
}

static int compare(const struct affine *a, const struct affine *b) {
    if (a == b)
        return 0;
    for (int i = 0; i < a->term_count && i < b->term_count; i++) {
        int order = affine_compare_atoms(&a->terms[i], &b->terms[i]);
        if (!order)
            order = compare_numbers(a->terms[i].coefficient, b->terms[i].coefficient);
        if (order)
            return order;
    }
    if (a->term_count != b->term_count)
        return compare_numbers(a->term_count, b->term_count);
    return compare_numbers(a->constant, b->constant);
}

int affine_depth(const struct affine *a) {
    int deepest = 0;
    for (int i = 0; i < a->term_count; i++) {
        int depth = a->terms[i].kind == ATOM_VARIABLE ? 0 : affine_depth(a->terms[i].operand);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

bool affine_equal(const struct affine *a, const struct affine *b) {
    return compare(a, b) == 0;
}

static void push(struct affine *sum, const struct affine_term *term, int64_t coefficient) {
    if (coefficient == 0)
        return;
    sum->terms[sum->term_count] = *term;
    sum->terms[sum->term_count++].coefficient = coefficient;
}

static const struct affine *merge(struct arena *arena, const struct affine *a, int64_t a_factor,
                                  const struct affine *b, int64_t b_factor) {
    struct affine *sum = affine_allocate(arena, a->term_count + b->term_count);
    int i = 0, j = 0;
    sum->constant = a_factor * a->constant + b_factor * b->constant;
    while (i < a->term_count || j < b->term_count) {
        const struct affine_term *left = &a->terms[i], *right = &b->terms[j];
        int order = i == a->term_count   ? 1
                    : j == b->term_count ? -1
                                         : affine_compare_atoms(left, right);
        if (order == 0)
            push(sum, left, a_factor * left->coefficient + b_factor * right->coefficient);
        else if (order < 0)
            push(sum, left, a_factor * left->coefficient);
        else
            push(sum, right, b_factor * right->coefficient);
        i += order <= 0;
        j += order >= 0;
    }
    return sum;
}

struct affine *affine_select_terms(struct arena *arena, const struct affine *a, const bool *chosen,
                                   bool wanted, int64_t constant) {
    struct affine *part = affine_allocate(arena, a->term_count);
    part->constant = constant;
    for (int i = 0; i < a->term_count; i++)
        if (chosen[i] == wanted)
            push(part, &a->terms[i], a->terms[i].coefficient);
    return part;
}

/* What the pair (c * (y % m), other) of a sum may be replaced by, or NULL: see the top. */
static const struct affine *joined(struct arena *arena, const struct affine_term *remainder,
                                   const struct affine_term *other) {
    int64_t divisor = remainder->constant, carried;
    const struct affine *whole;
    if (__builtin_mul_overflow(remainder->coefficient, divisor, &carried) ||
        other->coefficient != carried)
        return NULL;
    if (other->kind == ATOM_DIVIDE && other->constant == divisor) {
        if (!affine_equal(affine_residue(arena, other->operand, divisor), remainder->operand))
            return NULL;
        return other->operand;
    }
    if (other->kind == ATOM_REMAINDER && other->operand->term_count == 1) {
        const struct affine_term *inner = &other->operand->terms[0];
        int64_t product;
        if (inner->kind != ATOM_DIVIDE || inner->coefficient != 1 || inner->constant != divisor ||
            !affine_equal(affine_residue(arena, inner->operand, divisor), remainder->operand) ||
            __builtin_mul_overflow(divisor, other->constant, &product))
            return NULL;
        whole = affine_add_constant(arena, inner->operand, divisor * other->operand->constant);
        return affine_remainder(arena, whole, product);
    }
    return NULL;
}

static const struct affine *join_pieces(struct arena *arena, const struct affine *sum) {
    for (int i = 0; i < sum->term_count; i++) {
        const struct affine_term *remainder = &sum->terms[i];
        if (remainder->kind != ATOM_REMAINDER)
            continue;
        for (int j = 0; j < sum->term_count; j++) {
            const struct affine *whole = j == i ? NULL : joined(arena, remainder, &sum->terms[j]);
            struct affine *rest;
            if (!whole)
                continue;
            rest = affine_allocate(arena, sum->term_count);
            rest->constant = sum->constant;
            for (int k = 0; k < sum->term_count; k++)
                if (k != i && k != j)
                    push(rest, &sum->terms[k], sum->terms[k].coefficient);
            return affine_combine(arena, rest, 1, whole, remainder->coefficient);
        }
    }
    return sum;
}

const struct affine *affine_combine(struct arena *arena, const struct affine *a, int64_t a_factor,
                                    const struct affine *b, int64_t b_factor) {
    return join_pieces(arena, merge(arena, a, a_factor, b, b_factor));
}

const struct affine *affine_constant(struct arena *arena, int64_t value) {
    struct affine *constant = affine_allocate(arena, 0);
    constant->constant = value;
    return constant;
}

/* A variable of extent 1 is the number it always is. */
const struct affine *affine_variable(struct arena *arena, const struct variable *variable) {
    struct affine *a;
    if (variable->extent == 1)
        return affine_constant(arena, variable->minimum);
    a = affine_allocate(arena, 1);
    a->term_count = 1;
    a->terms[0].coefficient = 1;
    a->terms[0].kind = ATOM_VARIABLE;
    a->terms[0].variable = variable;
    return a;
}

const struct affine *affine_atom(struct arena *arena, enum atom_kind kind,
                                 const struct affine *operand, int64_t constant) {
    struct affine *a = affine_allocate(arena, 1);
    a->term_count = 1;
    a->terms[0].coefficient = 1;
    a->terms[0].kind = kind;
    a->terms[0].operand = operand;
    a->terms[0].constant = constant;
    return a;
}

const struct affine *affine_add(struct arena *arena, const struct affine *a,
                                const struct affine *b) {
    return affine_combine(arena, a, 1, b, 1);
}

const struct affine *affine_subtract(struct arena *arena, const struct affine *a,
                                     const struct affine *b) {
    return affine_combine(arena, a, 1, b, -1);
}

const struct affine *affine_add_constant(struct arena *arena, const struct affine *a, int64_t c) {
    struct affine *sum;
    if (c == 0)
        return a;
    sum = affine_allocate(arena, a->term_count);
    sum->term_count = a->term_count;
    sum->constant = a->constant + c;
    memcpy(sum->terms, a->terms, (size_t)a->term_count * sizeof a->terms[0]);
    return sum;
}

const struct affine *affine_scale(struct arena *arena, const struct affine *a, int64_t factor) {
    static const struct affine zero;
    return factor == 1 ? a : merge(arena, a, factor, &zero, 0);
}

static const struct affine *substitute_atom(struct arena *arena, const struct affine_term *term,
                                            const struct binding *bindings, int count) {
    const struct affine *operand;
    if (term->kind == ATOM_VARIABLE) {
        for (int i = 0; i < count; i++)
            if (bindings[i].variable == term->variable)
                return bindings[i].replacement;
        return affine_variable(arena, term->variable);
    }
    operand = affine_substitute(arena, term->operand, bindings, count);
    if (term->kind == ATOM_DIVIDE)
        return affine_divide(arena, operand, term->constant);
    if (term->kind == ATOM_REMAINDER)
        return affine_remainder(arena, operand, term->constant);
    return affine_minimum(arena, operand, term->constant);
}

const struct affine *affine_substitute(struct arena *arena, const struct affine *a,
                                       const struct binding *bindings, int count) {
    const struct affine *sum;
    bool bound = false;
    for (int i = 0; i < count && !bound; i++)
        bound = affine_uses(a, bindings[i].variable);
    if (!bound)
        return a;
    sum = affine_constant(arena, a->constant);
    for (int i = 0; i < a->term_count; i++) {
        const struct affine *atom = substitute_atom(arena, &a->terms[i], bindings, count);
        sum = affine_combine(arena, sum, 1, atom, a->terms[i].coefficient);
    }
    return sum;
}

bool affine_is_constant(const struct affine *a, int64_t *value) {
    if (a->term_count)
        return false;
    if (value)
        *value = a->constant;
    return true;
}

bool affine_uses(const struct affine *a, const struct variable *variable) {
    for (int i = 0; i < a->term_count; i++) {
        const struct affine_term *term = &a->terms[i];
        if (term->kind == ATOM_VARIABLE ? term->variable == variable
                                        : affine_uses(term->operand, variable))
            return true;
    }
    return false;
}

bool affine_coefficient(const struct affine *a, const struct variable *variable,
                        int64_t *coefficient) {
    *coefficient = 0;
    for (int i = 0; i < a->term_count; i++) {
        const struct affine_term *term = &a->terms[i];
        if (term->kind != ATOM_VARIABLE && affine_uses(term->operand, variable))
            return false;
        if (term->kind == ATOM_VARIABLE && term->variable == variable)
            *coefficient = term->coefficient;
    }
    return true;
}

static int64_t evaluate_atom(const struct affine_term *term, affine_value_of *value_of,
                             const void *context) {
    int64_t operand;
    if (term->kind == ATOM_VARIABLE)
        return value_of(context, term->variable);
    operand = affine_evaluate(term->operand, value_of, context);
    if (term->kind == ATOM_DIVIDE)
        return floor_divide(operand, term->constant);
    if (term->kind == ATOM_REMAINDER)
        return floor_remainder(operand, term->constant);
    return operand < term->constant ? operand : term->constant;
}

int64_t affine_evaluate(const struct affine *a, affine_value_of *value_of, const void *context) {
    int64_t sum = a->constant;
    for (int i = 0; i < a->term_count; i++)
        sum += a->terms[i].coefficient * evaluate_atom(&a->terms[i], value_of, context);
    return sum;
}
