/* The kernels that a runtime keeps: each is made once, how many stay, many threads ask at once. */
#include "tests/runtime/fixture.h"

#include <pthread.h>

static void each_kernel_is_made_once(void **state) {
    dlt_kernel *first = get(WORKLOAD, 1), *again = get(WORKLOAD, 1);
    dlt_kernel *other_words = get("matmul k=3  n=5 m=7 count=9", 1);
    dlt_kernel *other = get("matmul m=7 n=5 k=4", 1), *threads = get(WORKLOAD, 2);
    (void)state;
    assert_ptr_equal(first, again);
    assert_ptr_equal(first, other_words);
    assert_ptr_not_equal(first, other);
    assert_ptr_not_equal(first, threads);
    dlt_kernel_release(first);
    dlt_kernel_release(again);
    dlt_kernel_release(other_words);
    dlt_kernel_release(other);
    dlt_kernel_release(threads);
    again = get(WORKLOAD, 1);
    assert_ptr_equal(first, again); /* kept though nobody held it */
    dlt_kernel_release(again);
}

/* More kernels than are kept: the oldest go, those held stay. */
static void the_cache_is_bounded(void **state) {
    dlt_kernel *held = get(WORKLOAD, 1);
    (void)state;
    for (int n = 1; n <= 300; n++) {
        char workload[64];
        snprintf(workload, sizeof workload, "matmul m=1 n=%d k=1", n);
        dlt_kernel_release(get(workload, 1));
    }
    run_product(held, NULL);
    assert_ptr_equal(get(WORKLOAD, 1), held);
    dlt_kernel_release(held);
    dlt_kernel_release(held);
    dlt_kernel_release(get("matmul m=1 n=1 k=1", 1));
}

static void the_program_says_how_many_are_kept(void **state) {
    dlt_kernel *held = get(WORKLOAD, 1), *other;
    (void)state;
    assert_int_equal(dlt_runtime_keep(runtime, 0), DLT_OK);
    run_product(held, NULL);
    dlt_kernel_release(held); /* gone */
    assert_int_equal(dlt_runtime_keep(runtime, 1), DLT_OK);
    held = get(WORKLOAD, 1);
    other = get("matmul m=2 n=2 k=2", 1);
    dlt_kernel_release(held);
    dlt_kernel_release(other); /* the other one goes */
    assert_ptr_equal(get("matmul m=2 n=2 k=2", 1), other);
    dlt_kernel_release(other);
    assert_int_equal(dlt_runtime_keep(runtime, -1), DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(runtime), "kernels: -1 is not a number from 0");
}

enum {
    GETTERS = 8,
    SHAPES = 6
};

static void *get_all(void *context) {
    dlt_kernel **kernels = context;
    for (int i = 0; i < SHAPES; i++) {
        char workload[64];
        snprintf(workload, sizeof workload, "matmul m=%d n=5 k=3", i + 2);
        if (dlt_runtime_get(runtime, workload, 1, &kernels[i]) != DLT_OK)
            return NULL;
    }
    for (int i = 0; i < 100; i++)
        run_product(kernels[M - 2], NULL);
    dlt_kernel *none;
    if (dlt_runtime_get(runtime, "nonsense", 1, &none) != DLT_ERROR_ARGUMENT ||
        !strstr(dlt_error(runtime), "nonsense"))
        return NULL;
    return kernels;
}

static void many_threads_get_the_same_kernels(void **state) {
    static dlt_kernel *kernels[GETTERS][SHAPES];
    pthread_t threads[GETTERS];
    (void)state;
    for (int i = 0; i < GETTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_all, kernels[i]), 0);
    for (int i = 0; i < GETTERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    for (int i = 0; i < GETTERS; i++)
        for (int s = 0; s < SHAPES; s++) {
            assert_ptr_equal(kernels[i][s], kernels[0][s]);
            dlt_kernel_release(kernels[i][s]);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_kernel_is_made_once),
        TEST(the_cache_is_bounded),
        TEST(the_program_says_how_many_are_kept),
        TEST(many_threads_get_the_same_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
