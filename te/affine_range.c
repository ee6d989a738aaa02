/* Ranges of indices by interval arithmetic; see affine.h. */
#include "te/affine_private.h"

#include <math.h>
#include <stdlib.h>

static bool own_range(const void *context, const struct variable *variable, int64_t *lowest,
                      int64_t *highest) {
    (void)context, (void)variable, (void)lowest, (void)highest;
    return false;
}

static void remainder_range(int64_t divisor, int64_t *lowest, int64_t *highest) {
    int64_t block = floor_divide(*lowest, divisor);
    if (block == floor_divide(*highest, divisor)) {
        *lowest -= block * divisor;
        *highest -= block * divisor;
    } else {
        *lowest = 0;
        *highest = divisor - 1;
    }
}

void affine_apply_atom(const struct affine_term *term, int64_t *lowest, int64_t *highest) {
    switch (term->kind) {
    case ATOM_VARIABLE:
        break;
    case ATOM_DIVIDE:
        *lowest = floor_divide(*lowest, term->constant);
        *highest = floor_divide(*highest, term->constant);
        break;
    case ATOM_REMAINDER:
        remainder_range(term->constant, lowest, highest);
        break;
    case ATOM_MINIMUM:
        *lowest = *lowest < term->constant ? *lowest : term->constant;
        *highest = *highest < term->constant ? *highest : term->constant;
        break;
    }
}

static void atom_range(const struct affine_term *term, affine_range_of *range, const void *context,
                       int64_t *lowest, int64_t *highest) {
    if (term->kind != ATOM_VARIABLE) {
        affine_range_with(term->operand, range, context, lowest, highest);
    } else if (!range(context, term->variable, lowest, highest)) {
        *lowest = term->variable->minimum;
        *highest = term->variable->minimum + term->variable->extent - 1;
    }
    affine_apply_atom(term, lowest, highest);
}

void affine_range_with(const struct affine *a, affine_range_of *range, const void *context,
                       int64_t *lowest, int64_t *highest) {
    int64_t low = a->constant, high = a->constant;
    for (int i = 0; i < a->term_count; i++) {
        int64_t coefficient = a->terms[i].coefficient, least, most;
        atom_range(&a->terms[i], range, context, &least, &most);
        low += coefficient * (coefficient > 0 ? least : most);
        high += coefficient * (coefficient > 0 ? most : least);
    }
    *lowest = low;
    *highest = high;
}

void affine_range(const struct affine *a, int64_t *lowest, int64_t *highest) {
    affine_range_with(a, own_range, NULL, lowest, highest);
}

double affine_magnitude(const struct affine *a) {
    double sum = fabs((double)a->constant);
    for (int i = 0; i < a->term_count; i++) {
        const struct affine_term *term = &a->terms[i];
        double atom;
        if (term->kind == ATOM_VARIABLE)
            atom = fabs((double)term->variable->minimum) + (double)term->variable->extent;
        else
            atom = affine_magnitude(term->operand) + (double)llabs(term->constant);
        sum += fabs((double)term->coefficient) * atom;
    }
    return sum;
}
