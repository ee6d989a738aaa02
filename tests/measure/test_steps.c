/* Medians and percentiles of the steps of making candidates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/steps.h"

static void add(struct step_times *times, double lower, double all) {
    double steps[STEP_COUNT] = {[STEP_LOWER] = lower, [STEP_ALL] = all};
    step_times_add(times, steps);
}

static void expect_near(double have, double want) {
    assert_true(have > want * 0.95 && have < want * 1.05);
}

static void quantiles(void **state) {
    struct step_times times = {0};
    (void)state;
    assert_true(step_times_quantile(&times, STEP_ALL, 0.5) == 0);
    for (int i = 1; i <= 100; i++)
        add(&times, i, 10.0 * i);
    expect_near(step_times_quantile(&times, STEP_LOWER, 0.5), 50);
    expect_near(step_times_quantile(&times, STEP_LOWER, 0.95), 95);
    expect_near(step_times_quantile(&times, STEP_ALL, 0.95), 950);
    expect_near(step_times_quantile(&times, STEP_ALL, 1), 1000);
    assert_true(step_times_quantile(&times, STEP_LINK, 0.5) < 0.011);
}

/* What was not made does not count; what is out of range ends up at the ends. */
static void odd_ones(void **state) {
    struct step_times times = {0}, others = {0};
    (void)state;
    add(&times, 5, 0);
    assert_true(step_times_quantile(&times, STEP_LOWER, 0.5) == 0);
    add(&times, -1, 1e30);
    assert_true(step_times_quantile(&times, STEP_LOWER, 0.5) > 0);
    assert_true(step_times_quantile(&times, STEP_ALL, 0.5) > 1e6);
    add(&others, 7, 7);
    add(&others, 7, 7);
    step_times_merge(&times, &others);
    expect_near(step_times_quantile(&times, STEP_ALL, 0.5), 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantiles), cmocka_unit_test(odd_ones)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
