/* The worker that ships: real traces, replayed and compiled, checked on every pattern of input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/measure.h"

#include <stdlib.h>
#include <string.h>

static struct measure_result run(const char *key, const char *trace, bool cold) {
    struct measure_options options = {.seed = 2, .timeout_seconds = 60, .cold = cold};
    struct measure_result result = {0};
    struct measurer *measurer = NULL;
    struct task *task = NULL;
    struct error error = {0};
    if (task_create_key(key, &task, &error) != DLT_OK ||
        measurer_create(task, &options, &measurer, &error) != DLT_OK ||
        measurer_run(measurer, trace, 0, &result, &error) != DLT_OK)
        fail_msg("%s: %s", key, error.message);
    measurer_free(measurer);
    task_free(task);
    return result;
}

static void expect_right(const char *key, const char *trace, bool cold) {
    struct measure_result result = run(key, trace, cold);
    if (result.outcome != OUTCOME_OK)
        fail_msg("%s: %s (%s)", key, measure_outcome_name(result.outcome), result.message);
    assert_true(result.median_us > 0);
    assert_true(result.max_error <= 1);
    for (int i = 0; i < MEASURE_SHARES; i++)
        assert_true(result.seconds[i] > 0);
    assert_true(result.wall_clock == (strstr(key, "threads=1") == NULL));
}

static void right_ones(void **state) {
    static const char *const keys[] = {
        "matmul m=1 n=1 k=1 target=c threads=1",
        "matmul m=5 n=7 k=3 target=c threads=1",
        "matmul m=5 n=7 k=3 target=c threads=2",
        "matmul m=5 n=7 k=3 const=b target=c threads=1",
        "conv2d n=1 c=3 h=7 w=5 k=4 r=3 s=3 pad=1 post=bias,relu target=c threads=1",
        "batch_matmul b=3 m=5 n=7 k=3 lda=4 target=c threads=1",
        /* what the output holds before is part of the work */
        "matmul m=5 n=7 k=3 accumulate=1 target=c threads=1",
        "matmul m=5 n=7 k=3 ldc=9 accumulate=1 target=c threads=2",
        "matmul m=5 n=7 k=1 accumulate=1 post=bias,relu const=b target=c threads=1",
        "conv2d n=1 c=3 h=5 w=5 k=5 r=1 s=1 layout=n,c/4,h,w,c%4 accumulate=1 target=c threads=1",
    };
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        expect_right(keys[i], "", false);
    expect_right(keys[1], "", true);
}

static void refused_ones(void **state) {
    struct measure_result result =
        run("matmul m=5 n=7 k=3 target=c threads=1", "split output nowhere 2", false);
    (void)state;
    assert_int_equal(result.outcome, OUTCOME_REFUSED);
    assert_non_null(strstr(result.message, "nowhere"));
}

static void no_such_task(void **state) {
    struct task *task;
    struct measure_options options = {0};
    struct measurer *measurer;
    struct error error = {0};
    (void)state;
    assert_int_equal(task_create_text("matmul m=5 n=7 k=3", "c", 1, &task, &error), DLT_OK);
    task->key = "matmul m=0 n=7 k=3 target=c threads=1";
    assert_int_equal(measurer_create(task, &options, &measurer, &error), DLT_ERROR_ARGUMENT);
    assert_null(measurer);
    assert_non_null(strstr(error.message, "m"));
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right_ones), cmocka_unit_test(refused_ones),
                                       cmocka_unit_test(no_such_task)};
    setenv("DLTUNE_WORKER", WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
