/* Text of indices; see affine.h. */
#include "te/affine.h"

#include <inttypes.h>

/* An operand of / or %: in parentheses unless it is one name or number. */
static void print_operand(struct text *text, const struct affine *a) {
    bool simple = a->term_count == 1 && a->constant == 0 && a->terms[0].coefficient == 1 &&
                  a->terms[0].kind == ATOM_VARIABLE;
    if (!simple)
        text_append(text, "(");
    affine_print(text, a);
    if (!simple)
        text_append(text, ")");
}

static void print_atom(struct text *text, const struct affine_term *term) {
    switch (term->kind) {
    case ATOM_VARIABLE:
        text_append(text, term->variable->name);
        break;
    case ATOM_DIVIDE:
    case ATOM_REMAINDER:
        print_operand(text, term->operand);
        text_format(text, " %c %" PRId64, term->kind == ATOM_DIVIDE ? '/' : '%', term->constant);
        break;
    case ATOM_MINIMUM:
        text_append(text, "min(");
        affine_print(text, term->operand);
        text_format(text, ", %" PRId64 ")", term->constant);
        break;
    }
}

static void print_term(struct text *text, const struct affine_term *term, bool first) {
    bool infix = term->kind == ATOM_DIVIDE || term->kind == ATOM_REMAINDER;
    bool negative = term->coefficient < 0;
    bool scaled = term->coefficient != 1 && term->coefficient != -1;
    bool enclosed = infix && (scaled || (first && negative));
    if (first)
        text_append(text, negative ? "-" : "");
    else
        text_append(text, negative ? " - " : " + ");
    if (scaled)
        text_format(text, "%" PRId64 "*", negative ? -term->coefficient : term->coefficient);
    if (enclosed)
        text_append(text, "(");
    print_atom(text, term);
    if (enclosed)
        text_append(text, ")");
}

void affine_print(struct text *text, const struct affine *a) {
    for (int i = 0; i < a->term_count; i++)
        print_term(text, &a->terms[i], i == 0);
    if (a->term_count == 0)
        text_format(text, "%" PRId64, a->constant);
    else if (a->constant > 0)
        text_format(text, " + %" PRId64, a->constant);
    else if (a->constant < 0)
        text_format(text, " - %" PRId64, -a->constant);
}
