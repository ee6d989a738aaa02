/* Finalists through the real worker: each keeps its place, failures keep theirs, the fastest wins
 * where the difference is beyond any noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/measure.h"

#include <stdlib.h>

static void order(void **state) {
    static const char *const traces[] = {"slow:4000", "border", "slow:400", "crash", "reversed"};
    struct measure_options options = {.seed = 1, .timeout_seconds = 20};
    struct measure_result results[5];
    struct measurer *measurer;
    struct task *task;
    struct error error = {0};
    (void)state;
    assert_int_equal(task_create_key("matmul m=5 n=7 k=3 target=c threads=1", &task, &error),
                     DLT_OK);
    assert_int_equal(measurer_create(task, &options, &measurer, &error), DLT_OK);
    assert_int_equal(measurer_run_again(measurer, 5, traces, results, &error), DLT_OK);
    assert_int_equal(results[1].outcome, OUTCOME_WRONG);
    assert_int_equal(results[3].outcome, OUTCOME_CRASH);
    for (int i = 0; i < 5; i += 2) {
        assert_int_equal(results[i].outcome, OUTCOME_OK);
        assert_false(results[i].abandoned);
        assert_true(results[i].minimum_us > 0 && results[i].minimum_us <= results[i].median_us);
        assert_true(results[i].max_error > 0 && results[i].max_error <= 1);
        assert_true(results[i].spread >= 0);
    }
    assert_true(results[4].median_us < results[2].median_us);
    assert_true(results[2].median_us < results[0].median_us);
    assert_int_equal(measurer_run_again(measurer, 0, NULL, NULL, &error), DLT_OK);
    measurer_free(measurer);
    measurer_free(NULL);
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(order)};
    setenv("DLTUNE_WORKER", BAD_WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
