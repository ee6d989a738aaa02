/* Spaces derived from a few workloads: which axes may fill a vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_axes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
