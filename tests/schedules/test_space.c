/* Spaces derived from a few workloads: which axes may fill a vector. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/text.h"
#include "schedules/summary.h"
#include "schedules/traffic.h"
#include "te/task.h"

#include <stdlib.h>
#include <string.h>

static int compare_labels(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The knob offers just these axes, whatever the order, and the default is legal. */
static void expect_axes(const char *target, const char *workload, const char *axes) {
    struct error error = {.status = DLT_OK};
    struct target_description description;
    struct space *space;
    struct task *task;
    struct text text = {0};
    int point[MAX_KNOBS] = {0};
    const struct knob *knob;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (task_create_text(workload, target, 1, &task, &error))
        fail_msg("%s: %s", workload, error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    if (space_create(&task->arena, task->collapsed, &description, 1, &space, &error))
        fail_msg("%s: %s", workload, error.message);
    knob = &space->knobs[0];
    assert_string_equal(knob->name, "vector");
    const char *labels[MAX_CHOICES];
    memcpy(labels, knob->labels, sizeof *labels * (size_t)knob->choice_count);
    qsort(labels, (size_t)knob->choice_count, sizeof *labels, compare_labels);
    for (int i = 0; i < knob->choice_count; i++)
        text_format(&text, "%s%s", i ? " " : "", labels[i]);
    if (strcmp(text_string(&text), axes) != 0)
        fail_msg("%s: the vector axis may be %s, not %s", workload, text_string(&text), axes);
    if (space_check(space, point, &error))
        fail_msg("%s: default: %s", workload, error.message);
    text_free(&text);
    task_free(task);
}

static void test_vector_axes(void **state) {
    static const char *const targets[] = {"x86-avx512", "x86-avx2"};
    (void)state;
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        /* Weights can be copied, so that channels of the result are neighbours. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=20 w=20 k=32 r=3 s=3 pad=1", "k x");
        /* Every second element is nearly as good. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=41 w=41 k=32 r=3 s=3 stride=2 pad=1", "k x");
        expect_axes(targets[i], "conv2d n=1 c=32 h=41 w=41 k=32 r=3 s=3 stride=2 pad=1 groups=32",
                    "x");
        /* Every third is not; the model chooses among all. */
        expect_axes(targets[i], "conv2d n=1 c=32 h=61 w=61 k=32 r=3 s=3 stride=3 pad=1 groups=32",
                    "k x y");
    }
}

/* A point that the space's own check lets through has a schedule: no step refuses it. */
static void expect_schedules(const char *target, const char *workload) {
    struct error error = {.status = DLT_OK};
    struct random random;
    struct target_description description;
    struct space *space;
    struct task *task;
    random_seed(&random, 11);
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    assert_int_equal(task_create_text(workload, target, 1, &task, &error), DLT_OK);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    assert_int_equal(space_create(&task->arena, task->collapsed, &description, 1, &space, &error),
                     DLT_OK);
    for (int trial = 0; trial < 400; trial++) {
        int point[MAX_KNOBS];
        struct schedule *schedule;
        for (int i = 0; i < space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)space->knobs[i].choice_count);
        if (space_check(space, point, &error) != DLT_OK)
            continue;
        schedule = schedule_create(&task->arena, task->collapsed);
        if (space_schedule(space, point, schedule, &error) != DLT_OK)
            fail_msg("%s, %s: %s", workload, target, error.message);
        schedule_free(schedule);
    }
    task_free(task);
}

static void test_checked_points_have_schedules(void **state) {
    static const char *const targets[] = {"c", "x86-avx2", "x86-avx512"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        expect_schedules(targets[i], "conv2d n=2 c=17 h=9 w=7 k=31 r=3 s=2 stride=2x1 post=bias");
        expect_schedules(targets[i], "conv2d c=8 h=8 w=8 k=8 r=1 s=1 layout=n,c/8,h,w,c%8");
        expect_schedules(targets[i], "conv2d c=16 h=8 w=8 k=16 r=3 s=3 groups=16 layout=nhwc");
        expect_schedules(targets[i], "matmul m=13 n=17 k=19 const=b post=relu");
        expect_schedules(targets[i], "matmul m=13 n=17 k=19 accumulate=1 post=relu");
        expect_schedules(targets[i], "conv2d_transpose c=8 h=6 w=6 k=17 r=3 s=4 stride=2 pad=1");
        expect_schedules(targets[i], "matmul m=1 n=1 k=64");
    }
}

struct made {
    struct task *task;
    struct space *space;
};

