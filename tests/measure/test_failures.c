/* Failures as text come back as they were, and fail again in the same way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/failure.h"

#include <stdlib.h>
#include <string.h>

#define KEY "matmul m=5 n=7 k=3 target=c threads=1"

static struct failure sample(const char *trace, enum measure_outcome outcome) {
    return (struct failure){.task = KEY,
                            .trace = trace,
                            .outcome = outcome,
                            .message = "two\nlines",
                            .number = 17,
                            .options = {.seed = 42, .timeout_seconds = 2.5, .cold = true}};
}

static void round_trip(void **state) {
    struct failure wanted = sample("split output m 6 guard\ntrace\n", OUTCOME_WRONG), got;
    struct text text = {0};
    struct error error;
    (void)state;
    failure_print(&text, &wanted);
    assert_int_equal(failure_parse(text_string(&text), &got, &error), DLT_OK);
    assert_string_equal(got.task, wanted.task);
    assert_string_equal(got.trace, wanted.trace);
    assert_string_equal(got.message, "two lines");
    assert_int_equal(got.outcome, OUTCOME_WRONG);
    assert_int_equal(got.number, 17);
    assert_int_equal(got.options.seed, 42);
    assert_true(got.options.timeout_seconds == 2.5 && got.options.cold);
    failure_free(&got);
    failure_free(&got);
    text_free(&text);
}

static void bad_text(void **state) {
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "line 1: is not 'dltune failure 1'"},
        {"dltune failure 2\ntask a\ntrace\n", "line 1"},
        {"dltune failure 1\ntask a\n", "no line 'trace'"},
        {"dltune failure 1\ntrace\n", "no line 'task'"},
        {"dltune failure 1\ntask a\nseed\ntrace\n", "line 3: 'seed'"},
        {"dltune failure 1\ntask a\nseed 1x\ntrace\n", "line 3: 'seed 1x'"},
        {"dltune failure 1\ntask a\ntask b\ntrace\n", "line 3: 'task b'"},
        {"dltune failure 1\noutcome odd\ntrace\n", "line 2: 'outcome odd'"},
        {"dltune failure 1\ncolour red\ntrace\n", "line 2: 'colour red'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct failure failure;
        struct error error = {0};
        assert_int_equal(failure_parse(bad[i].text, &failure, &error), DLT_ERROR_ARGUMENT);
        if (!strstr(error.message, bad[i].message))
            fail_msg("%s", error.message);
        assert_null(failure.task);
    }
}

static void again(void **state) {
    static const struct {
        const char *trace;
        enum measure_outcome outcome;
    } cases[] = {{"border", OUTCOME_WRONG},       {"crash", OUTCOME_CRASH},
                 {"behind", OUTCOME_OUTSIDE},     {"loops", OUTCOME_TIMEOUT},
                 {"unheard of", OUTCOME_REFUSED}, {"right", OUTCOME_OK}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct failure failure = sample(cases[i].trace, cases[i].outcome);
        struct measure_result result;
        struct error error;
        failure.options = (struct measure_options){.seed = 3, .timeout_seconds = 1};
        assert_int_equal(failure_replay(&failure, &result, &error), DLT_OK);
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.number, 17);
    }
    struct failure nonsense = {.task = "nonsense", .trace = ""};
    struct measure_result result;
    struct error error;
    assert_int_not_equal(failure_replay(&nonsense, &result, &error), DLT_OK);
}

static void histogram(void **state) {
    struct failure_histogram histogram = {0};
    struct error error;
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct failure failure =
            sample(i == 1 ? "first" : "other", i ? OUTCOME_CRASH : OUTCOME_WRONG);
        assert_int_equal(failure_count(&histogram, &failure, &error), DLT_OK);
    }
    assert_int_equal(histogram.counts[OUTCOME_CRASH], 4);
    assert_int_equal(histogram.counts[OUTCOME_WRONG], 1);
    assert_int_equal(histogram.counts[OUTCOME_OK], 0);
    assert_string_equal(histogram.examples[OUTCOME_CRASH].trace, "first");
    assert_null(histogram.examples[OUTCOME_EXIT].task);
    failure_histogram_free(&histogram);
}

static void names(void **state) {
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        assert_int_equal(measure_outcome_find(measure_outcome_name((enum measure_outcome)i)), i);
    assert_int_equal(measure_outcome_find("unknown"), OUTCOME_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(bad_text), cmocka_unit_test(again),
        cmocka_unit_test(histogram),  cmocka_unit_test(names),
    };
    setenv("DLTUNE_WORKER", BAD_WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
