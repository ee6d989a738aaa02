/* Reasons of failures: alike but for numbers, counted, the commonest found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "search/reasons.h"

#include <stdio.h>

static void commonest(void **state) {
    struct failure_reasons reasons = {0};
    (void)state;
    assert_null(failure_reasons_commonest(&reasons));
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "27 vector registers of 16", 1);
    failure_reasons_add(&reasons, OUTCOME_WRONG, "output[3, 1] is 0.5, should be -2e-3", 1);
    failure_reasons_add(&reasons, OUTCOME_WRONG, "output[12, 70] is -1.25e+08, should be 1", 2);
    failure_reasons_add(&reasons, OUTCOME_CRASH, "output[3, 1] is 0.5, should be -2e-3", 1);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "30 vector registers of 32", 1);
    assert_int_equal(reasons.count, 3);
    assert_int_equal(failure_reasons_commonest(&reasons)->outcome, OUTCOME_WRONG);
    assert_int_equal(failure_reasons_commonest(&reasons)->count, 3);
    assert_string_equal(failure_reasons_commonest(&reasons)->message,
                        "output[3, 1] is 0.5, should be -2e-3");
}

static void words_differ(void **state) {
    struct failure_reasons reasons = {0};
    (void)state;
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "axis 1 of a", 1);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "axis 1 of ab", 1);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "axis m of a", 1);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "axis 1", 1);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "", 1);
    assert_int_equal(reasons.count, 5);
}

/* There is room for so many; those that were told apart are still counted. */
static void many(void **state) {
    struct failure_reasons reasons = {0};
    char message[] = "a fault";
    (void)state;
    for (char letter = 'a'; letter <= 'z'; letter++) {
        message[0] = letter;
        failure_reasons_add(&reasons, OUTCOME_REFUSED, message, 1);
    }
    assert_int_equal(reasons.count, MOST_REASONS);
    failure_reasons_add(&reasons, OUTCOME_REFUSED, "b fault", 1);
    assert_string_equal(failure_reasons_commonest(&reasons)->message, "b fault");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(commonest), cmocka_unit_test(words_differ),
                                       cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