static struct made make_space(const char *workload, int threads) {
    struct target_description description;
    struct made made;
    assert_int_equal(target_describe("x86-avx512", &description, NULL), DLT_OK);
    assert_int_equal(task_create_text(workload, "x86-avx512", threads, &made.task, NULL), DLT_OK);
    if (arena_recover(&made.task->arena))
        fail_msg("out of memory");
    assert_int_equal(space_create(&made.task->arena, made.task->collapsed, &description, threads,
                                  &made.space, NULL),
                     DLT_OK);
    return made;
}

static const struct knob *find_knob(const struct made *made, const char *name) {
    for (int i = 0; i < made->space->knob_count; i++)
        if (strcmp(made->space->knobs[i].name, name) == 0)
            return &made->space->knobs[i];
    return NULL;
}

static bool has_knob(const char *workload, int threads, const char *name) {
    struct made made = make_space(workload, threads);
    bool has = find_knob(&made, name) != NULL;
    task_free(made.task);
    return has;
}

/* Reductions are in parts where few elements leave accumulators or threads idle, nowhere else. */
static void test_knobs_of_reductions(void **state) {
    (void)state;
    assert_true(has_knob("matmul m=4 n=16 k=64", 1, "accumulators.k"));
    assert_true(has_knob("conv2d c=960 h=1 w=1 k=240 r=1 s=1", 1, "accumulators.c"));
    assert_false(has_knob("matmul m=512 n=512 k=64", 1, "accumulators.k"));
    assert_false(has_knob("matmul m=4 n=16 k=7", 1, "accumulators.k"));
    assert_false(has_knob("matmul m=16 n=16 k=65536", 1, "parts.k"));
    assert_false(has_knob("matmul m=16 n=16 k=65536", 1, "parallel"));
    assert_true(has_knob("matmul m=16 n=16 k=65536", 2, "parts.k"));
    assert_true(has_knob("matmul m=512 n=512 k=64", 2, "parallel"));
    assert_false(has_knob("matmul m=512 n=512 k=512", 2, "parts.k"));
    assert_false(has_knob("matmul m=16 n=16 k=31", 2, "parts.k"));
    /* parts would begin inside of blocks of channels */
    assert_false(has_knob("conv2d c=64 h=2 w=2 k=16 r=1 s=1 layout=n,c/16,h,w,c%16", 2, "parts.c"));
}

/* What the parts are named after is how many there may be: all threads have one, or several. */
static void test_numbers_of_parts(void **state) {
    struct made made = make_space("matmul m=16 n=16 k=65536", 3);
    const struct knob *parts = find_knob(&made, "parts.k");
    (void)state;
    for (int i = 0; i < parts->choice_count; i++)
        assert_true(parts->values[i] == 1 || parts->values[i] % 3 == 0);
    assert_true(parts->values[0] > 1); /* the default, too */
    task_free(made.task);
}

static const char *default_trace(const struct made *made, const int *point) {
    struct schedule *schedule = schedule_create(&made->task->arena, made->task->collapsed);
    const char *trace;
    assert_int_equal(space_schedule(made->space, point, schedule, NULL), DLT_OK);
    trace = arena_format(&made->task->arena, "%s", schedule_trace(schedule));
    schedule_free(schedule);
    return trace;
}

/* Short calls stay on one thread, as if there were no other; long ones do not. */
static void test_short_calls_are_not_shared(void **state) {
    static const char *const workloads[] = {"matmul m=16 n=16 k=16", "matmul m=23 n=23 k=23",
                                            "conv2d c=8 h=4 w=4 k=8 r=3 s=3 pad=1"};
    int point[MAX_KNOBS] = {0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct made one = make_space(workloads[i], 1), two = make_space(workloads[i], 2);
        assert_string_equal(default_trace(&one, point), default_trace(&two, point));
        task_free(one.task);
        task_free(two.task);
    }
    struct made two = make_space("matmul m=512 n=512 k=512", 2);
    assert_non_null(strstr(default_trace(&two, point), "parallel output "));
    space_set_shared(two.space, point, false);
    assert_null(strstr(default_trace(&two, point), "parallel"));
    task_free(two.task);
}

#define CHAIN(h, n)                                                                                \
    "expression text=\"input a[m=60, k=8] f32 variable; input b[k=8, h=" #h                        \
    "] f32 variable; input w[h=" #h ", n=" #n "] f32 variable; c[m=60, h=" #h                      \
    "] f32 = sum(k=8) a[m, k] * b[k, h]; d[m=60, n=" #n "] f32 = sum(h=" #h                        \
    ") c[m, h] * w[h, n]\""

