/* Batching, early ends and statistics, by a clock that only moves when a call says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/timing.h"

#include <math.h>

/* A simulated machine: reading its clock costs time, and so does each call. */
struct machine {
    double now, reading, call, slow_call; /* nanoseconds */
    int slow_every;                       /* each so many calls takes slow_call; 0: none */
    long calls, flushes;
};

static double read_clock(void *context) {
    struct machine *machine = context;
    return machine->now += machine->reading;
}

static void call(void *context) {
    struct machine *machine = context;
    machine->calls++;
    machine->now += machine->slow_every && machine->calls % machine->slow_every == 0
                        ? machine->slow_call
                        : machine->call;
}

static void flush(void *context) {
    struct machine *machine = context;
    machine->flushes++;
    machine->now += 1e6;
}

static struct timing measure(struct machine *machine, double best_us, bool cold) {
    struct clock clock = {.nanoseconds = read_clock, .context = machine};
    struct timing_request request = {.call = call,
                                     .context = machine,
                                     .flush = cold ? flush : NULL,
                                     .flush_context = machine,
                                     .best_us = best_us,
                                     .enough_us = 1500};
    clock.overhead = machine->reading;
    return timing_measure(&clock, &request);
}

static void exact_times(void **state) {
    static const double calls[] = {0.5, 10, 333, 1e4, 1e5, 1e6, 2e8};
    (void)state;
    for (int i = 0; i < 7; i++) {
        struct machine machine = {.reading = 340, .call = calls[i]};
        struct timing timing = measure(&machine, 0, false);
        assert_true(fabs(timing.median_us * 1000 / calls[i] - 1) < 1e-6);
        assert_true(fabs(timing.minimum_us * 1000 / calls[i] - 1) < 1e-6);
        assert_true(timing.spread < 1e-6);
        assert_false(timing.abandoned);
    }
}

/* The clock costs less than half a per cent of a batch, and batches are not longer than needed. */
static void batches(void **state) {
    (void)state;
    for (double reading = 10; reading < 1e4; reading *= 3)
        for (double time = 1; time < 1e8; time *= 7) {
            struct machine machine = {.reading = reading, .call = time};
            struct timing timing = measure(&machine, 0, false);
            double batch = (double)timing.calls_a_batch * time;
            assert_true(reading <= 0.005 * batch * 1.0001);
            assert_true(timing.calls_a_batch == 1 || batch <= 2 * (200 * reading + 1e5));
            assert_true(timing.batches >= (batch > 3e7 ? 2 : batch > 7e5 ? 3 : 5));
        }
}

static void a_call_without_time(void **state) {
    struct machine machine = {.reading = 340};
    struct timing timing = measure(&machine, 1, false);
    (void)state;
    assert_true(timing.median_us == 0 && timing.spread == 0);
    assert_false(timing.abandoned);
}

/* Rare slow calls do not move the median. */
static void outliers(void **state) {
    struct machine machine = {.reading = 340, .call = 2e5, .slow_call = 4e6, .slow_every = 4};
    struct timing timing = measure(&machine, 0, false);
    (void)state;
    assert_true(fabs(timing.median_us - 200) < 1e-6);
    assert_true(fabs(timing.minimum_us - 200) < 1e-6);
}

static void far_behind(void **state) {
    struct machine slow = {.reading = 340, .call = 1.51e6}, near = {.reading = 340, .call = 1.49e6},
                   cold_start = {.reading = 340, .call = 1e6, .slow_call = 5e6, .slow_every = 3};
    (void)state;
    assert_true(measure(&slow, 1000, false).abandoned);
    assert_true(slow.calls <= 3);
    assert_false(measure(&near, 1000, false).abandoned);
    assert_false(measure(&cold_start, 1000, false).abandoned);
    assert_false(measure(&slow, 0, false).abandoned); /* there is no best yet */
    assert_int_equal(measure(&near, 1000, false).batches, 1);
    assert_int_equal(measure(&near, 1250, false).batches, 2);
    assert_int_equal(measure(&near, 1400, false).batches, 3);
}

static void cold(void **state) {
    struct machine machine = {.reading = 340, .call = 100};
    struct timing timing = measure(&machine, 0, true);
    (void)state;
    assert_int_equal(timing.calls_a_batch, 1);
    assert_int_equal(machine.flushes, machine.calls);
    assert_true(fabs(timing.median_us - 0.1) < 1e-6); /* flushing is not timed */
}

static void statistics(void **state) {
    double one[] = {3}, two[] = {5, 1}, five[] = {9, 1, 5, 3, 7};
    (void)state;
    assert_true(timing_median(one, 1) == 3 && timing_spread(one, 1) == 0);
    assert_true(timing_median(two, 2) == 3);
    assert_true(timing_median(five, 5) == 5);
    assert_true(five[0] == 1 && five[4] == 9);
    assert_true(fabs(timing_spread(five, 5) - 4. / 5) < 1e-12);
}

static void real_clocks(void **state) {
    (void)state;
    for (int wall = 0; wall < 2; wall++) {
        struct clock clock;
        struct error error;
        double before, after;
        volatile double work = 1;
        assert_int_equal(clock_open(wall, &clock, &error), DLT_OK);
        assert_true(clock.wall == (wall == 1));
        assert_true(clock.overhead >= 0);
        before = clock.nanoseconds(clock.context);
        for (int i = 0; i < 1000000; i++)
            work = work * 1.000001;
        after = clock.nanoseconds(clock.context);
        assert_true(after > before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_times), cmocka_unit_test(batches),
        cmocka_unit_test(outliers),    cmocka_unit_test(a_call_without_time),
        cmocka_unit_test(far_behind),  cmocka_unit_test(cold),
        cmocka_unit_test(statistics),  cmocka_unit_test(real_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
