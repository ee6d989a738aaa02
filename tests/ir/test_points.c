/* Random points of spaces, for one thread and several: what a space lets through has a schedule,
 * nearly all of it compiles, every result is right, and the bits are the same whoever runs the
 * parts. Sizes are small and odd, reductions long beside the results: partial results, accumulators
 * and the choice not to be parallel are met often.
 *
 * DLTUNE_RANDOM_POINTS=count or first_seed:count tries others than the first few. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "running.h"

#include "schedules/space.h"
#include "te/task.h"

static const char *const workloads[] = {
    "matmul m=3 n=5 k=67",
    "matmul m=1 n=1 k=131",
    "matmul m=1 n=16 k=97",
    "matmul m=7 n=17 k=64 post=bias,relu",
    "matmul m=7 n=17 k=64 post=bias,add,relu",
    "matmul m=33 n=35 k=3 ldc=48 post=add",
    "matmul m=4 n=16 k=40 const=b",
    "matmul m=2 n=33 k=37 lda=41 ldb=35 ldc=36",
    "matmul m=70 n=1 k=35",
    "matmul m=3 n=17 k=70 accumulate=1",
    "matmul m=5 n=16 k=66 accumulate=1 post=bias,relu",
    "batch_matmul b=2 m=3 n=5 k=40",
    "conv2d n=1 c=71 h=3 w=2 k=5 r=3 s=3 pad=1 post=bias,relu",
    "conv2d n=2 c=37 h=4 w=3 k=19 r=1 s=1 layout=nhwc post=bias",
    "conv2d n=1 c=5 h=9 w=7 k=37 r=3 s=3 pad=1 layout=nhwc post=add,hardswish",
    "conv2d n=2 c=16 h=7 w=9 k=19 r=3 s=1 pad=1x0 post=bias,add",
    "conv2d n=1 c=16 h=6 w=5 k=23 r=1 s=1 layout=n,c/16,h,w,c%16 post=add,relu",
    "conv2d_transpose n=1 c=7 h=4 w=5 k=17 r=4 s=4 stride=2 pad=1 post=add",
    "conv2d n=1 c=48 h=3 w=3 k=16 r=2 s=1 layout=n,c/16,h,w,c%16",
    "conv2d n=1 c=6 h=5 w=5 k=6 r=5 s=5 groups=2 pad=2",
    "conv2d_transpose n=1 c=7 h=4 w=5 k=17 r=4 s=4 stride=2 pad=1",
    "conv2d_transpose n=2 c=5 h=4 w=3 k=16 r=3 s=3 stride=2 pad=1,1,0,0 layout=nhwc post=bias,relu",
    "conv2d_transpose n=1 c=6 h=3 w=4 k=6 r=5 s=2 stride=3x1 pad=1 groups=3 accumulate=1",
    /* nests whose rows in between lie 4 KB apart */
    "expression text=\"input a[m=29, k=3] f32 variable; input b[k=3, h=1024] f32 parameter; "
    "input w[h=1024, n=5] f32 variable; c[m=29, h=1024] f32 = sum(k=3) a[m, k] * b[k, h]; "
    "e[m=29, h=1024] f32 = max(c[m, h] - 1, 0); "
    "d[m=29, n=5] f32 = sum(h=1024) e[m, h] * w[h, n]\"",
    "expression text=\"input x[c=3, h=32, w=32] f32 variable; input v[q=15, c=3] f32 parameter; "
    "input w[k=3, q=15, r=3, s=3] f32 parameter; "
    "p[q=15, h=32, w=32] f32 = sum(c=3) x[c, h, w] * v[q, c]; "
    "o[k=3, y=30, z=30] f32 = sum(q=15, r=3, s=3) p[q, y + r, z + s] * w[k, q, r, s]\"",
};

