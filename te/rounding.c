/* The rules of rounding.h, and the tolerance they lead to. Derivations: docs/checking.md. */
#include "te/rounding.h"

#include <float.h>
#include <math.h>

/* Functions that targets compute by polynomials are allowed this many roundings of their own. */
#define FUNCTION_ROUNDINGS 8.0
/* Deviations of this many standard deviations are taken not to happen: Higham and Mary's bound then
 * fails with a probability below 2 t exp(-32). */
#define DEVIATIONS 8.0

/* A continuous function with |f'| <= slope around the operand. */
static void through_function(struct reference_element *result, double slope, double weight,
                             const struct reference_element *a) {
    result->magnitude = fmax(fabs(result->value), slope * a->magnitude);
    result->terms = a->terms + FUNCTION_ROUNDINGS * weight;
}

/* No more than this has a quantity moved; twice what gamma allows, so that it holds for many
 * terms. */
static double movement(double epsilon, const struct reference_element *a) {
    return a->terms > 0 ? a->terms * a->magnitude * epsilon : 0;
}

/* The comparison is uncertain where both sides may have moved past each other: then either answer
 * is honest, and their difference is as if it were a rounding error. */
static void through_select_less(struct reference_element *result, double epsilon,
                                const struct reference_element *a) {
    double moved = movement(epsilon, &a[0]) + movement(epsilon, &a[1]);
    bool uncertain = moved > 0 && fabs(a[0].value - a[1].value) <= moved;
    *result = a[a[0].value < a[1].value ? 2 : 3];
    if (uncertain) {
        result->magnitude =
            fmax(a[2].magnitude, a[3].magnitude) + 2 * fabs(a[2].value - a[3].value) / epsilon;
        result->terms = fmax(fmax(a[2].terms, a[3].terms), 1);
    }
}

/* The larger or smaller of two moves by no more than they do. What is exact does not move, nor what
 * is infinite: padding and masks of a maximum, which lose against any number. */
static void through_choice(struct reference_element *result, const struct reference_element *a) {
    result->magnitude = fabs(result->value);
    result->terms = 0;
    for (int i = 0; i < 2; i++)
        if (a[i].terms > 0 && !isinf(a[i].value)) {
            result->magnitude = fmax(result->magnitude, a[i].magnitude);
            result->terms = fmax(result->terms, a[i].terms);
        }
}

static void divide(struct reference_element *result, double weight,
                   const struct reference_element *a) {
    double condition = a[1].magnitude / fabs(a[1].value);
    result->magnitude = a[0].magnitude / fabs(a[1].value) * condition;
    result->terms = a[0].terms + a[1].terms;
    if (a[1].terms > 0)
        result->terms *= 2;
    result->terms += weight;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

struct reference_element rounding_apply_other(enum operation operation, double weight,
                                              double epsilon, const struct reference_element *a) {
    double values[MAX_OPERANDS] = {0};
    struct reference_element result = a[0];
    for (int i = 0; i < operations[operation].operand_count; i++)
        values[i] = a[i].value;
    if (operations[operation].evaluate)
        result.value = operations[operation].evaluate(values);
    switch (operation) {
    case OP_DIVIDE:
        divide(&result, weight, a);
        break;
    case OP_MINIMUM:
    case OP_MAXIMUM:
        through_choice(&result, a);
        break;
    case OP_CONVERT:
        result.terms += weight;
        break;
    case OP_SQUARE_ROOT:
        through_function(&result,
                         1 / sqrt(larger(fabs(values[0]), epsilon * a->magnitude) + DBL_MIN),
                         weight, a);
        break;
    case OP_EXPONENTIAL:
        through_function(&result, 2 * result.value, weight, a);
        break;
    case OP_LOGARITHM:
        through_function(&result, 2 / fabs(values[0]), weight, a);
        break;
    case OP_TANH:
    case OP_ERF:
        through_function(&result, 1.2, weight, a);
        break;
    case OP_SELECT_LESS:
        through_select_less(&result, epsilon, a);
        break;
    default: /* negation, absolute value: exact */
        break;
    }
    return result;
}

/* Its square root, DEVIATIONS times, is `terms`. */
double rounding_terms_alike(double terms) {
    return fmax(terms, terms * terms / (DEVIATIONS * DEVIATIONS));
}

double reference_tolerance(const struct reference_element *element, enum data_type type) {
    double unit = data_types[type].epsilon / 2, terms = element->terms;
    double certain = terms * unit < 0.5 ? terms * unit / (1 - terms * unit) : INFINITY;
    double probable = expm1(DEVIATIONS * sqrt(terms) * unit + terms * unit * unit);
    double rounding = certain < probable ? certain : probable;
    if (terms == 0)
        return 0;
    return rounding * element->magnitude + terms * FLT_TRUE_MIN;
}
