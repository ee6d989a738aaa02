/* The rules by which errors pass through operations; see evaluate.h. */
#include "rounding.h"

#include <float.h>
#include <math.h>

#ifndef M_SQRT1_2
#define M_SQRT1_2 0.70710678118654752440
#endif

/* Errors that dltune's documents promise of its functions, in units of the last place: twice as
 * many roundings. */
#define FUNCTION_ROUNDINGS 8

static const struct element anything = {.free = true};

struct element element_exact(double value) {
    return (struct element){.value = value};
}

struct element element_checked(struct element e) {
    if (isfinite(e.value) && fabs(e.value) + e.error > 0.99 * FLT_MAX)
        e.free = true;
    if (isnan(e.error) || (isinf(e.error) && isfinite(e.value)))
        e.free = true;
    return e;
}

static struct element rounded(double value, double error, double roundings) {
    struct element e = {.value = value, .error = error};
    if (isfinite(value))
        e.error += roundings * (UNIT * (fabs(value) + error) + SMALLEST);
    else
        e.error = 0;
    return element_checked(e);
}

/* Roundings of equal terms go one way, so nothing less than one for each term is certain. */
struct element element_of_sum(double sum, double magnitude, double error, double count) {
    struct element e = {.value = sum, .error = error};
    if (!isfinite(sum)) {
        e.error = 0;
        return e;
    }
    e.error += count * UNIT * 1.01 * (magnitude + error);
    e.free = magnitude + e.error > 0.99 * FLT_MAX;
    return e;
}

/* The larger relative slope is where the operand is nearest to zero. */
static struct element quotient(const struct element *a) {
    double least = fabs(a[1].value) - a[1].error, value = a[0].value / a[1].value;
    if (isnan(a[0].value) || isnan(a[1].value))
        return element_exact(NAN);
    if (isinf(a[1].value))
        return isinf(a[0].value) ? element_exact(NAN) : rounded(value, 0, 1);
    if (!(least > 0))
        return anything;
    if (isinf(a[0].value))
        return element_exact(value);
    return rounded(value, (a[0].error + fabs(value) * a[1].error) / least, 2);
}

/* Padding that is divided is padding still: the term of a reduction vanishes with it. */
static struct element divide(const struct element *a) {
    struct element e;
    if (a[0].padding && (isnan(a[1].value) || !(fabs(a[1].value) > a[1].error)))
        return anything;
    e = quotient(a);
    e.padding = a[0].padding;
    return e;
}

static struct element multiply(const struct element *a) {
    double value = a[0].value * a[1].value;
    double error =
        fabs(a[0].value) * a[1].error + fabs(a[1].value) * a[0].error + a[0].error * a[1].error;
    struct element e;
    for (int i = 0; i < 2; i++) {
        if (a[i].padding && !isfinite(a[1 - i].value))
            return anything;
        /* zero or not decides between NaN and infinity */
        if (isinf(a[1 - i].value) && a[i].error > 0 && fabs(a[i].value) <= a[i].error)
            return anything;
    }
    e = rounded(value, error, 1);
    e.padding = a[0].padding || a[1].padding;
    return e;
}

static struct element choose(enum operation operation, const struct element *a) {
    double error = 0;
    int chosen;
    if (isnan(a[0].value) || isnan(a[1].value))
        return element_exact(NAN);
    if (operation == VALUE_MAXIMUM)
        chosen = a[0].value > a[1].value ? 0 : 1;
    else
        chosen = a[0].value < a[1].value ? 0 : 1;
    error = a[chosen].error;
    if (fabs(a[0].value - a[1].value) <= a[0].error + a[1].error)
        error = fmax(a[0].error, a[1].error);
    return (struct element){.value = a[chosen].value, .error = error};
}

static struct element select_less(const struct element *a) {
    struct element chosen = a[a[0].value < a[1].value ? 2 : 3];
    double moved = a[0].error + a[1].error;
    if (moved > 0 && fabs(a[0].value - a[1].value) <= moved) {
        if (!isfinite(a[2].value) || !isfinite(a[3].value))
            return anything;
        chosen.error = fmax(a[2].error, a[3].error) + fabs(a[2].value - a[3].value);
    }
    chosen.padding = false;
    return chosen;
}

