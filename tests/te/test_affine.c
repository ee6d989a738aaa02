/* Indices: canonical forms, ranges, text, and random ones against plain arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/affine.h"

#include <string.h>

static struct arena arena;
static const struct variable o = {"o", 0, 0, 7}, i = {"i", 1, 0, 32}, x = {"x", 2, 0, 100},
                             y = {"y", 3, 0, 3}, one = {"one", 4, 5, 1}, z = {"z", 5, -10, 21};

static const struct affine *var(const struct variable *variable) {
    return affine_variable(&arena, variable);
}

/* a_factor * a + b_factor * b + constant */
static const struct affine *sum(int64_t a_factor, const struct affine *a, int64_t b_factor,
                                const struct affine *b, int64_t constant) {
    const struct affine *scaled = affine_scale(&arena, b, b_factor);
    return affine_add_constant(
        &arena, affine_add(&arena, affine_scale(&arena, a, a_factor), scaled), constant);
}

static void expect(const struct affine *a, const char *text) {
    struct text printed = {0};
    affine_print(&printed, a);
    assert_string_equal(text_string(&printed), text);
    text_free(&printed);
}

static void sums(void **state) {
    const struct affine *a = sum(2, var(&x), 3, var(&o), -4);
    (void)state;
    expect(a, "3*o + 2*x - 4");
    expect(affine_subtract(&arena, a, a), "0");
    expect(affine_scale(&arena, a, 0), "0");
    expect(affine_scale(&arena, var(&x), -1), "-x");
    expect(var(&one), "5");
    assert_true(affine_equal(sum(1, var(&x), 1, var(&o), 0), sum(1, var(&o), 1, var(&x), 0)));
    assert_false(affine_equal(var(&x), var(&o)));
}

static void divisions(void **state) {
    const struct affine *split = sum(32, var(&o), 1, var(&i), 0), *x_third;
    (void)state;
    expect(affine_divide(&arena, split, 32), "o");
    expect(affine_remainder(&arena, split, 32), "i");
    expect(affine_divide(&arena, sum(64, var(&o), 1, var(&x), 0), 16), "4*o + x / 16");
    expect(affine_remainder(&arena, sum(64, var(&o), 1, var(&x), 0), 16), "x % 16");
    expect(affine_divide(&arena, affine_divide(&arena, var(&x), 3), 5), "x / 15");
    expect(affine_divide(&arena, sum(4, var(&x), 1, var(&y), 0), 16), "x / 4");
    expect(affine_remainder(&arena, sum(4, var(&x), 1, var(&y), 0), 16), "y + 4*(x % 4)");
    expect(affine_divide(&arena, sum(6, var(&x), 0, var(&y), 9), 4), "x + x / 2 + 2");
    expect(affine_remainder(&arena, var(&x), 100), "x");
    expect(affine_remainder(&arena, sum(1, var(&x), 0, var(&x), 100), 100), "x");
    expect(affine_divide(&arena, sum(1, var(&z), 0, var(&z), 0), 100), "z / 100");
    expect(affine_divide(&arena, sum(-1, var(&i), 0, var(&i), 31), 32), "0");
    expect(affine_remainder(&arena, affine_remainder(&arena, var(&x), 32), 8), "x % 8");
    expect(affine_divide(&arena, affine_remainder(&arena, var(&x), 32), 8), "(x / 8) % 4");
    expect(affine_add(&arena, affine_scale(&arena, affine_divide(&arena, var(&x), 20), 4),
                      affine_remainder(&arena, affine_divide(&arena, var(&x), 5), 4)),
           "x / 5");
    expect(affine_remainder(&arena, affine_divide(&arena, var(&x), 8), 13), "x / 8");
    x_third = affine_scale(&arena, affine_divide(&arena, var(&x), 3), 5);
    x_third = affine_scale(&arena, affine_remainder(&arena, x_third, 6), 2);
    expect(affine_remainder(&arena, x_third, 3), "(x / 3) % 3");
}