#define BETWEEN(value)                                                                             \
    "expression text=\"input a[m=60, k=8] f32 variable; input b[k=8, h=1024] f32 variable; "       \
    "input w[h=1024, n=16] f32 variable; c[m=60, h=1024] f32 = sum(k=8) a[m, k] * b[k, h]; "       \
    "e[m=60, h=1024] f32 = " value "; d[m=60, n=16] f32 = sum(h=1024) e[m, h] * w[h, n]\""

/* Rows a multiple of 4 KB apart, read by a tile of one vector and up to 28 rows; not rows of other
 * lengths, nor what a tile of many vectors and few rows reads, nor where a nest is alone. */
static void test_knobs_of_padding(void **state) {
    (void)state;
    assert_true(has_knob(CHAIN(1024, 16), 1, "pad.c"));
    assert_true(has_knob(CHAIN(2048, 10), 2, "pad.c"));
    /* through what is inlined between the two, but not where that moves the rows */
    assert_true(has_knob(BETWEEN("max(c[m, h], 0)"), 1, "pad.c"));
    assert_false(has_knob(BETWEEN("c[m, 1023 - h]"), 1, "pad.c"));
    assert_false(has_knob(CHAIN(1040, 16), 1, "pad.c"));
    assert_false(has_knob(CHAIN(1000, 16), 1, "pad.c"));
    assert_false(has_knob(CHAIN(1024, 16), 1, "pad.d"));
    assert_false(has_knob("matmul m=1024 n=1024 k=1024", 1, "pad.output"));
}

static const struct summary_access *access_of(const struct nest_summary *summary,
                                              const char *tensor) {
    for (int i = 0; i < summary->access_count; i++)
        if (strcmp(summary->accesses[i].tensor->name, tensor) == 0)
            return &summary->accesses[i];
    fail_msg("%s is not accessed", tensor);
    return NULL;
}

/* The steps and the model's strides, of the nest that writes and of that which reads, follow. */
static void test_padded_points(void **state) {
    struct made made = make_space(CHAIN(1024, 16), 1);
    const struct knob *knob = find_knob(&made, "pad.c");
    int point[MAX_KNOBS] = {0};
    (void)state;
    assert_int_equal(knob->choice_count, 2);
    for (int choice = 0; choice < 2; choice++) {
        int64_t lines = knob->values[choice], row = 1024 + 16 * lines;
        struct schedule *again = schedule_create(&made.task->arena, made.task->collapsed);
        const char *trace;
        point[knob - made.space->knobs] = choice;
        trace = default_trace(&made, point);
        assert_int_equal(strncmp(trace, "pad c m 1\n", 10) == 0, lines == 1);
        assert_int_equal(schedule_replay(again, trace, NULL), DLT_OK);
        assert_int_equal(schedule_find(again, "c")->layout.elements, 60 * row);
        assert_string_equal(schedule_trace(again), trace);
        schedule_free(again);
        for (int nest = 0; nest < 2; nest++) {
            struct nest_summary summary;
            const struct summary_access *access;
            space_summarise(made.space, nest, point, &summary);
            access = access_of(&summary, "c");
            assert_int_equal(access->is_write, nest == 0);
            for (int i = 0; i < summary.loop_count; i++)
                if (strcmp(summary.loops[i].axis, "m") == 0)
                    assert_int_equal(access->strides[i], summary.loops[i].step * row);
        }
    }
    task_free(made.task);
}

/* A tall tile of rows on one set is hopeless, and with a line between the rows is not. */
static void test_padding_saves_tall_tiles(void **state) {
    struct made made = make_space(CHAIN(1024, 16), 1);
    int point[MAX_KNOBS];
    double dense;
    (void)state;
    space_parse_point(made.space, "d.vector=n d.vectors=1 d.tile.m=28 pad.c=0", point);
    dense = traffic_score(made.space, point);
    space_parse_point(made.space, "d.vector=n d.vectors=1 d.tile.m=28 pad.c=1", point);
    assert_true(traffic_score(made.space, point) < 0.7 * dense);
    task_free(made.task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vector_axes),
        cmocka_unit_test(test_checked_points_have_schedules),
        cmocka_unit_test(test_knobs_of_reductions),
        cmocka_unit_test(test_numbers_of_parts),
        cmocka_unit_test(test_knobs_of_padding),
        cmocka_unit_test(test_padded_points),
        cmocka_unit_test(test_padding_saves_tall_tiles),
        cmocka_unit_test(test_short_calls_are_not_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
