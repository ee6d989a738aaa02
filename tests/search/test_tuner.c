/* The loop of tuning: finalists, what is stored and known, limits, cancelling, failures. */
#include "tuner_fixture.h"

static void test_finalists(void **state) {
    struct tuner_options options = {.seed = 1};
    struct fixture *f = *state;
    struct bench bench = {0};
    struct tally tally;
    tune_all(f, &bench, &options);
    tally = count_records(f);
    assert_true(bench.again > 1);
    assert_int_equal(tally.finalists, bench.again);
    assert_true(f->summary.best.finalist);
    assert_true(f->summary.best.median_us == 31 - bench.again); /* the last one, timed again */
    assert_null(strstr(f->summary.best.trace, "m 8\nsplit output n 4"));
    forget(&bench);
}

static void test_a_second_run_continues(void **state) {
    struct tuner_options options = {.trials = 12, .seed = 5};
    struct fixture *f = *state;
    struct bench bench = {0};
    tune_all(f, &bench, &options);
    assert_int_equal(f->summary.known, 0);
    assert_int_equal(f->summary.trials, 12);
    tune_all(f, &bench, &options);
    assert_int_equal(f->summary.known, 12);
    assert_int_equal(f->summary.trials, 12);
    assert_all_differ(&bench); /* of both runs */
    assert_true(bench.count > 18);
    forget(&bench);
}

/* What other code or another machine measured says nothing about this one. */
static void test_others_records_are_not_known(void **state) {
    struct fixture *f = *state;
    struct tuner_options options = {.trials = 1};
    struct bench bench = {0};
    struct record record = {.task = f->task->key,
                            .host = "another machine",
                            .generator = DATABASE_GENERATOR,
                            .trace = "split output m 8\nsplit output n 4\n",
                            .knobs = "m=8 n=4 idle=0",
                            .outcome = "ok",
                            .clock = "cpu",
                            .layouts = "",
                            .median_us = 1,
                            .verified = true};
    assert_int_equal(database_add(f->database, &record, &f->error), DLT_OK);
    record.host = host_name();
    record.generator = "older";
    assert_int_equal(database_add(f->database, &record, &f->error), DLT_OK);
    tune_all(f, &bench, &options);
    assert_int_equal(f->summary.known, 0);
    assert_true(f->summary.best.median_us != 1);
    forget(&bench);
}

static volatile sig_atomic_t cancel;

static void cancel_after_five(void *context, const struct tuner_summary *summary) {
    int *calls = context;
    (*calls)++;
    cancel = summary->trials >= 5;
}

static void test_cancelling_keeps_what_was_found(void **state) {
    struct fixture *f = *state;
    struct bench bench = {0};
    int calls = 0;
    struct tuner_options options = {.seed = 2,
                                    .trials = 30,
                                    .cancel = &cancel,
                                    .progress = cancel_after_five,
                                    .context = &calls};
    cancel = 0;
    tune_all(f, &bench, &options);
    assert_true(f->summary.cancelled);
    assert_int_equal(f->summary.trials, 5);
    assert_int_equal(bench.again, 0);
    assert_true(calls >= 6);
    assert_int_equal(count_records(f).records, 5);
    forget(&bench);
}

static void test_cancelling_among_finalists(void **state) {
    struct tuner_options options = {.seed = 2, .trials = 10};
    struct bench bench = {.interrupted = true};
    struct fixture *f = *state;
    tune_all(f, &bench, &options);
    assert_true(bench.again > 1);
    assert_true(f->summary.cancelled);
    assert_true(f->summary.best.median_us > 0);
    assert_false(f->summary.best.finalist);
    assert_int_equal(count_records(f).records, 10);
    assert_int_equal(count_records(f).finalists, 0);
    forget(&bench);
}

/* Times are made up and have one best: after it there is no gain, and the run ends so many trials
 * later; without patience it goes on to the end of the space. */
