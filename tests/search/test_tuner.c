/* The loop of tuning with everything around it under control: a space of the test's own, a measurer
 * that computes times from the trace, a database in a folder that is removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "costmodel/features.h"
#include "search/strategy.h"
#include "search/tuner_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a space: tiles of a 64 x 64 matrix, and a knob that changes nothing ---- */

enum {
    SIZES = 7, /* 1 to 64 */
    IDLE = 2,
    REFUSED_AREA = 1024, /* of a tile: refused by the space above this */
    LEGAL = 46,          /* tiles that are not */
};

static dlt_status refuse(struct error *error, const char *message) {
    return error_set(error, DLT_ERROR_REFUSED, "%s", message);
}

dlt_status space_check(const struct space *space, const int *point, struct error *error) {
    int64_t area = space->knobs[0].values[point[0]] * space->knobs[1].values[point[1]];
    return area > REFUSED_AREA ? refuse(error, "the tile is too large") : DLT_OK;
}

dlt_status space_schedule(const struct space *space, const int *point, struct schedule *schedule,
                          struct error *error) {
    int64_t m = space->knobs[0].values[point[0]], n = space->knobs[1].values[point[1]];
    if (m == 1 && n == 1)
        return refuse(error, "a tile of one element");
    TRY(schedule_split(schedule, "output", "m", m, TAIL_GUARD, error));
    return schedule_split(schedule, "output", "n", n, TAIL_GUARD, error);
}

void space_print_point(const struct space *space, const int *point, struct text *text) {
    for (int i = 0; i < space->knob_count; i++)
        text_format(text, "%s%s=%d", i ? " " : "", space->knobs[i].name,
                    (int)space->knobs[i].values[point[i]]);
}

void space_parse_point(const struct space *space, const char *text, int *point) {
    int numbers[3] = {0};
    sscanf(text, "m=%d n=%d idle=%d", &numbers[0], &numbers[1], &numbers[2]);
    for (int i = 0; i < space->knob_count; i++) {
        point[i] = 0;
        while (point[i] + 1 < space->knobs[i].choice_count &&
               space->knobs[i].values[point[i]] != numbers[i])
            point[i]++;
    }
}

void space_canonicalise(const struct space *space, int *point) {
    (void)space, (void)point;
}

/* What a cost model is told of it. */
void features_compute(const struct space *space, const int *point, float *features) {
    memset(features, 0, FEATURE_COUNT * sizeof *features);
    for (int i = 0; i < space->knob_count; i++)
        features[i] = (float)point[i];
}

double analytic_score(const struct space *space, const int *point) {
    (void)space;
    return -point[0];
}

static void make_space(struct space *space, const struct task *task) {
    static const char *const names[] = {"m", "n", "idle"};
    memset(space, 0, sizeof *space);
    space->expression = task->expression;
    space->knob_count = 3;
    for (int i = 0; i < 3; i++) {
        space->knobs[i].name = names[i];
        space->knobs[i].choice_count = i < 2 ? SIZES : IDLE;
        space->knobs[i].ordered = i < 2;
        for (int j = 0; j < SIZES; j++)
            space->knobs[i].values[j] = i < 2 ? INT64_C(1) << j : j;
    }
}

/* ---- a measurer ---- */

enum {
    MOST = 512
};

struct bench {
    char *traces[MOST];
    int count, again;
    int fail_at;      /* the measurer itself fails at this call; 0: never */
    bool interrupted; /* while the finalists are measured */
    double max_error;
    bool slow; /* the machine, and it has a counter of cycles */
};

static void sizes_of(const char *trace, int *m, int *n) {
    const char *second = strchr(trace, '\n');
    if (sscanf(trace, "split output m %d", m) != 1 ||
        sscanf(second + 1, "split output n %d", n) != 1)
        fail_msg("unexpected trace: %s", trace);
}

static double time_of(int m, int n) {
    return 10 + 5 * fabs(log2(m) - 3) + 3 * fabs(log2(n) - 2);
}

