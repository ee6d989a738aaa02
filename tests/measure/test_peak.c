/* The peak is a positive rate where a target runs and nothing where it cannot be measured. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "machine/description.h"
#include "measure/peak.h"

static void test_peak_where_a_target_runs(void **state) {
    static const char *const names[] = {"x86-avx512", "x86-avx2"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        double rate = measure_fma_peak(names[i], TYPE_F32);
        assert_true(target_runs_here(names[i]) ? rate > 0 : rate == 0);
    }
}

static void test_no_peak(void **state) {
    (void)state;
    assert_true(measure_fma_peak("c", TYPE_F32) == 0);
    assert_true(measure_fma_peak("no such target", TYPE_F32) == 0);
    assert_true(measure_fma_peak("x86-avx2", TYPE_S32) == 0);
    assert_true(measure_fma_peak("x86-avx2", TYPE_BF16) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peak_where_a_target_runs),
        cmocka_unit_test(test_no_peak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
