/* Slow phases on a simulated machine: told, timed again, flagged; a slow kernel is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine/description.h"
#include "measure/probe.h"

#include <math.h>

/* All that runs between two times takes longer by a factor. */
struct machine {
    double now, slow_from, slow_to, factor;
    int calls, bursts;
};

static void work(struct machine *machine, double nanoseconds) {
    bool slow = machine->now >= machine->slow_from && machine->now < machine->slow_to;
    machine->now += slow ? nanoseconds * machine->factor : nanoseconds;
}

static double read_clock(void *context) {
    return ((struct machine *)context)->now;
}

static void call(void *context) {
    ((struct machine *)context)->calls++;
    work(context, 1e6);
}

static void burst(void *context) {
    ((struct machine *)context)->bursts++;
    work(context, 1e4);
}

static struct timing measure(struct machine *machine, double usual, bool has_probe,
                             struct probed *probed) {
    struct clock clock = {.nanoseconds = read_clock, .context = machine};
    struct probe probe = {.burst = has_probe ? burst : NULL, .context = machine};
    struct timing_request request = {.call = call, .context = machine, .enough_us = 1500};
    return probe_timing(&probe, &clock, &request, usual, probed);
}

static void steady(void **state) {
    struct machine machine = {0};
    struct probed probed;
    struct timing timing = measure(&machine, 1e4, true, &probed);
    (void)state;
    assert_true(fabs(timing.median_us - 1000) < 1e-6);
    assert_true(fabs(probed.slowdown - 1) < 1e-9 && fabs(probed.nanoseconds - 1e4) < 1e-6);
    assert_int_equal(machine.bursts, 4);
}

/* A phase that ends is waited for; the kernel's time is the usual one. */
static void a_short_phase(void **state) {
    struct machine machine = {.slow_to = 6e6, .factor = 1.3};
    struct probed probed;
    struct timing timing = measure(&machine, 1e4, true, &probed);
    (void)state;
    assert_true(fabs(timing.median_us - 1000) < 1e-6);
    assert_true(probed.slowdown < PROBE_SLOW_FACTOR);
    assert_true(machine.bursts > 4);
}

static void a_long_phase(void **state) {
    struct machine machine = {.slow_to = 1e18, .factor = 1.3};
    struct probed probed;
    struct timing timing = measure(&machine, 1e4, true, &probed);
    (void)state;
    assert_true(fabs(timing.median_us - 1300) < 1e-6); /* never scaled */
    assert_true(fabs(probed.slowdown - 1.3) < 1e-9);
    assert_int_equal(machine.bursts, 12);
}

static void what_is_not_known(void **state) {
    struct machine slow = {.slow_to = 1e18, .factor = 1.3}, bare = {0};
    struct probed probed;
    (void)state;
    measure(&slow, 0, true, &probed);
    assert_true(probed.slowdown == 1 && fabs(probed.nanoseconds - 1.3e4) < 1e-6);
    measure(&bare, 1e4, false, &probed);
    assert_true(probed.slowdown == 1 && probed.nanoseconds == 0 && bare.bursts == 0);
}

static void history(void **state) {
    struct probe_history history = {0};
    (void)state;
    for (int i = 0; i < PROBE_LEAST; i++) {
        assert_true(probe_history_usual(&history) == 0);
        probe_history_add(&history, 100 + i);
        probe_history_add(&history, 0); /* no probe: not a time */
    }
    assert_true(probe_history_usual(&history) == 102);
    for (int i = 0; i < 30; i++)
        probe_history_add(&history, 100);
    for (int i = 0; i < 25; i++) /* a slow phase shorter than half of what is remembered */
        probe_history_add(&history, 130);
    assert_true(probe_history_usual(&history) < 105);
    for (int i = 0; i < PROBE_HISTORY; i++) /* but a machine that stays slow is a slow machine */
        probe_history_add(&history, 130);
    assert_true(probe_history_usual(&history) == 130);
}

static void real(void **state) {
    static const char *const targets[] = {"x86-avx512", "x86-avx2", "c"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct probe probe;
        struct fma_burst burst;
        probe_open(targets[i], &probe, &burst);
        if (probe.burst)
            probe.burst(probe.context);
        assert_true((probe.burst != NULL) ==
                    (target_runs_here("x86-avx512") || target_runs_here("x86-avx2")));
        fma_burst_free(&burst);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady),       cmocka_unit_test(a_short_phase),
        cmocka_unit_test(a_long_phase), cmocka_unit_test(what_is_not_known),
        cmocka_unit_test(history),      cmocka_unit_test(real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
