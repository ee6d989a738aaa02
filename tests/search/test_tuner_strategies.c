/* Each strategy in the tuner's loop: what it proposes, and that it ends. */
#include "tuner_fixture.h"

static void check_same_seed(struct fixture *f, const struct strategy *strategy) {
    struct bench first = {0}, second = {0}, other = {0};
    struct tuner_options options = {.trials = 20, .seed = 7, .strategy = strategy};
    int equal = 0;
    start_anew(f);
    tune_all(f, &first, &options);
    start_anew(f);
    tune_all(f, &second, &options);
    start_anew(f);
    options.seed = 8;
    tune_all(f, &other, &options);
    assert_int_equal(first.count, second.count);
    for (int i = 0; i < first.count; i++) {
        assert_string_equal(first.traces[i], second.traces[i]);
        equal += i < other.count && !strcmp(first.traces[i], other.traces[i]);
    }
    assert_true(equal < first.count);
    forget(&first), forget(&second), forget(&other);
}

static void test_same_seed_same_points(void **state) {
    for (int i = 0; strategies[i]; i++)
        check_same_seed(*state, strategies[i]);
}

/* Each tile once, although two points have each; what was refused is counted with its kind. */
static void check_whole_space(struct fixture *f, const struct strategy *strategy) {
    struct tuner_options options = {.strategy = strategy, .seed = 3};
    struct bench bench = {0};
    struct tally tally;
    start_anew(f);
    tune_all(f, &bench, &options);
    assert_true(f->summary.exhausted);
    assert_false(f->summary.cancelled);
    assert_int_equal(bench.count, LEGAL - 1); /* the tile of one element is not measured */
    assert_all_differ(&bench);
    assert_int_equal(f->summary.errors[OUTCOME_REFUSED], 2); /* at both points */
    assert_int_equal(f->summary.errors[OUTCOME_WRONG], SIZES);
    assert_int_equal(f->summary.errors[OUTCOME_CRASH], 4); /* m of 1, 4, 8, 16 */
    assert_int_equal(f->summary.trials, LEGAL + 1);
    tally = count_records(f);
    assert_int_equal(tally.records, f->summary.trials);
    assert_int_equal(tally.refused, 2);
    assert_int_equal(tally.wrong, SIZES);
    assert_int_equal(tally.crashed, 4);
    assert_int_equal(tally.right, f->summary.errors[OUTCOME_OK]);
    forget(&bench);
}

static void test_whole_space(void **state) {
    for (int i = 0; strategies[i]; i++)
        check_whole_space(*state, strategies[i]);
}

static void test_default_comes_first(void **state) {
    struct tuner_options options = {.trials = 1};
    struct fixture *f = *state;
    struct bench bench = {0};
    f->space.knobs[0].values[0] = 8; /* point 0 is the best of all */
    f->space.knobs[0].values[3] = 1;
    f->space.knobs[1].values[0] = 4;
    f->space.knobs[1].values[2] = 1;
    tune_all(f, &bench, &options);
    assert_int_equal(bench.count, 1);
    assert_true(strstr(bench.traces[0], "m 8\nsplit output n 4") != NULL);
    forget(&bench);
}

/* The best known is found well before the space is exhausted, from a bad start. */
static void test_annealing_descends(void **state) {
    struct tuner_options options = {.trials = 25, .strategy = strategy_find("annealing")};
    struct fixture *f = *state;
    struct bench bench = {0};
    int found = 0;
    for (options.seed = 0; options.seed < 10; options.seed++) {
        start_anew(f);
        tune_all(f, &bench, &options);
        for (int i = 0; i < bench.count; i++)
            found += strstr(bench.traces[i], "m 8\nsplit output n 4") != NULL;
        forget(&bench);
    }
    assert_true(found >= 8); /* 25 of 46 at random: 5 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_same_seed_same_points),
        TEST(test_whole_space),
        TEST(test_default_comes_first),
        TEST(test_annealing_descends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