static void test_without_hope(void **state) {
    struct tuner_options options = {.patience = 7, .seed = 3, .rough = true};
    struct bench bench = {0};
    struct fixture *f = *state;
    int64_t last_gain = 0;
    double best = INFINITY;
    start_anew(f);
    tune_all(f, &bench, &options);
    for (int i = 0; i < bench.count; i++) {
        int m, n;
        sizes_of(bench.traces[i], &m, &n);
        if (m == 2 || n == 64 || time_of(m, n) >= best * (1 - TUNER_GAIN))
            continue;
        best = time_of(m, n);
        last_gain = i + 1;
    }
    assert_true(f->summary.hopeless);
    assert_false(f->summary.exhausted);
    assert_int_equal(f->summary.trials, bench.count + f->summary.errors[OUTCOME_REFUSED]);
    assert_true(bench.count - last_gain <= 7);
    forget(&bench);
    start_anew(f);
    options.patience = 0;
    tune_all(f, &bench, &options);
    assert_true(f->summary.exhausted);
    assert_false(f->summary.hopeless);
    forget(&bench);
}

/* A run in parts measures what the run in one does: no proposal is lost at a limit. */
static void test_parts_make_a_whole(void **state) {
    struct fixture *f = *state;
    struct bench whole = {0}, parts = {0};
    struct tuner_options options = {.trials = 25, .seed = 4, .rough = true};
    struct tuner_measurer measurer = {.context = &parts, .run = run, .run_again = run_again};
    struct tuner_summary summary;
    struct tuner tuner;
    start_anew(f);
    tune_all(f, &whole, &options);
    start_anew(f);
    options.trials = 1;
    assert_int_equal(tuner_begin(&tuner, f->task, &f->space, &measurer, f->database, &options,
                                 &summary, &f->error),
                     DLT_OK);
    for (; options.trials <= 25; options.trials += 3)
        assert_int_equal(tuner_continue(&tuner, &f->error), DLT_OK);
    assert_int_equal(summary.trials, 25);
    assert_int_equal(tuner_end(&tuner, &f->error), DLT_OK);
    tuner_release(&tuner);
    tuner_summary_free(&summary);
    assert_int_equal(parts.count, whole.count);
    for (int i = 0; i < whole.count; i++)
        assert_string_equal(parts.traces[i], whole.traces[i]);
    forget(&whole);
    forget(&parts);
}

static void test_time_ends_a_run(void **state) {
    struct tuner_options options = {.seconds = 1e-9};
    struct bench bench = {0};
    struct fixture *f = *state;
    start_anew(f);
    tune_all(f, &bench, &options);
    assert_true(bench.count >= 1); /* to the first right one, whatever the time */
    assert_false(f->summary.exhausted);
    assert_true(f->summary.best.median_us > 0);
    forget(&bench);
}

static void test_errors_beyond_what_is_allowed(void **state) {
    struct tuner_options options = {.trials = 10, .max_error = 0.5};
    struct bench bench = {.max_error = 0.6};
    struct fixture *f = *state;
    tune_all(f, &bench, &options);
    assert_int_equal(f->summary.errors[OUTCOME_OK], 0);
    assert_true(f->summary.errors[OUTCOME_WRONG] > 0);
    assert_true(f->summary.best.median_us == 0);
    forget(&bench);
}

static bool find_note(void *context, const struct record *record) {
    if (record->verified && !record->finalist)
        *(bool *)context = record->message && strstr(record->message, "cycles=") &&
                           strstr(record->message, "slowdown=1.25");
    return true;
}

/* Right records say what was measured beside the time, where there was something. */
static void test_conditions_are_stored(void **state) {
    struct tuner_options options = {.trials = 4, .seed = 2};
    struct bench bench = {.slow = true};
    struct fixture *f = *state;
    bool found = false;
    start_anew(f);
    tune_all(f, &bench, &options);
    assert_int_equal(database_records(f->database, f->task->key, find_note, &found, &f->error),
                     DLT_OK);
    assert_true(found);
    forget(&bench);
}

static void test_without_a_worker(void **state) {
    struct tuner_options options = {.trials = 10, .seed = 4};
    struct bench bench = {.fail_at = 4};
    struct fixture *f = *state;
    assert_int_equal(tune_with(f, &bench, &options), DLT_ERROR_SYSTEM);
    assert_string_equal(f->error.message, "no worker");
    assert_int_equal(count_records(f).records, f->summary.trials);
    assert_true(f->summary.trials >= 3);
    forget(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_finalists),
        TEST(test_a_second_run_continues),
        TEST(test_others_records_are_not_known),
        TEST(test_cancelling_keeps_what_was_found),
        TEST(test_cancelling_among_finalists),
        TEST(test_time_ends_a_run),
        TEST(test_without_hope),
        TEST(test_parts_make_a_whole),
        TEST(test_errors_beyond_what_is_allowed),
        TEST(test_conditions_are_stored),
        TEST(test_without_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