static void pieces(void **state) {
    const struct affine *shifted = sum(1, var(&x), 5, var(&o), 3);
    const struct affine *high = affine_divide(&arena, shifted, 4);
    const struct affine *low = affine_remainder(&arena, shifted, 4);
    const struct affine *middle = affine_remainder(&arena, high, 8);
    const struct affine *top = affine_divide(&arena, shifted, 32);
    (void)state;
    assert_true(affine_equal(sum(4, high, 1, low, 0), shifted));
    expect(sum(8, high, 2, low, 0), "10*o + 2*x + 6");
    assert_true(affine_equal(sum(1, sum(4, middle, 1, low, 0), 32, top, 0), shifted));
    assert_true(affine_equal(
        sum(16, affine_divide(&arena, var(&x), 16), 1, affine_remainder(&arena, var(&x), 16), 0),
        var(&x)));
}

static void minima(void **state) {
    (void)state;
    expect(affine_minimum(&arena, var(&x), 99), "x");
    expect(affine_minimum(&arena, var(&x), 98), "min(x, 98)");
    expect(affine_minimum(&arena, var(&x), 0), "0");
    expect(affine_minimum(&arena, sum(2, var(&x), 0, var(&x), 5), 45), "2*min(x, 20) + 5");
    expect(affine_minimum(&arena, affine_minimum(&arena, var(&x), 40), 30), "min(x, 30)");
}

/* The largest sizes that te/limits.h lets in stay within 64 bits. */
static void huge_numbers(void **state) {
    static const struct variable huge = {"huge", 7, 0, INT64_C(1) << 31};
    int64_t lowest, highest, divisor = INT64_C(1) << 40;
    const struct affine *a = affine_remainder(&arena, sum(-1, var(&huge), -3, var(&x), 0), divisor);
    (void)state;
    expect(a, "(-3*x - huge) % 1099511627776");
    affine_range(a, &lowest, &highest);
    assert_int_equal(lowest, 0);
    assert_int_equal(highest, divisor - 1);
    a = affine_divide(&arena, sum(-1, var(&huge), 0, var(&x), -1), divisor);
    expect(a, "-1");
    assert_true(affine_magnitude(var(&huge)) >= 0x1p31);
}

static void ranges(void **state) {
    int64_t lowest, highest, coefficient;
    const struct affine *a = sum(-2, var(&x), 1, var(&z), 1);
    (void)state;
    affine_range(a, &lowest, &highest);
    assert_int_equal(lowest, -198 - 10 + 1);
    assert_int_equal(highest, 11);
    affine_range(affine_divide(&arena, a, 7), &lowest, &highest);
    assert_int_equal(lowest, -30);
    assert_int_equal(highest, 1);
    assert_true(affine_coefficient(a, &x, &coefficient));
    assert_int_equal(coefficient, -2);
    assert_false(affine_coefficient(affine_divide(&arena, a, 7), &z, &coefficient));
    assert_true(affine_uses(affine_divide(&arena, a, 7), &z));
    assert_false(affine_uses(a, &o));
    assert_int_equal(floor_divide(-7, 2), -4);
    assert_int_equal(floor_remainder(-7, 2), 1);
}

/* Random formulas: each step is done on indices and on all values at once. */

enum {
    VARIABLES = 3,
    POINTS = 4 * 5 * 7,
    STEPS = 12
};

struct formula {
    const struct affine *index;
    int64_t values[POINTS];
};

static const struct variable small[VARIABLES] = {
    {"a", 10, 0, 4}, {"b", 11, -2, 5}, {"c", 12, 1, 7}};

static int64_t value_at(const void *point, const struct variable *variable) {
    int number = *(const int *)point;
    if (variable == &small[0])
        return number % 4;
    return variable == &small[1] ? number / 4 % 5 - 2 : number / 20 + 1;
}