static struct element square_root(const struct element *a) {
    double value = sqrt(a->value), low;
    if (!isfinite(a->value) || a->error == 0)
        return rounded(value, 0, 1);
    if (a->value < a->error)
        return anything;
    low = sqrt(a->value - a->error);
    return rounded(value, value - low, 1);
}

static struct element logarithm(const struct element *a) {
    double value = log(a->value);
    if (!isfinite(a->value) || a->error == 0)
        return rounded(value, 0, FUNCTION_ROUNDINGS);
    if (a->value <= 2 * a->error)
        return anything;
    return rounded(value, value - log(a->value - a->error), FUNCTION_ROUNDINGS);
}

static struct element exponential(const struct element *a) {
    double value = exp(a->value);
    return rounded(value, value * expm1(a->error), FUNCTION_ROUNDINGS);
}

static struct element sigmoid(const struct element *a) {
    double value = a->value < 0 ? exp(a->value) / (1 + exp(a->value)) : 1 / (1 + exp(-a->value));
    double error = fmin(a->error / 4, 1);
    if (a->value < -1) /* the slope is at most the value there */
        error = fmin(error, value * expm1(a->error));
    return rounded(value, error, FUNCTION_ROUNDINGS);
}

static struct element gelu(const struct element *a) {
    double x = a->value, value = x * 0.5 * (1 + erf(x * M_SQRT1_2));
    if (isinf(x))
        return element_exact(x > 0 ? x : NAN);
    return rounded(value, 1.13 * a->error + 8 * UNIT * fabs(x), 1);
}

static struct element hardswish(const struct element *a) {
    double x = a->value, line = x / 6 + 0.5, clipped = fmin(fmax(line, 0), 1), error;
    if (isnan(x) || isinf(x))
        return element_exact(x > 0 ? x : NAN);
    error = line > 1.001 || line < -0.001 ? 0 : 4 * UNIT * (fabs(x) / 6 + 0.5) + a->error / 6;
    return rounded(x * clipped, fabs(x) * error + (clipped + error) * a->error, 1);
}

struct element element_apply(enum operation operation, const struct element *a) {
    switch (operation) {
    case VALUE_ADD:
        return rounded(a[0].value + a[1].value, a[0].error + a[1].error, 1);
    case VALUE_SUBTRACT:
        return rounded(a[0].value - a[1].value, a[0].error + a[1].error, 1);
    case VALUE_MULTIPLY:
        return multiply(a);
    case VALUE_DIVIDE:
        return divide(a);
    case VALUE_MINIMUM:
    case VALUE_MAXIMUM:
        return choose(operation, a);
    case VALUE_NEGATE:
        return (struct element){.value = -a->value, .error = a->error, .padding = a->padding};
    case VALUE_ABSOLUTE:
        return (struct element){.value = fabs(a->value), .error = a->error};
    case VALUE_SQUARE_ROOT:
        return square_root(a);
    case VALUE_EXPONENTIAL:
        return exponential(a);
    case VALUE_LOGARITHM:
        return logarithm(a);
    case VALUE_TANH:
        return rounded(tanh(a->value), fmin(a->error, 2), FUNCTION_ROUNDINGS);
    case VALUE_ERF:
        return rounded(erf(a->value), fmin(1.13 * a->error, 2), FUNCTION_ROUNDINGS);
    case VALUE_SELECT_LESS:
        return select_less(a);
    case VALUE_SIGMOID:
        return sigmoid(a);
    case VALUE_GELU:
        return gelu(a);
    case VALUE_HARDSWISH:
        return hardswish(a);
    default:
        return anything;
    }
}

bool element_allows(const struct element *element, float number) {
    double difference;
    if (element->free)
        return true;
    if (isnan(element->value))
        return isnan(number);
    if (isinf(element->value))
        return (double)number == element->value;
    difference = fabs((double)number - element->value);
    return difference <= element->error;
}
