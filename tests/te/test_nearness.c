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
    double result = key_distance(a, b);
    assert_true(result == key_distance(b, a));
    return result;
}

static void sizes_count_by_ratio(void **state) {
    (void)state;
    assert_true(distance("matmul m=7 n=5 k=3", "matmul m=7 n=5 k=3") == 0);
    assert_true(fabs(distance("matmul m=4 n=5 k=3", "matmul m=8 n=5 k=3") - log(2)) < 1e-12);
    assert_true(fabs(distance("matmul m=4 n=10 k=3", "matmul m=8 n=5 k=3") - log(4)) < 1e-12);
    assert_true(isfinite(distance("conv2d n=1 c=64 h=56 w=56 k=64 r=3 s=3 pad=1",
                                  "conv2d n=8 c=64 h=28 w=28 k=64 r=3 s=3 pad=1")));
}

static void numbers_that_are_no_sizes_count_more(void **state) {
    const char *const one = "conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 target=c threads=1";
    const char *const two = "conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 stride=2 target=c threads=1";
    const char *const groups = "conv2d n=1 c=8 h=9 w=9 k=8 r=3 s=3 groups=8 target=c threads=1";
    (void)state;
    assert_true(distance(one, two) > 2 && isfinite(distance(one, two)));
    assert_true(distance(one, groups) > distance(one, two));
    assert_true(isfinite(distance(two, groups)));
}

/* Nearer than other sizes. */
static void places_count_little(void **state) {
    static const char plain[] = "matmul m=64 n=5 k=3";
    double larger = distance(plain, "matmul m=128 n=5 k=3"), one, two;
    (void)state;
    one = distance(plain, "matmul m=64 n=5 k=3 lda=8");
    two = distance("matmul m=64 n=5 k=3 lda=8", "matmul m=64 n=5 k=3 ldb=8");
    assert_true(one > 0 && one < two && two < larger);
    assert_true(distance("matmul m=64 n=5 k=3 lda=9", "matmul m=64 n=5 k=3 lda=8") == one);
    assert_true(distance(plain, "matmul m=64 n=5 k=3 accumulate=1") == one);
    assert_true(distance(plain, "matmul m=128 n=5 k=3 lda=9") > larger);
    assert_true(isfinite(distance("conv2d_transpose n=1 c=4 h=9 w=9 k=4 r=1 s=1 accumulate=1",
                                  "conv2d_transpose n=1 c=8 h=9 w=9 k=4 r=1 s=1")));
}

/* A depthwise convolution is nearer to another one than to one that sums over channels. */
static void of_groups_the_share_of_one_counts(void **state) {
    const char *const deep = "conv2d n=1 c=64 h=9 w=9 k=64 r=3 s=3 groups=64";
    (void)state;
    assert_true(distance(deep, "conv2d n=1 c=512 h=9 w=9 k=512 r=3 s=3 groups=512") <
                distance(deep, "conv2d n=1 c=64 h=9 w=9 k=64 r=3 s=3 groups=8"));
    assert_true(distance(deep, "conv2d n=1 c=512 h=9 w=9 k=512 r=3 s=3 groups=512") <
                distance(deep, "conv2d n=1 c=64 h=9 w=9 k=64 r=3 s=3"));
    assert_true(fabs(distance("conv2d n=1 c=64 h=9 w=9 k=64 r=3 s=3 groups=2",
                              "conv2d n=1 c=32 h=9 w=9 k=64 r=3 s=3 groups=2") -
                     log(2)) < 1e-12);
}

static void all_else_has_to_be_equal(void **state) {
    (void)state;
    assert_true(isinf(distance("matmul m=4 n=5 k=3", "conv2d m=4 n=5 k=3")));
    assert_true(isinf(distance("softmacks m=4", "softmacks m=5")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3", "matmul m=4 n=5 k=3 const=b")));
    assert_true(isinf(distance("conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 pad=0x2",
                               "conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 pad=2")));
    assert_true(isinf(distance("conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3 layout=nhwc",
                               "conv2d n=1 c=4 h=9 w=9 k=4 r=3 s=3")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3 target=c threads=1",
                               "matmul m=4 n=5 k=3 target=c threads=2")));
    assert_true(isinf(distance("matmul m=0 n=5 k=3", "matmul m=4 n=5 k=3")));
    assert_true(isinf(distance("matmul m=4 n=5 k=3", "matmul m=4 n=5")));
    assert_true(isinf(distance("matmul", "matmuls")));
    assert_true(isinf(distance("matmul m=4 n=x k=3", "matmul m=4 n=5 k=3")));
    assert_true(isinf(distance("", "matmul m=4 n=5 k=3")));
    assert_true(
        isinf(distance("expression text=\"input x[i=3] f32 variable; y[i=3] f32 = x[i]\"",
                       "expression text=\"input x[i=4] f32 variable; y[i=4] f32 = x[i]\"")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_count_by_ratio),
                                       cmocka_unit_test(numbers_that_are_no_sizes_count_more),
                                       cmocka_unit_test(places_count_little),
                                       cmocka_unit_test(of_groups_the_share_of_one_counts),
                                       cmocka_unit_test(all_else_has_to_be_equal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
