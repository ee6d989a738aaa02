/* The account of a run's seconds, on a clock of the test's own, and what a candidate gets of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/account.h"
#include "measure/effort.h"

#include <math.h>

static double now;

static double read_clock(void *context) {
    (void)context;
    return now;
}

static struct account account_of(double seconds) {
    struct account account = {.start = 100, .end = 100 + seconds, .last = 100 + seconds};
    account.clock = read_clock;
    now = 100;
    return account;
}

static void assert_is(double got, double want) {
    if (fabs(got - want) > 1e-9)
        fail_msg("%g, should be %g", got, want);
}

static void what_is_left(void **state) {
    struct account account = account_of(20);
    (void)state;
    account.reserve = 5;
    assert_is(account_left(&account), 15);
    now = 114;
    assert_is(account_spent(&account), 14);
    assert_is(account_left(&account), 1);
    assert_true(account_affords(&account, 1) && !account_affords(&account, 1.1));
    now = 117;
    assert_is(account_left(&account), -2);
    account.reserve = 0;
    assert_is(account_left(&account), 3);
}

static void without_a_limit(void **state) {
    struct account account;
    (void)state;
    account_open(&account, 0);
    assert_true(isinf(account_left(&account)) && isinf(account_left_with_grace(&account)));
    assert_true(account_affords(&account, 1e300));
}

/* It ends within the promise: a tenth of the time, or a second, whichever is more. */
static void grace(void **state) {
    struct account account = account_of(2), optional = account_of(2);
    (void)state;
    now = 102;
    assert_true(account_left_with_grace(&account) > 0);
    assert_true(account_left_with_grace(&account) < 1);
    now = 103;
    assert_true(account_left_with_grace(&account) <= 0);
    account = account_of(1000);
    now = 1100;
    assert_true(account_left_with_grace(&account) > 1 && account_left_with_grace(&account) < 100);
    optional.is_optional = true;
    now = 102.001;
    assert_true(account_left_with_grace(&optional) < 0);
}

/* What begins in a share may go on until the account's own reserve begins. */
static void shares(void **state) {
    struct account account = account_of(20), share;
    (void)state;
    account.reserve = 4;
    now = 110;
    share = account_share(&account, 2);
    assert_is(account_limit(&share), 2);
    assert_is(account_left(&share), 2);
    assert_is(account_left_to_end(&share), 6);
    share = account_share(&account, INFINITY);
    assert_is(account_left(&share), 6);
}

/* Three calls whatever the time; more of them where there is time. */
static void efforts(void **state) {
    struct effort effort = {.until = 10, .compare = 0.1, .inputs = 0.2};
    (void)state;
    effort_note_call(&effort, 0.5, 0);
    assert_false(effort.is_hurried);
    assert_true(effort_affords_timing(&effort, 1));
    assert_true(effort_affords_patterns(&effort, 2, 2, 8.3));
    assert_false(effort_affords_patterns(&effort, 2, 2, 8.5)); /* 2 (0.5 + 0.1 + 0.2) */
    assert_true(effort_affords_patterns(&effort, 2, 0, 8.5));
    assert_false(effort_affords_timing(&effort, 9));
    effort_note_call(&effort, 0.5, 9);
    assert_true(effort.is_hurried);
    effort_note_call(&effort, 1e-4, 11); /* short calls are had in any case */
    assert_true(effort_affords_timing(&effort, 11));
    effort.until = INFINITY; /* long ones once, however much time there is */
    effort_note_call(&effort, 3, 0);
    assert_false(effort_affords_timing(&effort, 0));
    assert_false(effort_affords_patterns(&effort, 2, 0, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left), cmocka_unit_test(without_a_limit), cmocka_unit_test(grace),
        cmocka_unit_test(shares),       cmocka_unit_test(efforts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