static int64_t minimum(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void make_step(struct random *random, const struct formula *a, const struct formula *b,
                      struct formula *result) {
    static const int divisors[] = {1, 2, 3, 4, 6, 7, 8, 12, 16};
    int64_t factor = (int64_t)random_below(random, 9) - 4,
            divisor = divisors[random_below(random, 9)];
    int64_t bound = (int64_t)random_below(random, 21) - 6;
    int kind = (int)random_below(random, 6);
    for (int point = 0; point < POINTS; point++) {
        int64_t left = a->values[point], right = b->values[point];
        result->values[point] = kind == 0   ? left + right
                                : kind == 1 ? left - right
                                : kind == 2 ? left * factor + bound
                                : kind == 3 ? floor_divide(left, divisor)
                                : kind == 4 ? floor_remainder(left, divisor)
                                            : minimum(left, bound);
    }
    result->index = kind == 0   ? affine_add(&arena, a->index, b->index)
                    : kind == 1 ? affine_subtract(&arena, a->index, b->index)
                    : kind == 2
                        ? affine_add_constant(&arena, affine_scale(&arena, a->index, factor), bound)
                    : kind == 3 ? affine_divide(&arena, a->index, divisor)
                    : kind == 4 ? affine_remainder(&arena, a->index, divisor)
                                : affine_minimum(&arena, a->index, bound);
}

static void check_formula(const struct formula *formula) {
    int64_t lowest, highest;
    affine_range(formula->index, &lowest, &highest);
    for (int point = 0; point < POINTS; point++) {
        assert_int_equal(affine_evaluate(formula->index, value_at, &point), formula->values[point]);
        assert_true(formula->values[point] >= lowest && formula->values[point] <= highest);
    }
}

/* Substituting a = 2*d + e must give what the formula gives at that a. */
static void check_substitution(const struct formula *formula) {
    static const struct variable d = {"d", 20, 0, 2}, e = {"e", 21, 0, 2};
    struct binding first = {&small[0], sum(2, var(&d), 1, var(&e), 0)};
    const struct affine *replaced = affine_substitute(&arena, formula->index, &first, 1);
    assert_false(affine_uses(replaced, &small[0]));
    for (int point = 0; point < POINTS; point++) {
        struct binding second[2] = {{&d, affine_constant(&arena, point % 4 / 2)},
                                    {&e, affine_constant(&arena, point % 2)}};
        const struct affine *fixed = affine_substitute(&arena, replaced, second, 2);
        assert_int_equal(affine_evaluate(fixed, value_at, &point), formula->values[point]);
    }
}

static void random_formulas(void **state) {
    struct random random;
    (void)state;
    random_seed(&random, 1);
    for (int round = 0; round < 6000; round++) {
        struct formula formulas[VARIABLES + STEPS];
        struct arena kept = arena;
        arena_initialise(&arena);
        for (int v = 0; v < VARIABLES; v++) {
            formulas[v].index = var(&small[v]);
            for (int point = 0; point < POINTS; point++)
                formulas[v].values[point] = value_at(&point, &small[v]);
        }
        for (int step = VARIABLES; step < VARIABLES + STEPS; step++) {
            make_step(&random, &formulas[random_below(&random, (uint64_t)step)],
                      &formulas[random_below(&random, (uint64_t)step)], &formulas[step]);
            check_formula(&formulas[step]);
        }
        check_substitution(&formulas[VARIABLES + STEPS - 1]);
        arena_free(&arena);
        arena = kept;
    }
}

/* Packing what was unpacked gives the index back, whatever the blocks. */
static void random_pieces(void **state) {
    struct random random;
    (void)state;
    random_seed(&random, 2);
    for (int round = 0; round < 2000; round++) {
        int64_t a = 2 + (int64_t)random_below(&random, 9),
                b = 2 + (int64_t)random_below(&random, 9);
        const struct affine *whole =
            sum((int64_t)random_below(&random, 9) - 4, var(&x),
                (int64_t)random_below(&random, 9) - 4, var(&z), (int64_t)random_below(&random, 50));
        const struct affine *low = affine_remainder(&arena, whole, a);
        const struct affine *rest = affine_divide(&arena, whole, a);
        assert_true(affine_equal(sum(a, rest, 1, low, 0), whole));
        assert_true(
            affine_equal(affine_divide(&arena, rest, b), affine_divide(&arena, whole, a * b)));
        rest = sum(a, affine_remainder(&arena, rest, b), a * b, affine_divide(&arena, whole, a * b),
                   0);
        assert_true(affine_equal(sum(1, rest, 1, low, 0), whole));
    }
}

static int set_up(void **state) {
    (void)state;
    arena_initialise(&arena);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(divisions),
        cmocka_unit_test(pieces),
        cmocka_unit_test(minima),
        cmocka_unit_test(ranges),
        cmocka_unit_test(huge_numbers),
        cmocka_unit_test(random_formulas),
        cmocka_unit_test(random_pieces),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
