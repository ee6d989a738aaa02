/* Counts of operations: by hand for small cases, against plain enumeration for random conditions,
 * and at once for sizes nobody could enumerate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/count_points.h"
#include "te/expression.h"

static void expect(const char *text, double operations, double nominal) {
    struct arena arena;
    struct expression *expression = NULL;
    struct error error = {0};
    arena_initialise(&arena);
    if (expression_parse(&arena, text, &expression, &error))
        fail_msg("%s", error.message);
    assert_float_equal(expression_operations(expression, false), operations, 0);
    assert_float_equal(expression_operations(expression, true), nominal, 0);
    arena_free(&arena);
}

/* Taps of a window of `taps` that fall on `size` real elements, over `size` places, padding 1. */
static double real_taps(int size, int taps) {
    int count = 0;
    for (int y = 0; y < size; y++)
        for (int r = 0; r < taps; r++)
            count += y + r - 1 >= 0 && y + r - 1 < size;
    return count;
}

static void convolutions(void **state) {
    (void)state;
    expect("input x[c=4, h=7, w=9] f32 variable\n"
           "input weight[k=5, c=4, r=3, s=3] f32 parameter\n"
           "conv[k=5, y=7, x=9] f32 = sum(c=4, r=3, s=3) select(0 <= y + r - 1 < 7, "
           "0 <= x + s - 1 < 9, x[c, y + r - 1, x + s - 1], 0) * weight[k, c, r, s]\n"
           "out[k=5, y=7, x=9] f32 = max(conv[k, y, x], 0)",
           2 * 5 * 4 * real_taps(7, 3) * real_taps(9, 3) + 5 * 7 * 9,
           2.0 * 5 * 4 * 9 * 7 * 9 + 5 * 7 * 9);
    expect("input x[c=2048, h=10000, w=10000] f32 variable\n"
           "conv[k=2048, y=10000, x=10000] f32 = sum(c=2048, r=3, s=3) select(0 <= y + r - 1 < "
           "10000, 0 <= x + s - 1 < 10000, x[c, y + r - 1, x + s - 1], 0) * 3",
           2.0 * 2048 * 2048 * real_taps(10000, 3) * real_taps(10000, 3), 2.0 * 2048 * 2048 * 9e8);
}

static void other_bodies(void **state) {
    (void)state;
    expect("input a[m=3, k=5] f32 variable\ninput b[k=5, n=4] f32 variable\n"
           "c[m=3, n=4] f32 = sum(k=5) a[m, k] * b[k, n]",
           120, 120);
    /* a maximum over padding whose other value is the identity; the same with another value */
    expect("input x[h=6] f32 variable\n"
           "m[y=6] f32 = max(r=3) select(0 <= y + r - 1 < 6, x[y + r - 1], -inf)",
           16, 18);
    expect("input x[h=6] f32 variable\n"
           "m[y=6] f32 = max(r=3) select(0 <= y + r - 1 < 6, x[y + r - 1], 0)",
           18, 18);
    /* operations in either branch count where that branch is taken */
    expect("input x[h=10] f32 variable\n"
           "y[i=10] f32 = select(i < 3, x[i] + x[i] * x[i], exp(x[i])) - 1",
           3 * 2 + 7 + 10, 30);
    expect("input x[h=10] f32 variable\ny[i=10] f32 = select(i < 3, x[i], 0) * 2 + 1", 2 * 3, 20);
    expect("input x[h=10] f32 variable\ny[i=10] f32 = x[i]", 0, 0);
    /* what follows from parameters alone is done ahead, if there are any */
    expect("input w[k=8, c=8] f32 parameter\ns[k=8] f32 = sum(c=8) w[k, c]\n"
           "input x[k=8] f32 variable\ny[k=8] f32 = x[k] * s[k]",
           8, 8);
    expect("s[k=8] f32 = sum(c=8) index(k + c)\n"
           "input x[k=8] f32 variable\ny[k=8] f32 = x[k] * s[k]",
           8 * 8 + 8, 8 * 8 + 8);
    expect("input w[k=8, c=8] f32 parameter\ns[k=8] f32 = sum(c=8) w[k, c]", 8 * 8, 8 * 8);
    expect(
        "input x[h=10] f32 variable\n"
        "y[i=19] f32 = sum(r=3) select(0 <= i - r < 19, (i - r) % 2 <= 0, x[(i - r) / 2], 0) * 2",
        2 * 28, 2 * 57);
}

struct point {
    const struct variable *variables;
    int64_t values[4];
};

static int64_t value_of(const void *context, const struct variable *variable) {
    const struct point *point = context;
    return point->values[variable - point->variables];
}

static const struct affine *random_condition(struct arena *arena, struct random *random,
                                             const struct variable *variables) {
    const struct affine *sum = affine_constant(arena, (int64_t)random_below(random, 13) - 4);
    for (int terms = 0; terms < 2; terms++) {
        const struct affine *term = affine_variable(arena, &variables[random_below(random, 4)]);
        if (random_below(random, 4) == 0)
            term = affine_divide(arena, affine_scale(arena, term, 2), 3);
        term = affine_scale(arena, term, (int64_t)random_below(random, 7) - 3);
        sum = affine_add(arena, sum, term);
    }
    return sum;
}

static void random_conditions(void **state) {
    static const struct variable variables[4] = {
        {"a", 0, 0, 5}, {"b", 1, 0, 4}, {"c", 2, -3, 7}, {"d", 3, 2, 3}};
    const struct variable *all[4] = {&variables[0], &variables[1], &variables[2], &variables[3]};
    struct random random;
    (void)state;
    random_seed(&random, 3);
    for (int round = 0; round < 2000; round++) {
        struct arena arena;
        struct point point = {variables, {0}};
        const struct affine *conditions[3];
        int count = (int)random_below(&random, 4), expected = 0;
        arena_initialise(&arena);
        for (int c = 0; c < count; c++)
            conditions[c] = random_condition(&arena, &random, variables);
        for (int i = 0; i < 5 * 4 * 7 * 3; i++) {
            bool holds = true;
            point.values[0] = i % 5, point.values[1] = i / 5 % 4;
            point.values[2] = i / 20 % 7 - 3, point.values[3] = i / 140 + 2;
            for (int c = 0; c < count; c++)
                holds = holds && affine_evaluate(conditions[c], value_of, &point) >= 0;
            expected += holds;
        }
        assert_float_equal(count_points(4, all, count, conditions), expected, 0);
        arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions),
        cmocka_unit_test(other_bodies),
        cmocka_unit_test(random_conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
