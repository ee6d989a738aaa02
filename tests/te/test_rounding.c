/* The rules of rounding errors: operands are moved as far as their bounds allow, and the result
 * must stay within the bound that the rule gives it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/rounding.h"

#include <float.h>
#include <math.h>

#define UNIT (FLT_EPSILON / 2.0)

static double between(struct random *random, double low, double high) {
    return low + (high - low) * random_unit(random);
}

/* What the bound allows: gamma(t) M. */
static double bound(const struct reference_element *element) {
    return element->terms * UNIT / (1 - element->terms * UNIT) * element->magnitude;
}

/* A number anywhere within the bound, often at its ends. */
static double moved(struct random *random, const struct reference_element *element) {
    double part =
        random_below(random, 3) ? (random_below(random, 2) ? 1 : -1) : between(random, -1, 1);
    return element->value + 0.9999 * part * bound(element);
}

static void holds(struct random *random, enum operation operation, double low, double high) {
    int count = operations[operation].operand_count;
    struct reference_element operands[MAX_OPERANDS], result;
    double computed[MAX_OPERANDS], got;
    for (int i = 0; i < count; i++) {
        double value = between(random, low, high);
        operands[i].value = value;
        operands[i].magnitude = fabs(value) * between(random, 1, 20);
        operands[i].terms = (double)random_below(random, 100);
        computed[i] = moved(random, &operands[i]);
    }
    result = rounding_apply(operation, 1, FLT_EPSILON, operands);
    got = operation == OP_CONVERT ? computed[0] : operations[operation].evaluate(computed);
    got *=
        1 + UNIT * between(random, -1, 1) *
                (operation != OP_MAXIMUM && operation != OP_MINIMUM && operation != OP_ABSOLUTE &&
                 operation != OP_NEGATE && operation != OP_SELECT_LESS);
    assert_true(result.magnitude >= fabs(result.value));
    if (!(fabs(got - result.value) <= bound(&result)))
        fail_msg("%s: %.9g instead of %.9g, bound %.3g", operations[operation].name, got,
                 result.value, bound(&result));
}

static void every_operation_stays_within_its_bound(void **state) {
    static const struct {
        enum operation operation;
        double low, high;
    } cases[] = {
        {OP_ADD, -5, 5},         {OP_SUBTRACT, -5, 5},    {OP_MULTIPLY, -5, 5},
        {OP_DIVIDE, 0.01, 5},    {OP_DIVIDE, -5, -0.01},  {OP_MINIMUM, -5, 5},
        {OP_MAXIMUM, -5, 5},     {OP_NEGATE, -5, 5},      {OP_ABSOLUTE, -5, 5},
        {OP_SQUARE_ROOT, 0, 5},  {OP_EXPONENTIAL, -5, 5}, {OP_LOGARITHM, 0.01, 5},
        {OP_TANH, -5, 5},        {OP_ERF, -5, 5},         {OP_CONVERT, -5, 5},
        {OP_SELECT_LESS, -5, 5},
    };
    struct random random;
    (void)state;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int j = 0; j < 3000; j++)
            holds(&random, cases[i].operation, cases[i].low, cases[i].high);
}

/* A comparison that rounding may turn either way allows both results, a clear one does not. */
static void uncertain_comparisons_allow_both(void **state) {
    struct reference_element operands[] = {{1, 1, 10}, {1 + 1e-7, 1, 10}, {3, 3, 0}, {7, 7, 0}};
    struct reference_element result = rounding_apply(OP_SELECT_LESS, 1, FLT_EPSILON, operands);
    (void)state;
    assert_float_equal(result.value, 3, 0);
    assert_true(bound(&result) >= 4);
    operands[1].value = 2;
    result = rounding_apply(OP_SELECT_LESS, 1, FLT_EPSILON, operands);
    assert_float_equal(bound(&result), 0, 0);
}

/* A branch that is not taken leaves nothing behind, be it infinite. */
static void the_branch_that_is_taken_counts(void **state) {
    struct reference_element operands[] = {
        {1, 1, 3}, {2, 2, 3}, {5, 9, 4}, {-INFINITY, INFINITY, 7}};
    struct reference_element result = rounding_apply(OP_SELECT_LESS, 1, FLT_EPSILON, operands);
    (void)state;
    assert_true(result.value == 5 && result.magnitude == 9 && result.terms == 4);
}

/* Padding and masks of maxima and minima: what is infinite loses and leaves no trace. */
static void infinities_that_lose_do_not_count(void **state) {
    const struct reference_element number = {3, 8, 5}, smaller = {-1, 20, 2}, exact = {70, 70, 0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        enum operation operation = i ? OP_MINIMUM : OP_MAXIMUM;
        double infinity = i ? INFINITY : -INFINITY;
        const struct reference_element losers[] = {
            rounding_exact(infinity), {infinity, 0, 0}, {infinity, INFINITY, 6}};
        for (int l = 0; l < 3; l++)
            for (int first = 0; first < 2; first++) {
                struct reference_element operands[2] = {number, losers[l]};
                operands[first] = losers[l];
                operands[!first] = number;
                struct reference_element result =
                    rounding_apply(operation, 1, FLT_EPSILON, operands);
                assert_true(result.value == 3 && result.magnitude == 8 && result.terms == 5);
            }
    }
    struct reference_element result =
        rounding_apply(OP_MAXIMUM, 1, FLT_EPSILON, (struct reference_element[]){number, smaller});
    assert_true(result.value == 3 && result.magnitude == 20 && result.terms == 5);
    result =
        rounding_apply(OP_MAXIMUM, 1, FLT_EPSILON, (struct reference_element[]){number, exact});
    assert_true(result.value == 70 && result.magnitude == 70 && result.terms == 5);
    result = rounding_apply(
        OP_MAXIMUM, 1, FLT_EPSILON,
        (struct reference_element[]){rounding_exact(-INFINITY), rounding_exact(-INFINITY)});
    assert_true(result.value == -INFINITY && result.terms == 0);
}

/* Rounding in a coarser type weighs more: bf16 in units of f32. */
static void weights_count_roundings_of_other_types(void **state) {
    double weight = data_types[TYPE_BF16].epsilon / data_types[TYPE_F32].epsilon;
    struct reference_element operands[] = {{1.01, 1.01, 0}, {1, 1, 0}};
    struct reference_element result = rounding_apply(OP_ADD, weight, FLT_EPSILON, operands);
    (void)state;
    assert_float_equal(bound(&result) / (2.01 * data_types[TYPE_BF16].epsilon / 2), 1, 0.01);
    result = rounding_apply(OP_CONVERT, weight, FLT_EPSILON, operands);
    assert_float_equal(bound(&result) / (1.01 * data_types[TYPE_BF16].epsilon / 2), 1, 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_stays_within_its_bound),
        cmocka_unit_test(uncertain_comparisons_allow_both),
        cmocka_unit_test(the_branch_that_is_taken_counts),
        cmocka_unit_test(infinities_that_lose_do_not_count),
        cmocka_unit_test(weights_count_roundings_of_other_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
