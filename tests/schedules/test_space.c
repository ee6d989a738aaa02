/* Spaces derived from a few workloads: which axes may fill a vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"
#include "schedules/space.h"
#include "te/task.h"

#include <stdlib.h>
#include <string.h>

static int compare_labels(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The knob offers just these axes, whatever the order, and the default is legal. */
static void expect_axes(const char *target, const char *workload, const char *axes) {
    struct error error = {.status = DLT_OK};
    struct target_description description;
    struct space *space;
    struct task *task;
    struct text text = {0};
    int point[MAX_KNOBS] = {0};
    const struct knob *knob;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (task_create_text(workload, target, 1, &task, &error))
        fail_msg("%s: %s", workload, error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    if (space_create(&task->arena, task->collapsed, &description, 1, &space, &error))
        fail_msg("%s: %s", workload, error.message);
    knob = &space->knobs[0];
    assert_string_equal(knob->name, "vector");
    const char *labels[MAX_CHOICES];
    memcpy(labels, knob->labels, sizeof *labels * (size_t)knob->choice_count);
    qsort(labels, (size_t)knob->choice_count, sizeof *labels, compare_labels);
    for (int i = 0; i < knob->choice_count; i++)
        text_format(&text, "%s%s", i ? " " : "", labels[i]);
    if (strcmp(text_string(&text), axes) != 0)
        fail_msg("%s: the vector axis may be %s, not %s", workload, text_string(&text), axes);
    if (space_check(space, point, &error))
        fail_msg("%s: default: %s", workload, error.message);
    text_free(&text);
    task_free(task);
}

static void test_vector_axes(void **state) {
    static const char *const targets[] = {"x86-avx512", "x86-avx2"};
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        /* Weights can be copied, so that channels of the result are neighbours. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=20 w=20 k=32 r=3 s=3 pad=1", "k x");
        /* Every second element is nearly as good. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=41 w=41 k=32 r=3 s=3 stride=2 pad=1", "k x");
        expect_axes(targets[i], "conv2d n=1 c=32 h=41 w=41 k=32 r=3 s=3 stride=2 pad=1 groups=32",
                    "x");
        /* Every third is not; the model chooses among all. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=61 w=61 k=32 r=3 s=3 stride=3 pad=1 groups=32",
                    "k x y");
    }
}

/* A point that the space's own check lets through has a schedule: no step refuses it. */
static void expect_schedules(const char *target, const char *workload) {
    struct error error = {.status = DLT_OK};
    struct random random;
    struct target_description description;
    struct space *space;
    struct task *task;
    random_seed(&random, 11);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    assert_int_equal(task_create_text(workload, target, 1, &task, &error), DLT_OK);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    assert_int_equal(space_create(&task->arena, task->collapsed, &description, 1, &space, &error),
                     DLT_OK);
    for (int trial = 0; trial < 400; trial++) {
        int point[MAX_KNOBS];
        struct schedule *schedule;
        for (int i = 0; i < space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)space->knobs[i].choice_count);
        if (space_check(space, point, &error) != DLT_OK)
            continue;
        schedule = schedule_create(&task->arena, task->collapsed);
        if (space_schedule(space, point, schedule, &error) != DLT_OK)
            fail_msg("%s, %s: %s", workload, target, error.message);
        schedule_free(schedule);
    }
    task_free(task);
}

static void test_checked_points_have_schedules(void **state) {
    static const char *const targets[] = {"c", "x86-avx2", "x86-avx512"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        expect_schedules(targets[i], "conv2d n=2 c=17 h=9 w=7 k=31 r=3 s=2 stride=2x1 post=bias");
        expect_schedules(targets[i], "conv2d c=8 h=8 w=8 k=8 r=1 s=1 layout=n,c/8,h,w,c%8");
        expect_schedules(targets[i], "conv2d c=16 h=8 w=8 k=16 r=3 s=3 groups=16 layout=nhwc");
        expect_schedules(targets[i], "matmul m=13 n=17 k=19 const=b post=relu");
        expect_schedules(targets[i], "matmul m=1 n=1 k=64");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_axes),
        cmocka_unit_test(test_checked_points_have_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
