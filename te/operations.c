/* The tables of operations and combiners; see expression.h. */
#include "te/expression.h"

#include <math.h>

static double add(const double *x) {
    return x[0] + x[1];
}
static double subtract(const double *x) {
    return x[0] - x[1];
}
static double multiply(const double *x) {
    return x[0] * x[1];
}
static double divide(const double *x) {
    return x[0] / x[1];
}
/* A NaN wins; of zeros of both signs the second, by docs/numerics.md. */
static double minimum(const double *x) {
    return x[0] < x[1] || isnan(x[0]) ? x[0] : x[1];
}
static double maximum(const double *x) {
    return x[0] > x[1] || isnan(x[0]) ? x[0] : x[1];
}
static double negate(const double *x) {
    return -x[0];
}
static double absolute(const double *x) {
    return fabs(x[0]);
}
static double square_root(const double *x) {
    return sqrt(x[0]);
}
static double exponential(const double *x) {
    return exp(x[0]);
}
static double logarithm(const double *x) {
    return log(x[0]);
}
static double hyperbolic_tangent(const double *x) {
    return tanh(x[0]);
}
static double error_function(const double *x) {
    return erf(x[0]);
}
static double select_less(const double *x) {
    return x[0] < x[1] ? x[2] : x[3];
}

const struct operation_info operations[OPERATION_COUNT] = {
    [OP_CONSTANT] = {"constant", 0, false, NULL},
    [OP_READ] = {"read", 0, false, NULL},
    [OP_INDEX] = {"index", 0, false, NULL},
    [OP_PREVIOUS] = {"previous", 0, false, NULL},
    [OP_ADD] = {"+", 2, true, add},
    [OP_SUBTRACT] = {"-", 2, true, subtract},
    [OP_MULTIPLY] = {"*", 2, true, multiply},
    [OP_DIVIDE] = {"/", 2, true, divide},
    [OP_MINIMUM] = {"min", 2, false, minimum},
    [OP_MAXIMUM] = {"max", 2, false, maximum},
    [OP_NEGATE] = {"negate", 1, false, negate},
    [OP_ABSOLUTE] = {"abs", 1, false, absolute},
    [OP_SQUARE_ROOT] = {"sqrt", 1, false, square_root},
    [OP_EXPONENTIAL] = {"exp", 1, false, exponential},
    [OP_LOGARITHM] = {"log", 1, false, logarithm},
    [OP_TANH] = {"tanh", 1, false, hyperbolic_tangent},
    [OP_ERF] = {"erf", 1, false, error_function},
    [OP_SELECT] = {"select", 2, false, NULL},
    [OP_SELECT_LESS] = {"select_less", 4, false, select_less},
    [OP_CONVERT] = {"convert", 1, false, NULL},
};

const struct combiner_info combiners[COMBINER_COUNT] = {
    [COMBINE_NONE] = {"none", 0, OP_ADD},
    [COMBINE_SUM] = {"sum", 0, OP_ADD},
    [COMBINE_PRODUCT] = {"product", 1, OP_MULTIPLY},
    [COMBINE_MAXIMUM] = {"max", -INFINITY, OP_MAXIMUM},
    [COMBINE_MINIMUM] = {"min", INFINITY, OP_MINIMUM},
};