static dlt_status run(void *context, const char *trace, double best_us,
                      struct measure_result *result, struct error *error) {
    struct bench *bench = context;
    int m, n;
    (void)best_us;
    assert_true(bench->count < MOST);
    bench->traces[bench->count++] = strdup(trace);
    if (bench->count == bench->fail_at)
        return error_set(error, DLT_ERROR_SYSTEM, "no worker");
    sizes_of(trace, &m, &n);
    *result = (struct measure_result){.outcome = m == 2    ? OUTCOME_WRONG
                                                 : n == 64 ? OUTCOME_CRASH
                                                           : OUTCOME_OK,
                                      .median_us = time_of(m, n),
                                      .minimum_us = time_of(m, n) - 1,
                                      .max_error = bench->max_error};
    if (bench->slow) {
        result->slowdown = 1.25;
        result->counters.present = 1u << COUNTER_CYCLES;
        result->counters.values[COUNTER_CYCLES] = 1e6;
    }
    snprintf(result->message, sizeof result->message, "because");
    return DLT_OK;
}

/* Timed again, the order of the finalists turns round. */
static dlt_status run_again(void *context, int count, const char *const *traces,
                            struct measure_result *results, struct error *error) {
    struct bench *bench = context;
    (void)traces;
    bench->again = count;
    if (bench->interrupted)
        return error_set(error, DLT_ERROR_CANCELLED, "interrupted");
    for (int i = 0; i < count; i++)
        results[i] = (struct measure_result){.median_us = 30 - i, .max_error = bench->max_error};
    return DLT_OK;
}

/* ---- a run ---- */

struct fixture {
    char folder[256], path[300];
    struct task *task;
    struct space space;
    struct database *database;
    struct error error;
    struct tuner_summary summary;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "%s/dltune-search-XXXXXX", getenv("TMPDIR") ?: "/tmp");
    if (!mkdtemp(f->folder) ||
        task_create_text("matmul m=64 n=64 k=4", "c", 1, &f->task, &f->error) != DLT_OK)
        return -1;
    snprintf(f->path, sizeof f->path, "%s/tune.db", f->folder);
    make_space(&f->space, f->task);
    *state = f;
    return database_open(f->path, DATABASE_WRITE, &f->database, &f->error);
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[300];
    database_close(f->database);
    task_free(f->task);
    tuner_summary_free(&f->summary);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    free(f);
    return system(command);
}

static void forget(struct bench *bench) {
    for (int i = 0; i < bench->count; i++)
        free(bench->traces[i]);
    *bench = (struct bench){0};
}

static dlt_status tune_with(struct fixture *f, struct bench *bench,
                            const struct tuner_options *options) {
    struct tuner_measurer measurer = {.context = bench, .run = run, .run_again = run_again};
    tuner_summary_free(&f->summary);
    return tuner_run(f->task, &f->space, &measurer, f->database, options, &f->summary, &f->error);
}

static void tune_all(struct fixture *f, struct bench *bench, const struct tuner_options *options) {
    if (tune_with(f, bench, options) != DLT_OK)
        fail_msg("%s", f->error.message);
}

/* An empty database again. */
static void start_anew(struct fixture *f) {
    char command[400];
    database_close(f->database);
    snprintf(command, sizeof command, "rm -f '%s'*", f->path);
    assert_int_equal(system(command), 0);
    assert_int_equal(database_open(f->path, DATABASE_WRITE, &f->database, &f->error), DLT_OK);
}

