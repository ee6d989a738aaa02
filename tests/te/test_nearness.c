/* Nearness of workloads: sizes by their ratios, anything else equal or far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/nearness.h"

#include <math.h>
#include <string.h>

static double distance(const char *a, const char *b) {
    struct workload first, second;
    struct error error;
    struct arena arena;
    double result;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    if (workload_parse(&arena, a, &first, &error) != DLT_OK ||
        workload_parse(&arena, b, &second, &error) != DLT_OK)
        fail_msg("%s", error.message);
    result = workload_distance(&first, &second);
    assert_true(result == workload_distance(&second, &first));
    arena_free(&arena);
    return result;
}

static void sizes_count_by_ratio(void **state) {
    (void)state;
    assert_true(distance("matmul m=7 n=5 k=3", "matmul k=3 n=5 m=7") == 0);
    assert_true(fabs(distance("matmul m=4 n=5 k=3", "matmul m=8 n=5 k=3") - log(2)) < 1e-12);
    assert_true(fabs(distance("matmul m=4 n=10 k=3", "matmul m=8 n=5 k=3") - log(4)) < 1e-12);
    assert_true(isfinite(distance("conv2d n=1 c=64 h=56 w=56 k=64 r=3 s=3 pad=1",
                                  "conv2d n=8 c=64 h=28 w=28 k=64 r=3 s=3 pad=1")));
}

static void all_else_has_to_be_equal(void **state) {
    (void)state;
    assert_true(isinf(distance("matmul m=4 n=5 k=3", "conv2d m=4 n=5 k=3")));
    assert_true(isinf(distance("softmacks m=4", "softmacks m=5")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3", "matmul m=4 n=5 k=3 const=b")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3 lda=8", "matmul m=4 n=5 k=3 ldb=8")));
    assert_true(isinf(distance("conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 stride=2",
                               "conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 stride=3")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3 target=c threads=1",
                               "matmul m=4 n=5 k=3 target=c threads=2")));
    assert_true(isinf(distance("matmul m=0 n=5 k=3", "matmul m=4 n=5 k=3")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_count_by_ratio),
                                       cmocka_unit_test(all_else_has_to_be_equal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
