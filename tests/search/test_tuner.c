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

/* ---- time, by a clock that only measuring moves ---- */

static double now, seconds_a_trial, seconds_of_finalists;

static double read_clock(void *context) {
    (void)context;
    return now;
}

static dlt_status run_for_long(void *context, const char *trace, double best_us,
                               struct measure_result *result, struct error *error) {
    now += seconds_a_trial;
    return run(context, trace, best_us, result, error);
}

static double finalists_take(void *context, int count) {
    (void)context;
    return count * seconds_of_finalists;
}

static dlt_status run_again_for_long(void *context, int count, const char *const *traces,
                                     struct measure_result *results, struct error *error) {
    now += count * seconds_of_finalists;
    return run_again(context, count, traces, results, error);
}

static void tune_by_clock(struct fixture *f, struct bench *bench, struct account *account,
                          struct tuner_options *options) {
    struct tuner_measurer measurer = {.context = bench,
                                      .run = run_for_long,
                                      .run_again = run_again_for_long,
                                      .finalists_seconds = finalists_take};
    account->clock = read_clock;
    account->start = now;
    account->end = account->last = now + options->seconds;
    options->account = account;
    tuner_summary_free(&f->summary);
    if (tuner_run(f->task, &f->space, &measurer, f->database, options, &f->summary, &f->error) !=
        DLT_OK)
        fail_msg("%s", f->error.message);
}

/* Search and finalists together take the time and no more. */
static void test_phases_share_the_time(void **state) {
    struct tuner_options options = {.seconds = 10, .seed = 1, .strategy = strategy_find("random")};
    struct account account = {0};
    struct bench bench = {0};
    struct fixture *f = *state;
    seconds_a_trial = 0.5;
    seconds_of_finalists = 0.3;
    now = 1000;
    tune_by_clock(f, &bench, &account, &options);
    assert_int_equal(bench.again, 4);
    assert_true(f->summary.best.finalist);
    assert_true(now <= 1010 && now > 1008);
    assert_true(f->summary.seconds == now - 1000);
    forget(&bench);
}

/* Finalists that do not fit are not begun; as many of them as do are. */
static void test_finalists_that_fit(void **state) {
    struct tuner_options options = {.seconds = 10, .seed = 1, .strategy = strategy_find("random")};
    struct account account = {0};
    struct bench bench = {0};
    struct fixture *f = *state;
    seconds_a_trial = 0.5;
    seconds_of_finalists = 0.7;
    now = 0;
    tune_by_clock(f, &bench, &account, &options);
    assert_int_equal(bench.again, 2);
    assert_true(now <= 10);
    forget(&bench);
    start_anew(f);
    seconds_of_finalists = 40;
    now = 0;
    tune_by_clock(f, &bench, &account, &options);
    assert_int_equal(bench.again, 0);
    assert_int_equal(bench.count, 20); /* the search has their time */
    assert_false(f->summary.best.finalist);
    forget(&bench);
}

/* Without a right candidate the grace is used, and then it ends; in vain, if another is there. */
static void test_time_without_a_right_one(void **state) {
    struct tuner_options options = {
        .seconds = 2, .seed = 1, .max_error = 1e-3, .strategy = strategy_find("random")};
    struct account account = {0};
    struct bench bench = {.max_error = 0.5};
    struct fixture *f = *state;
    seconds_a_trial = 0.2;
    now = 0;
    tune_by_clock(f, &bench, &account, &options);
    assert_true(now > 2 && now <= 3);
    assert_int_equal(f->summary.errors[OUTCOME_OK], 0);
    assert_int_equal(failure_reasons_commonest(&f->summary.failures)->outcome, OUTCOME_WRONG);
    forget(&bench);
    start_anew(f);
    bench = (struct bench){.max_error = 0.5};
    account.is_optional = true;
    now = 0;
    tune_by_clock(f, &bench, &account, &options);
    assert_true(now <= 2.2);
    forget(&bench);
}

static dlt_status run_until_cut(void *context, const char *trace, double best_us,
                                struct measure_result *result, struct error *error) {
    struct bench *bench = context;
    dlt_status status = run_for_long(context, trace, best_us, result, error);
    if (bench->count > 6)
        *result = (struct measure_result){.outcome = OUTCOME_TIMEOUT, .cut = true};
    return status;
}

/* What was cut is no trial, is not stored, and comes again when the run goes on. */
static void test_what_was_cut_comes_again(void **state) {
    struct tuner_options options = {.trials = 20, .seed = 1, .rough = true};
    struct bench bench = {0};
    struct tuner_measurer measurer = {.context = &bench, .run = run_until_cut};
    struct fixture *f = *state;
    seconds_a_trial = 0;
    if (tuner_run(f->task, &f->space, &measurer, f->database, &options, &f->summary, &f->error) !=
        DLT_OK)
        fail_msg("%s", f->error.message);
    assert_int_equal(bench.count, 7);
    assert_int_equal(f->summary.errors[OUTCOME_TIMEOUT], 0);
    assert_int_equal(count_records(f).records, f->summary.trials);
    tune_all(f, &bench, &options);
    assert_int_equal(f->summary.trials, 20);
    for (int i = 7; i < bench.count; i++)
        if (!strcmp(bench.traces[i], bench.traces[6])) {
            forget(&bench);
            return;
        }
    fail_msg("it did not come again");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_finalists),
        TEST(test_a_second_run_continues),
        TEST(test_others_records_are_not_known),
        TEST(test_cancelling_keeps_what_was_found),
        TEST(test_cancelling_among_finalists),
        TEST(test_time_ends_a_run),
        TEST(test_phases_share_the_time),
        TEST(test_finalists_that_fit),
        TEST(test_time_without_a_right_one),
        TEST(test_what_was_cut_comes_again),
        TEST(test_without_hope),
        TEST(test_parts_make_a_whole),
        TEST(test_errors_beyond_what_is_allowed),
        TEST(test_conditions_are_stored),
        TEST(test_without_a_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
