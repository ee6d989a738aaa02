/* What tests of the tuner share: everything around its loop under control. A space of the test's
 * own, a measurer that computes times from the trace, a database in a folder that is removed.
 *
 * It defines what search/ calls of the space and the features, in front of the libraries' own
 * (which CMakeLists.txt lets the linker pass over). */
#ifndef TESTS_SEARCH_TUNER_FIXTURE_H
#define TESTS_SEARCH_TUNER_FIXTURE_H

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
double features_with_score(const struct space *space, const int *point, float *features) {
    features_compute(space, point, features);
    return analytic_score(space, point);
}

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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
