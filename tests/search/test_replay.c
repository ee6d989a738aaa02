/* Replay: a table is recorded, read back, and run on, the same way each time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "costmodel/features.h"
#include "search/replay.h"

static char path[] = "/tmp/dltune-replay-XXXXXX";

/* A made-up time: what the analytic score says, and a part that it does not know. */
static dlt_status measure(void *context, const struct space *space, const int *point,
                          double *microseconds, struct error *error) {
    int *calls = context;
    (void)error;
    *microseconds = exp(analytic_score(space, point) - 8) * (1 + 0.1 * (point[2] % 3));
    if (++*calls % 50 == 49)
        *microseconds = INFINITY;
    return DLT_OK;
}

struct count {
    const struct space *space;
    int64_t points;
};

static bool count_point(void *context, const int *point) {
    struct count *count = context;
    int canonical[MAX_KNOBS];
    memcpy(canonical, point, sizeof canonical);
    space_canonicalise(count->space, canonical);
    assert_memory_equal(canonical, point, (size_t)count->space->knob_count * sizeof *point);
    assert_int_equal(space_check(count->space, point, NULL), DLT_OK);
    count->points++;
    return true;
}

static int record(void **state) {
    struct target_description target;
    struct space *space, *thin;
    struct count count = {0};
    struct arena arena;
    struct task *task;
    int calls = 0;
    (void)state;
    close(mkstemp(path));
    target_describe("x86-avx512", &target, NULL);
    if (task_create_text("matmul m=256 n=256 k=512 const=b", "x86-avx512", 1, &task, NULL))
        return 1;
    arena_initialise(&arena);
    if (arena_recover(&arena) || space_create(&arena, task->collapsed, &target, 1, &space, NULL))
        return 1;
    thin = space_thin(space, 500);
    count.space = thin;
    space_enumerate(thin, count_point, &count);
    assert_in_range(count.points, 100, 600); /* the limit is met about */
    if (replay_record(path, task, thin, 0, 0, measure, &calls, NULL))
        return 1;
    assert_true(calls >= count.points);
    arena_free(&arena);
    task_free(task);
    return 0;
}

static int clean(void **state) {
    (void)state;
    return unlink(path);
}

static void test_table(void **state) {
    struct replay_table *table;
    struct count count = {0};
    double best = INFINITY;
    int failed = 0;
    (void)state;
    assert_int_equal(replay_load(path, &table, NULL), DLT_OK);
    count.space = table->space;
    space_enumerate(table->space, count_point, &count);
    assert_int_equal(count.points, table->points.count);
    for (int64_t i = 0; i < table->points.count; i++) {
        best = fmin(best, table->points.scores[i]);
        failed += isinf(table->points.scores[i]);
    }
    assert_true(failed > 0);
    assert_float_equal(best, table->best, 0);
    replay_free(table);
}

static void test_runs(void **state) {
    struct replay_table *table;
    double first[60], again[60];
    int64_t needed, needed_again, without_curve;
    (void)state;
    assert_int_equal(replay_load(path, &table, NULL), DLT_OK);
    for (int i = 0; strategies[i]; i++) {
        assert_int_equal(replay_run(table, strategies[i], 3, 60, 0.02, first, &needed, NULL),
                         DLT_OK);
        assert_int_equal(replay_run(table, strategies[i], 3, 60, 0.02, again, &needed_again, NULL),
                         DLT_OK);
        assert_int_equal(replay_run(table, strategies[i], 3, 60, 0.02, NULL, &without_curve, NULL),
                         DLT_OK);
        assert_memory_equal(first, again, sizeof first);
        assert_int_equal(needed, needed_again);
        assert_int_equal(needed, without_curve);
        for (int j = 1; j < 60; j++)
            assert_true(first[j] <= first[j - 1]);
        if (needed <= 60)
            assert_true(first[needed - 1] <= table->best + log(1.02));
    }
    /* everything is within a factor of a million of the best: the first right point will do */
    assert_int_equal(replay_run(table, strategies[0], 3, 60, 1e6, NULL, &needed, NULL), DLT_OK);
    assert_in_range(needed, 1, 3);
    replay_free(table);
}

static void write_text(const char *text) {
    gzFile file = gzopen(path, "wb");
    gzputs(file, text);
    gzclose(file);
}

static void check_refused(const char *text, const char *message) {
    struct replay_table *table;
    struct error error;
    write_text(text);
    assert_int_equal(replay_load(path, &table, &error), DLT_ERROR_ARGUMENT);
    assert_null(table);
    if (!strstr(error.message, message))
        fail_msg("%s", error.message);
}

static void test_bad_tables(void **state) {
    struct replay_table *table;
    struct error error;
    (void)state;
    check_refused("something else\n", "not a table of replay");
    check_refused("dltune replay 1\nhello\n", "names no task");
    check_refused("dltune replay 1\ntask nonsense m=1 target=c threads=1\nhost x\n", "nonsense");
    check_refused("dltune replay 1\ntask matmul m=8 n=8 k=8 target=c threads=1\n", "names no host");
    check_refused("dltune replay 1\ntask matmul m=8 n=8 k=8 target=c threads=1\nhost x\n"
                  "12 nothing=1\nabc\n",
                  "none of its points");
    assert_int_equal(replay_load("/nonexistent/table", &table, &error), DLT_ERROR_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_bad_tables),
    };
    return cmocka_run_group_tests(tests, record, clean);
}
