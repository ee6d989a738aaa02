/* Strategies on a space with made-up times: the same seed proposes the same points, another seed
 * others; no point twice, none that the space refuses; what is best is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "costmodel/model.h"
#include "search/strategy.h"
#include "te/task.h"

enum {
    TRIALS = 120
};

struct subject {
    struct task *task;
    struct arena arena;
    struct space *space;
};

static int set_up(void **state) {
    static struct subject s;
    struct target_description target;
    target_describe("x86-avx512", &target, NULL);
    if (task_create_text("matmul m=512 n=512 k=512", "x86-avx512", 1, &s.task, NULL))
        return 1;
    arena_initialise(&s.arena);
    if (arena_recover(&s.arena) ||
        space_create(&s.arena, s.task->collapsed, &target, 1, &s.space, NULL))
        return 1;
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    struct subject *s = *state;
    arena_free(&s->arena);
    task_free(s->task);
    return 0;
}

static double number_of(const struct space *space, const int *point, const char *name) {
    for (int i = 0; i < space->knob_count; i++)
        if (!strcmp(space->knobs[i].name, name))
            return (double)space->knobs[i].values[point[i]];
    fail_msg("no knob is called %s", name);
    return 0;
}

/* Knobs away from a place that is not point 0 cost time; one point in nine fails. */
static double made_up_time(const struct space *space, const int *point) {
    double time = 0.2 * fabs(number_of(space, point, "vectors") - 2) +
                  0.05 * fabs(number_of(space, point, "tile.m") - 12) +
                  0.1 * fabs(log2(number_of(space, point, "unroll.k")) - 1) +
                  0.1 * fabs(log2(number_of(space, point, "block.m") + 1) - 3);
    int all = 0;
    for (int i = 0; i < space->knob_count; i++)
        all += point[i] * (i + 3);
    return all % 9 == 4 ? INFINITY : time;
}

struct history {
    int count;
    int points[TRIALS][MAX_KNOBS];
    double best;
};

static void run(const struct subject *s, const struct strategy *strategy, uint64_t seed,
                const struct hints *hints, struct history *history) {
    struct proposals proposals;
    struct seen seen;
    void *state;
    memset(history, 0, sizeof *history);
    history->best = INFINITY;
    seen_initialise(&seen, MAX_KNOBS);
    proposals_initialise(&proposals, s->space, &seen, seed);
    assert_int_equal(strategy->create(s->space, &state, NULL), DLT_OK);
    if (hints && strategy->remember)
        strategy->remember(state, hints);
    while (history->count < TRIALS) {
        proposals.count = 0;
        proposals.wanted = strategy->batch;
        strategy->propose(state, &proposals);
        assert_true(proposals.count > 0 && proposals.count <= strategy->batch);
        for (int i = 0; i < proposals.count && history->count < TRIALS; i++) {
            int *point = history->points[history->count++];
            double time = made_up_time(s->space, proposals.points[i]);
            memcpy(point, proposals.points[i], sizeof proposals.points[i]);
            history->best = fmin(history->best, time);
            strategy->observe(state, &proposals, point, time);
        }
    }
    strategy->free(state);
    seen_free(&seen);
}

static void check_points(const struct space *space, const struct history *history) {
    for (int i = 0; i < history->count; i++) {
        assert_int_equal(space_check(space, history->points[i], NULL), DLT_OK);
        for (int j = 0; j < i; j++)
            assert_true(memcmp(history->points[i], history->points[j],
                               (size_t)space->knob_count * sizeof(int)) != 0);
    }
}

static void test_seeds(void **state) {
    const struct subject *s = *state;
    static struct history first, again, other;
    for (int i = 0; strategies[i]; i++) {
        run(s, strategies[i], 5, NULL, &first);
        run(s, strategies[i], 5, NULL, &again);
        run(s, strategies[i], 6, NULL, &other);
        check_points(s->space, &first);
        assert_memory_equal(&first, &again, sizeof first);
        assert_memory_not_equal(&first, &other, sizeof first);
    }
}

static void test_learning_helps(void **state) {
    const struct subject *s = *state;
    static struct history guided, drawn;
    double guided_sum = 0, drawn_sum = 0;
    if (!cost_model_available())
        skip();
    for (uint64_t seed = 0; seed < 6; seed++) {
        run(s, strategy_find("model"), seed, NULL, &guided);
        run(s, strategy_find("random"), seed, NULL, &drawn);
        guided_sum += guided.best;
        drawn_sum += drawn.best;
    }
    assert_true(guided_sum < drawn_sum);
}

/* Hints come right after point 0. */
static void test_hints(void **state) {
    const struct subject *s = *state;
    static struct history history;
    static struct hints hints;
    hints.point_count = 1;
    space_parse_point(s->space, "vector=n vectors=2 tile.m=12 order=n,m", hints.points[0]);
    space_canonicalise(s->space, hints.points[0]);
    assert_int_equal(space_check(s->space, hints.points[0], NULL), DLT_OK);
    run(s, strategy_find("model"), 1, &hints, &history);
    for (int i = 0; i < s->space->knob_count; i++) {
        assert_int_equal(history.points[0][i], 0);
        assert_int_equal(history.points[1][i], hints.points[0][i]);
    }
}

static void test_names(void **state) {
    (void)state;
    assert_non_null(strategy_find("model"));
    assert_non_null(strategy_find("genetic"));
    assert_non_null(strategy_find("grid"));
    assert_null(strategy_find("luck"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_learning_helps),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
