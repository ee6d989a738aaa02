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

/* The comparison is uncertain where both sides may have moved past each other: then either answer
 * is honest, and their difference is as if it were a rounding error. */
static void through_select_less(struct reference_element *result, double epsilon,
                                const struct reference_element *a) {
    double moved = (a[0].terms * a[0].magnitude + a[1].terms * a[1].magnitude) * epsilon;
    result->magnitude = fmax(a[2].magnitude, a[3].magnitude);
    result->terms = fmax(a[2].terms, a[3].terms);
    if (moved > 0 && fabs(a[0].value - a[1].value) <= moved) {
        result->terms = fmax(result->terms, 1);
        result->magnitude += 2 * fabs(a[2].value - a[3].value) / epsilon;
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
        result.magnitude = larger(a[0].magnitude, a[1].magnitude);
        result.terms = larger(a[0].terms, a[1].terms);
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

double reference_tolerance(const struct reference_element *element, enum data_type type) {
    double unit = data_types[type].epsilon / 2, terms = element->terms;
    double certain = terms * unit < 0.5 ? terms * unit / (1 - terms * unit) : INFINITY;
    double probable = expm1(DEVIATIONS * sqrt(terms) * unit + terms * unit * unit);
    double rounding = certain < probable ? certain : probable;
    if (terms == 0)
        return 0;
    return rounding * element->magnitude + terms * FLT_TRUE_MIN;
}
