/* Features: all have names, all are finite, and points that differ are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "costmodel/features.h"
#include "te/task.h"

struct subject {
    struct task *task;
    struct arena arena;
    struct space *space;
};

static void make(struct subject *s, const char *workload, const char *name, int threads) {
    struct target_description target;
    assert_int_equal(target_describe(name, &target, NULL), DLT_OK);
    assert_int_equal(task_create_text(workload, name, threads, &s->task, NULL), DLT_OK);
    arena_initialise(&s->arena);
    assert_int_equal(arena_recover(&s->arena), 0);
    assert_int_equal(space_create(&s->arena, s->task->collapsed, &target, threads, &s->space, NULL),
                     DLT_OK);
}

static void release(struct subject *s) {
    arena_free(&s->arena);
    task_free(s->task);
}

static void test_names(void **state) {
    static char names[FEATURE_COUNT][FEATURE_NAME];
    (void)state;
    features_names(names);
    for (int i = 0; i < FEATURE_COUNT; i++) {
        assert_true(names[i][0] != 0);
        for (int j = 0; j < i; j++)
            if (!strcmp(names[i], names[j]))
                fail_msg("two features are called %s", names[i]);
    }
}

static void check_finite(const char *workload, const char *target, int threads) {
    struct subject s;
    struct random random;
    make(&s, workload, target, threads);
    random_seed(&random, 1);
    for (int i = 0; i < 300; i++) {
        float features[FEATURE_COUNT + 1], again[FEATURE_COUNT];
        int point[MAX_KNOBS] = {0};
        for (int j = 0; i && j < s.space->knob_count; j++)
            point[j] = (int)random_below(&random, (uint64_t)s.space->knobs[j].choice_count);
        features[FEATURE_COUNT] = 12345;
        features_compute(s.space, point, features);
        features_compute(s.space, point, again);
        assert_memory_equal(features, again, sizeof again);
        assert_true(features[FEATURE_COUNT] == 12345);
        for (int j = 0; j < FEATURE_COUNT; j++)
            assert_true(isfinite(features[j]));
        assert_false(isnan(analytic_score(s.space, point)));
    }
    release(&s);
}

static void test_finite(void **state) {
    (void)state;
    check_finite("conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", "x86-avx512", 1);
    check_finite("conv2d c=3 h=31 w=33 k=5 r=7 s=7 stride=2 pad=3 post=bias,relu", "x86-avx2", 4);
    check_finite("matmul m=1 n=1 k=1", "x86-avx512", 1);
    check_finite("matmul m=7 n=13 k=29", "c", 1);
}

/* A tile of one row and one vector cannot be as good as the default: the score knows. */
static void test_analytic_score(void **state) {
    struct subject s;
    int point[MAX_KNOBS] = {0};
    double best;
    (void)state;
    make(&s, "matmul m=512 n=512 k=512 const=b", "x86-avx512", 1);
    best = analytic_score(s.space, point);
    space_parse_point(s.space, "vector=n vectors=1 tile.m=1", point);
    assert_true(analytic_score(s.space, point) > best + 0.5);
    release(&s);
}

/* Features of equal knobs and other extents differ; so do those of other knobs. */
static void test_differences(void **state) {
    struct subject a, b;
    float x[FEATURE_COUNT], y[FEATURE_COUNT];
    int point[MAX_KNOBS] = {0};
    (void)state;
    make(&a, "matmul m=512 n=512 k=512 const=b", "x86-avx512", 1);
    make(&b, "matmul m=512 n=512 k=513 const=b", "x86-avx512", 1);
    features_compute(a.space, point, x);
    features_compute(b.space, point, y);
    assert_memory_not_equal(x, y, sizeof x);
    for (int i = 0; i < a.space->knob_count; i++) {
        int other[MAX_KNOBS] = {0};
        if (a.space->knobs[i].choice_count == 1 || !strcmp(a.space->knobs[i].name, "tile.n"))
            continue; /* the vector axis has no rows */
        other[i] = 1;
        features_compute(a.space, other, y);
        if (!memcmp(x, y, sizeof x))
            fail_msg("features do not see %s", a.space->knobs[i].name);
    }
    release(&a);
    release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_finite),
        cmocka_unit_test(test_analytic_score),
        cmocka_unit_test(test_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