static void assert_all_differ(const struct bench *bench) {
    for (int i = 0; i < bench->count; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(bench->traces[i], bench->traces[j]);
}

struct tally {
    int records, finalists, right, refused, wrong, crashed;
};

static bool tally_record(void *context, const struct record *record) {
    struct tally *tally = context;
    tally->records += !record->finalist;
    tally->finalists += record->finalist;
    tally->right += !record->finalist && record->verified;
    tally->refused += !strcmp(record->outcome, "refused");
    tally->wrong += !strcmp(record->outcome, "wrong");
    tally->crashed += !strcmp(record->outcome, "crash");
    assert_int_equal(record->verified, !strcmp(record->outcome, "ok"));
    assert_int_equal(record->message != NULL, !record->verified);
    assert_true(record->verified == (record->median_us > 0));
    return true;
}

static struct tally count_records(struct fixture *f) {
    struct tally tally = {0};
    assert_int_equal(database_records(f->database, f->task->key, tally_record, &tally, &f->error),
                     DLT_OK);
    return tally;
}

/* ---- tests ---- */

static void check_same_seed(struct fixture *f, const struct strategy *strategy) {
    struct bench first = {0}, second = {0}, other = {0};
    struct tuner_options options = {.trials = 20, .seed = 7, .strategy = strategy};
    int equal = 0;
    start_anew(f);
    tune_all(f, &first, &options);
    start_anew(f);
    tune_all(f, &second, &options);
    start_anew(f);
    options.seed = 8;
    tune_all(f, &other, &options);
    assert_int_equal(first.count, second.count);
    for (int i = 0; i < first.count; i++) {
        assert_string_equal(first.traces[i], second.traces[i]);
        equal += i < other.count && !strcmp(first.traces[i], other.traces[i]);
    }
    assert_true(equal < first.count);
    forget(&first), forget(&second), forget(&other);
}

static void test_same_seed_same_points(void **state) {
    for (int i = 0; strategies[i]; i++)
        check_same_seed(*state, strategies[i]);
}

/* Each tile once, although two points have each; what was refused is counted with its kind. */
static void check_whole_space(struct fixture *f, const struct strategy *strategy) {
    struct tuner_options options = {.strategy = strategy, .seed = 3};
    struct bench bench = {0};
    struct tally tally;
    start_anew(f);
    tune_all(f, &bench, &options);
    assert_true(f->summary.exhausted);
    assert_false(f->summary.cancelled);
    assert_int_equal(bench.count, LEGAL - 1); /* the tile of one element is not measured */
    assert_all_differ(&bench);
    assert_int_equal(f->summary.errors[OUTCOME_REFUSED], 2); /* at both points */
    assert_int_equal(f->summary.errors[OUTCOME_WRONG], SIZES);
    assert_int_equal(f->summary.errors[OUTCOME_CRASH], 4); /* m of 1, 4, 8, 16 */
    assert_int_equal(f->summary.trials, LEGAL + 1);
    tally = count_records(f);
    assert_int_equal(tally.records, f->summary.trials);
    assert_int_equal(tally.refused, 2);
    assert_int_equal(tally.wrong, SIZES);
    assert_int_equal(tally.crashed, 4);
    assert_int_equal(tally.right, f->summary.errors[OUTCOME_OK]);
    forget(&bench);
}

static void test_whole_space(void **state) {
    for (int i = 0; strategies[i]; i++)
        check_whole_space(*state, strategies[i]);
}

static void test_default_comes_first(void **state) {
    struct tuner_options options = {.trials = 1};
    struct fixture *f = *state;
    struct bench bench = {0};
    f->space.knobs[0].values[0] = 8; /* point 0 is the best of all */
    f->space.knobs[0].values[3] = 1;
    f->space.knobs[1].values[0] = 4;
    f->space.knobs[1].values[2] = 1;
    tune_all(f, &bench, &options);
    assert_int_equal(bench.count, 1);
    assert_true(strstr(bench.traces[0], "m 8\nsplit output n 4") != NULL);
    forget(&bench);
}

/* The best known is found well before the space is exhausted, from a bad start. */
static void test_annealing_descends(void **state) {
    struct tuner_options options = {.trials = 25, .strategy = strategy_find("annealing")};
    struct fixture *f = *state;
    struct bench bench = {0};
    int found = 0;
    for (options.seed = 0; options.seed < 10; options.seed++) {
        start_anew(f);
        tune_all(f, &bench, &options);
        for (int i = 0; i < bench.count; i++)
            found += strstr(bench.traces[i], "m 8\nsplit output n 4") != NULL;
        forget(&bench);
    }
    assert_true(found >= 8); /* 25 of 46 at random: 5 */
}

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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_same_seed_same_points),
        TEST(test_whole_space),
        TEST(test_default_comes_first),
        TEST(test_annealing_descends),
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
