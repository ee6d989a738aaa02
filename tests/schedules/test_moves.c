/* Defaults of what moves data: how wide a tile goes along what it reads and writes, by where the
 * data is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "schedules/space.h"
#include "te/task.h"

#include <stdio.h>
#include <string.h>

struct fixture {
    struct task *task;
    struct space *space;
};

static void derive(struct fixture *f, const char *target, const char *expression) {
    struct error error = {.status = DLT_OK};
    struct target_description description;
    char text[600];
    snprintf(text, sizeof text, "expression text='%s'", expression);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    /* not this machine's: the smallest that the figures below are for */
    description.caches[0] = (struct cache_description){32 << 10, 8, 64};
    description.caches[1] = (struct cache_description){1 << 20, 16, 64};
    description.caches[2] = (struct cache_description){32 << 20, 16, 64};
    if (task_create_text(text, target, 1, &f->task, &error))
        fail_msg("%s: %s", expression, error.message);
    if (arena_recover(&f->task->arena))
        fail_msg("out of memory");
    if (space_create(&f->task->arena, f->task->collapsed, &description, 1, &f->space, &error))
        fail_msg("%s: %s", expression, error.message);
}

/* The first choice of a knob; -1 if there is no such knob. */
static int64_t first_choice(const struct fixture *f, const char *name) {
    for (int i = 0; i < f->space->knob_count; i++)
        if (strcmp(f->space->knobs[i].name, name) == 0)
            return f->space->knobs[i].values[0];
    return -1;
}

static void expect_trace(const struct fixture *f, const char *point_text, const char *expected) {
    struct error error = {.status = DLT_OK};
    struct schedule *schedule = schedule_create(&f->task->arena, f->task->collapsed);
    int point[MAX_KNOBS];
    space_parse_point(f->space, point_text, point);
    if (space_check(f->space, point, &error) || space_schedule(f->space, point, schedule, &error))
        fail_msg("%s: %s", point_text, error.message);
    assert_string_equal(schedule_trace(schedule), expected);
    schedule_free(schedule);
}

static const char transpose[] = "input x[i=%d, j=%d] f32 variable; y[j=%d, i=%d] f32 = x[i, j]";

static void derive_transpose(struct fixture *f, const char *target, int rows, int columns) {
    char expression[200];
    snprintf(expression, sizeof expression, transpose, rows, columns, columns, rows);
    derive(f, target, expression);
}

/* From the second cache wide rows are read; from memory few rows advance side by side. Whole lines
 * are written everywhere. */
static void test_transposes(void **state) {
    static const struct {
        const char *target;
        int lanes;
    } targets[] = {{"x86-avx512", 16}, {"x86-avx2", 8}};
    struct fixture f;
    (void)state;
    for (int i = 0; i < 2; i++) {
        derive_transpose(&f, targets[i].target, 240, 208);
        assert_true(first_choice(&f, "vectors") * targets[i].lanes >= 64);
        assert_int_equal(first_choice(&f, "tile.i") % 16, 0);
        task_free(f.task);
        derive_transpose(&f, targets[i].target, 3536, 3520);
        assert_int_equal(first_choice(&f, "vectors") * targets[i].lanes, 16);
        assert_int_equal(first_choice(&f, "tile.i"), 16);
        task_free(f.task);
        derive_transpose(&f, targets[i].target, 48, 48);
        assert_int_equal(first_choice(&f, "tile.i"), 16);
        task_free(f.task);
    }
}

/* A blocked result is written in long runs of whole blocks. */
static void test_packs(void **state) {
    struct fixture f;
    (void)state;
    derive(&f, "x86-avx512",
           "input x[i=240, j=208] f32 variable;"
           "y[i=240, j=208] f32 layout j/16 i j%16 = x[i, j]");
    assert_true(first_choice(&f, "vectors") >= 4);
    assert_true(first_choice(&f, "tile.i") >= 8);
    task_free(f.task);
    derive(&f, "x86-avx512",
           "input x[i=3536, j=3520] f32 variable;"
           "y[i=3536, j=3520] f32 layout j/16 i j%16 = x[i, j]");
    assert_true(first_choice(&f, "vectors") * first_choice(&f, "tile.i") <= 16);
    task_free(f.task);
}

/* What is read once is read row after row where the second cache or the memory holds it; the sums
 * wait in memory. */
static void test_sums_of_columns(void **state) {
    struct fixture f;
    (void)state;
    derive(&f, "x86-avx512",
           "input x[i=320, j=304] f32 variable; y[j=304] f32 = sum(i=320) x[i, j]");
    assert_int_equal(first_choice(&f, "split.i"), 1);
    expect_trace(&f, "vector=j vectors=8 split.i=1 unroll.i=1 block.j=0",
                 "split y j 128 guard\n"
                 "split y i 1\n"
                 "reorder y i.o j.o i.i j.i\n"
                 "vectorize y j.i\n"
                 "tile y root\n");
    task_free(f.task);
    derive(&f, "x86-avx512", "input x[i=80, j=64] f32 variable; y[j=64] f32 = sum(i=80) x[i, j]");
    assert_int_equal(first_choice(&f, "split.i"), 0);
    task_free(f.task);
    /* From memory, wide stretches of rows that are read together do as well. */
    derive(&f, "x86-avx2",
           "input x[i=5008, j=4992] f32 variable; y[j=4992] f32 = sum(i=5008) x[i, j]");
    assert_int_equal(first_choice(&f, "split.i"), 0);
    assert_true(first_choice(&f, "vectors") >= 8);
    assert_true(first_choice(&f, "unroll.i") >= 2);
    task_free(f.task);
    /* Rows are the vectors there: nothing to go along. */
    derive(&f, "x86-avx512", "input x[i=80, j=64] f32 variable; y[i=80] f32 = sum(j=64) x[i, j]");
    assert_int_equal(first_choice(&f, "split.j"), -1);
    task_free(f.task);
}

/* One line a trip is not fetched ahead, however short the chain of a maximum. */
static void test_maxima_of_rows(void **state) {
    struct fixture f;
    (void)state;
    derive(&f, "x86-avx2", "input x[i=320, j=304] f32 variable; y[i=320] f32 = max(j=304) x[i, j]");
    assert_int_equal(first_choice(&f, "tile.i"), 1);
    assert_true(first_choice(&f, "vectors") >= 4);
    task_free(f.task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transposes),
        cmocka_unit_test(test_packs),
        cmocka_unit_test(test_sums_of_columns),
        cmocka_unit_test(test_maxima_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
