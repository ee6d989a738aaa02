/* Gaps between rows: what counts as one, that writing there is noticed, that they become zero. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/gaps.h"
#include "te/task.h"

#include <string.h>

static struct task *open_task(const char *workload) {
    struct error error = {.status = DLT_OK};
    struct task *task;
    if (task_create_text(workload, "c", 1, &task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return task;
}

static void gaps_of_rows(void **state) {
    struct task *task = open_task("matmul m=3 n=5 k=2 ldc=8");
    const struct tensor *result = expression_result(task->expression);
    float output[3 * 8];
    int64_t offset = -1;
    (void)state;
    memset(output, 0xff, sizeof output);
    assert_int_equal(result->layout.elements, 24);
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < 5; i++)
            output[8 * row + i] = 1;
    output[8 + 6] = 0;
    assert_false(gaps_are_kept(result, output, 0xff, &offset));
    assert_int_equal(offset, 14);
    memset(&output[14], 0xff, sizeof *output);
    assert_true(gaps_are_kept(result, output, 0xff, &offset));
    for (int i = 0; i < 24; i++)
        assert_true(output[i] == (i % 8 < 5 ? 1 : 0));
    task_free(task);
}

/* Lanes of blocks are none: a kernel writes them. */
static void lanes_are_no_gaps(void **state) {
    struct task *task = open_task("conv2d c=3 h=2 w=2 k=3 r=1 s=1 layout=n,c/4,h,w,c%4");
    const struct tensor *result = expression_result(task->expression);
    float output[16] = {0};
    int64_t offset;
    (void)state;
    assert_int_equal(result->layout.elements, 16);
    assert_true(gaps_are_kept(result, output, 0xff, &offset));
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_of_rows),
        cmocka_unit_test(lanes_are_no_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
