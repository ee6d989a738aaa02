/* Indices in C.
 *
 * C divides towards zero, an index downwards. The two agree on operands that are not negative, and
 * the range of an operand is known; one that may be negative is first shifted by a multiple of the
 * divisor: floor(x / d) = (x + k*d) / d - k, and x mod d = (x + k*d) mod d. */
#include "targets/c/print_private.h"

#include <inttypes.h>

static bool is_simple(const struct affine *index) {
    if (index->term_count == 0)
        return index->constant >= 0;
    return index->term_count == 1 && index->constant == 0 && index->terms[0].coefficient == 1 &&
           index->terms[0].kind == ATOM_VARIABLE;
}

void print_index_operand(struct text *text, const struct affine *index) {
    bool simple = is_simple(index);
    if (!simple)
        text_append(text, "(");
    print_index(text, index);
    if (!simple)
        text_append(text, ")");
}

/* How many divisors must be added so that the operand is never negative. */
static int64_t shift_of(const struct affine_term *term) {
    int64_t lowest, highest;
    affine_range(term->operand, &lowest, &highest);
    return lowest < 0 ? -floor_divide(lowest, term->constant) : 0;
}

static void print_quotient(struct text *text, const struct affine_term *term) {
    int64_t shift = shift_of(term);
    text_append(text, "(");
    if (shift == 0) {
        print_index_operand(text, term->operand);
    } else {
        text_append(text, "(");
        print_index(text, term->operand);
        text_format(text, " + %" PRId64 ")", shift * term->constant);
    }
    text_format(text, " %c %" PRId64, term->kind == ATOM_DIVIDE ? '/' : '%', term->constant);
    if (shift != 0 && term->kind == ATOM_DIVIDE)
        text_format(text, " - %" PRId64, shift);
    text_append(text, ")");
}

static void print_atom(struct text *text, const struct affine_term *term) {
    switch (term->kind) {
    case ATOM_VARIABLE:
        print_variable(text, term->variable);
        break;
    case ATOM_DIVIDE:
    case ATOM_REMAINDER:
        print_quotient(text, term);
        break;
    case ATOM_MINIMUM:
        text_append(text, "(");
        print_index(text, term->operand);
        text_format(text, " < %" PRId64 " ? ", term->constant);
        print_index(text, term->operand);
        text_format(text, " : %" PRId64 ")", term->constant);
        break;
    }
}

void print_index(struct text *text, const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        bool negative = term->coefficient < 0;
        if (i == 0)
            text_append(text, negative ? "-" : "");
        else
            text_append(text, negative ? " - " : " + ");
        if (term->coefficient != 1 && term->coefficient != -1)
            text_format(text, "%" PRId64 " * ", negative ? -term->coefficient : term->coefficient);
        print_atom(text, term);
    }
    if (index->term_count == 0)
        text_format(text, "%" PRId64, index->constant);
    else if (index->constant != 0)
        text_format(text, index->constant > 0 ? " + %" PRId64 : " - %" PRId64,
                    index->constant > 0 ? index->constant : -index->constant);
}

void print_conditions(struct text *text, const struct affine *const *conditions, int count) {
    if (count == 0)
        text_append(text, "1");
    for (int i = 0; i < count; i++) {
        text_append(text, i > 0 ? " && " : "");
        print_index(text, conditions[i]);
        text_append(text, " >= 0");
    }
}
