/* The energy: the prior without records, what is learnt from them, and that points which were
 * described before keep their energy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "search/learner.h"
#include "search/prior.h"
#include "te/task.h"

enum {
    POINTS = 64,
    MANY = 6000, /* more than are remembered */
};

struct subject {
    struct task *task;
    struct arena arena;
    struct space *space;
    int points[POINTS][MAX_KNOBS];
};

static void draw(const struct space *space, struct random *random, int *point) {
    do
        for (int i = 0; i < space->knob_count; i++)
            point[i] = (int)random_below(random, (uint64_t)space->knobs[i].choice_count);
    while (space_check(space, point, NULL) != DLT_OK);
}

static int set_up(void **state) {
    static struct subject s;
    struct target_description target;
    struct random random;
    target_describe("x86-avx512", &target, NULL);
    if (task_create_text("matmul m=96 n=96 k=96", "x86-avx512", 1, &s.task, NULL))
        return 1;
    arena_initialise(&s.arena);
    if (arena_recover(&s.arena) ||
        space_create(&s.arena, s.task->collapsed, &target, 1, &s.space, NULL))
        return 1;
    random_seed(&random, 3);
    for (int i = 0; i < POINTS; i++)
        draw(s.space, &random, s.points[i]);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    struct subject *s = *state;
    arena_free(&s->arena);
    task_free(s->task);
    return 0;
}

static void test_prior_without_records(void **state) {
    struct subject *s = *state;
    struct learner learner;
    double energies[POINTS];
    learner_initialise(&learner, s->space);
    assert_false(learner_has_learnt(&learner));
    learner_energies(&learner, POINTS, s->points, energies);
    for (int i = 0; i < POINTS; i++)
        assert_true(energies[i] == (double)(float)analytic_score(s->space, s->points[i]));
    learner_free(&learner);
}

static void test_remembered_points(void **state) {
    struct subject *s = *state;
    struct learner learner;
    struct random random;
    double first[POINTS], again[POINTS], other;
    int point[1][MAX_KNOBS];
    learner_initialise(&learner, s->space);
    learner_energies(&learner, POINTS, s->points, first);
    random_seed(&random, 4);
    for (int i = 0; i < MANY; i++) {
        draw(s->space, &random, point[0]);
        learner_energies(&learner, 1, point, &other);
        assert_true(other == (double)(float)analytic_score(s->space, point[0]));
    }
    learner_energies(&learner, POINTS, s->points, again);
    assert_memory_equal(first, again, sizeof first);
    learner_free(&learner);
}

/* Half of the points are slower than the prior says, for a reason that features tell. */
static void test_learning(void **state) {
    struct subject *s = *state;
    struct learner learner;
    double before[POINTS], after[POINTS], wrong_before = 0, wrong_after = 0, times[POINTS];
    if (!cost_model_available())
        skip();
    learner_initialise(&learner, s->space);
    learner_energies(&learner, POINTS, s->points, before);
    for (int i = 0; i < POINTS; i++) {
        float features[FEATURE_COUNT];
        features_compute(s->space, s->points[i], features);
        times[i] = before[i] + (features[9] > 6 ? 0.3 : 0);
        assert_true(learner_add(&learner, s->points[i], times[i]));
    }
    learner_train(&learner);
    assert_true(learner_has_learnt(&learner));
    learner_energies(&learner, POINTS, s->points, after);
    for (int i = 0; i < POINTS; i++)
        for (int j = 0; j < i; j++) {
            wrong_before += (before[i] < before[j]) != (times[i] < times[j]);
            wrong_after += (after[i] < after[j]) != (times[i] < times[j]);
        }
    assert_true(wrong_after <= wrong_before);
    learner_free(&learner);
}

static void test_share_of_a_model(void **state) {
    (void)state;
    assert_true(prior_model_share(0) == 0.5);
    assert_true(prior_model_share(100) < prior_model_share(1000));
    assert_true(prior_model_share(INT64_C(1) << 50) <= 0.9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prior_without_records),
        cmocka_unit_test(test_remembered_points),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_share_of_a_model),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
