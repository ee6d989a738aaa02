/* Counters through a stand-in for PAPI: what is counted, what is refused, and their absence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/clock.h"
#include "measure/counters.h"

#include <math.h>
#include <string.h>

/* Each call counts so much of each; one at a time. */
struct fake {
    double per_call[COUNTER_COUNT];
    int running; /* counter + 1 */
    long calls, all_calls;
    unsigned fails_to_start, fails_to_stop;
};

static void call(void *context) {
    struct fake *fake = context;
    fake->calls++;
    fake->all_calls++;
}

static bool start(void *context, enum counter counter) {
    struct fake *fake = context;
    assert_int_equal(fake->running, 0);
    if (fake->fails_to_start >> counter & 1)
        return false;
    fake->running = (int)counter + 1;
    fake->calls = 0;
    return true;
}

static bool stop(void *context, long long *value) {
    struct fake *fake = context;
    int counter = fake->running - 1;
    assert_true(counter >= 0);
    fake->running = 0;
    *value = (long long)(fake->per_call[counter] * (double)fake->calls);
    return !(fake->fails_to_stop >> counter & 1);
}

enum {
    ALL = (1 << COUNTER_COUNT) - 1
};

/* 1000 ns a call at 4 GHz. */
static struct fake plausible(void) {
    return (struct fake){.per_call = {4000, 8000, 500, 100, 10}};
}

static struct measure_counters measure(struct fake *fake, unsigned available) {
    struct counter_source source = {available, start, stop, fake};
    struct measure_counters counters;
    counters_measure(&source, call, fake, 10, 1000, &counters);
    return counters;
}

static void counted(void **state) {
    struct fake fake = plausible();
    struct measure_counters counters = measure(&fake, ALL);
    struct counter_rates rates = counters_rates(&counters, 64000, 64);
    struct text text = {0};
    (void)state;
    assert_int_equal(counters.present, ALL);
    assert_int_equal(counters.refused, 0);
    assert_int_equal(fake.all_calls, 10 * COUNTER_COUNT);
    for (int i = 0; i < COUNTER_COUNT; i++)
        assert_true(counters.values[i] == fake.per_call[i]);
    assert_true(rates.operations_a_cycle == 16 && rates.instructions_a_cycle == 2);
    assert_true(rates.misses_a_thousand[COUNTER_L2_MISSES] == 12.5);
    assert_true(rates.bytes_moved == 640);
    counters_print(&text, &counters);
    assert_string_equal(text_string(&text), "cycles=4000 instructions=8000 l1_misses=500 "
                                            "l2_misses=100 l3_misses=10");
    text_free(&text);
}

static void none(void **state) {
    struct fake fake = plausible();
    struct measure_counters counters = measure(&fake, 0);
    struct counter_rates rates = counters_rates(&counters, 1000, 64);
    struct text text = {0};
    (void)state;
    assert_true(counters.present == 0 && counters.refused == 0 && fake.all_calls == 0);
    assert_true(rates.operations_a_cycle == 0 && rates.instructions_a_cycle == 0);
    counters_print(&text, &counters);
    assert_string_equal(text_string(&text), "none");
    text_free(&text);
}

static void some_fail(void **state) {
    struct fake fake = plausible();
    struct measure_counters counters;
    (void)state;
    fake.fails_to_start = 1 << COUNTER_L1_MISSES;
    fake.fails_to_stop = 1 << COUNTER_L2_MISSES;
    counters = measure(&fake, ALL & ~(1u << COUNTER_L3_MISSES));
    assert_int_equal(counters.present, 1 << COUNTER_CYCLES | 1 << COUNTER_INSTRUCTIONS);
    assert_int_equal(counters.refused, 0);
}

static void implausible(void **state) {
    static const struct {
        enum counter counter;
        double value;
    } bad[] = {
        {COUNTER_CYCLES, 0},         {COUNTER_CYCLES, 20},      {COUNTER_CYCLES, 11000},
        {COUNTER_INSTRUCTIONS, 0},   {COUNTER_CYCLES, -5},      {COUNTER_INSTRUCTIONS, 70000},
        {COUNTER_L1_MISSES, 600000}, {COUNTER_L2_MISSES, 1e12}, {COUNTER_L3_MISSES, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct fake fake = plausible();
        struct measure_counters counters;
        fake.per_call[bad[i].counter] = bad[i].value;
        counters = measure(&fake, ALL);
        assert_int_equal(counters.refused, 1u << bad[i].counter);
        assert_int_equal(counters.present, ALL & ~(1u << bad[i].counter));
        assert_true(counters.values[bad[i].counter] == 0);
    }
    struct measure_counters broken = {.present = 1, .values = {NAN}};
    counters_refuse(&broken, 1000);
    assert_int_equal(broken.refused, 1);
}

static void spin(void *context) {
    volatile double *sum = context;
    for (int i = 0; i < 100000; i++)
        *sum += 1;
}

/* Whatever this machine has, what it says is plausible or refused. */
static void of_this_machine(void **state) {
    struct counter_source source;
    struct measure_counters counters;
    struct clock clock;
    struct error error;
    volatile double sum = 0;
    double start;
    (void)state;
    assert_int_equal(clock_open(false, &clock, &error), DLT_OK);
    counters_open(&source);
    start = clock.nanoseconds(clock.context);
    spin((void *)&sum);
    counters_measure(&source, spin, (void *)&sum, 10, clock.nanoseconds(clock.context) - start,
                     &counters);
    assert_int_equal((counters.present | counters.refused) & ~source.available, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted),         cmocka_unit_test(none),
        cmocka_unit_test(some_fail),       cmocka_unit_test(implausible),
        cmocka_unit_test(of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