enum {
    WORKLOADS = sizeof workloads / sizeof workloads[0],
    TRIES = 200, /* to find a point that the space lets through */
};

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Knobs of parts and of padding are often not at their first choice, others often are. */
static bool draw_point(const struct space *space, struct random *random, int *point) {
    for (int tries = 0; tries < TRIES; tries++) {
        for (int i = 0; i < space->knob_count; i++) {
            const struct knob *knob = &space->knobs[i];
            bool of_parts = starts_with(knob->name, "parts.") ||
                            starts_with(knob->name, "accumulators.") ||
                            starts_with(knob->name, "pad.");
            point[i] = of_parts || random_below(random, 2)
                           ? (int)random_below(random, (uint64_t)knob->choice_count)
                           : 0;
        }
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) == DLT_OK)
            return true;
    }
    return false;
}

static void run_again(struct subject *s, const struct schedule *schedule, const char *target) {
    const struct tensor *result = expression_result(s->expression);
    struct target_description description;
    struct error error;
    struct kernel *kernel;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    if (kernel_create(schedule, &description, "random", &kernel, &error) != DLT_OK)
        return;
    struct guarded first = run_kernel(s, kernel);
    s->shared = !s->shared;
    struct guarded second = run_kernel(s, kernel);
    if (memcmp(first.data, second.data, (size_t)result->layout.elements * 4) != 0)
        fail_msg("seed %llu for %s: one thread and several differ\n%s\n%s", trying_seed, target,
                 trying_expression, trying_trace);
    guarded_free(&first);
    guarded_free(&second);
    kernel_free(kernel);
}

static void try_point(const struct task *task, const struct space *space, const int *point,
                      struct random *random, const char *target, struct tally *tally) {
    struct schedule *schedule = schedule_create((struct arena *)&task->arena, task->collapsed);
    struct error error = {.status = DLT_OK};
    struct subject subject;
    if (space_schedule(space, point, schedule, &error) != DLT_OK) {
        struct text knobs = {0};
        space_print_point(space, point, &knobs);
        fail_msg("seed %llu for %s: %s: %s\n%s\n%s", trying_seed, target, trying_expression,
                 error.message, text_string(&knobs), schedule_trace(schedule));
    }
    trying_trace = schedule_trace(schedule);
    subject_open(&subject, task->collapsed, random,
                 trying_seed % 2 ? number_or_special : number_around_one);
    check_on_target(&subject, schedule, target, tally);
    run_again(&subject, schedule, target);
    subject_close(&subject);
    schedule_free(schedule);
}

static void try_seed(uint64_t seed, int number, struct tally *tally) {
    const char *target = target_names[number];
    int threads = 1 + (int)(seed / WORKLOADS % 3), point[MAX_KNOBS];
    struct target_description description;
    struct random random;
    struct task *task;
    struct space *space;
    struct error error = {.status = DLT_OK};
    random_seed(&random, seed);
    trying_seed = seed;
    trying_expression = workloads[seed % WORKLOADS];
    trying_trace = "";
    trying_target = target;
    assert_int_equal(target_describe(target, &description, &error), DLT_OK);
    description.fork_join_cycles = 0; /* small nests are shared too */
    if (task_create_text(trying_expression, target, threads, &task, &error))
        fail_msg("%s: %s", trying_expression, error.message);
    if (arena_recover(&task->arena))
        fail_msg("out of memory");
    if (space_create(&task->arena, task->collapsed, &description, threads, &space, &error))
        fail_msg("%s: %s", trying_expression, error.message);
    if (draw_point(space, &random, point))
        try_point(task, space, point, &random, target, tally);
    task_free(task);
}

static void test_points(void **state) {
    struct tally tallies[MAX_TARGETS] = {{0}};
    int count = 330;
    uint64_t first;
    (void)state;
    read_range("DLTUNE_RANDOM_POINTS", &first, &count);
    for (uint64_t seed = first; seed < first + (uint64_t)count; seed++)
        for (int i = 0; target_names[i]; i++)
            if (target_runs_here(target_names[i]))
                try_seed(seed, i, &tallies[i]);
    for (int i = 0; target_names[i]; i++) {
        print_message("%s: %d tried, %d compiled, %d in place\n", target_names[i], tallies[i].tried,
                      tallies[i].compiled, tallies[i].in_place);
        assert_true(tallies[i].in_place * 10 >= tallies[i].compiled);
        assert_true(tallies[i].compiled * 10 >= tallies[i].tried * 9);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_points)};
    describe_crashes();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
