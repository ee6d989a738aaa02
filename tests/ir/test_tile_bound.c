/* The static bound that a space computes beside the tiles that lowering makes: random points.
 *
 * Without borders every space has a tile in the middle. Its products and its chain are what the
 * bound says, always. Loads are where nothing has to be read again for want of registers and no
 * loads are two for the machine; else, and for the bytes of code, the bound is an estimate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/random.h"
#include "ir/lower.h"
#include "ir/static_bound.h"
#include "schedules/summary.h"
#include "te/task.h"

/* The tile in the middle: that with the most multiplications in a trip, then the most loads. */
static bool find_middle(const struct program *program, const struct target_description *target,
                        struct static_bound *middle) {
    bool found = false;
    for (int i = 0; i < program->tile_count; i++)
        for (int j = 0; j < program->tiles[i]->variant_count; j++) {
            const struct vector_program *vectors = program->tiles[i]->variants[j].vectors;
            struct static_bound bound;
            if (!vectors)
                continue;
            bound = static_bound_of(vectors, target);
            if (found && (bound.operations < middle->operations ||
                          (bound.operations == middle->operations && bound.loads <= middle->loads)))
                continue;
            *middle = bound;
            found = true;
        }
    return found;
}

struct tally {
    int points, exact; /* exact: the same loads */
    int near_loads, near_code;
};

static bool is_near(double a, double b) {
    return a >= 0.7 * b && a <= 1.43 * b;
}

/* The reduction is one trip, perhaps with a rest, inside of a loop over tiles that is code too:
 * then that loop's trips are what lowering counts. */
static bool has_lost_loop(const struct nest_summary *summary) {
    return summary->is_reduction && summary->bound.trips <= 2;
}

static void compare(const char *workload, const char *point, const struct space *space,
                    const struct nest_summary *summary, const struct static_bound *middle,
                    struct tally *tally) {
    const struct tile_bound *bound = &summary->bound;
    bool is_easy = bound->registers + 2 <= space->target.vector_registers && !bound->picks &&
                   !strstr(workload, "conv2d");
    if (has_lost_loop(summary))
        return;
    if (bound->products != middle->operations || bound->chain != middle->chain ||
        (is_easy && bound->loads != middle->loads))
        fail_msg("%s %s\n%g products, %g loads, a chain of %g; the program has %g, %g, %g",
                 workload, point, bound->products, bound->loads, bound->chain, middle->operations,
                 middle->loads, middle->chain);
    tally->points++;
    tally->exact += bound->loads == middle->loads;
    tally->near_loads += is_near(bound->loads, middle->loads);
    tally->near_code += is_near((double)bound->code_bytes, (double)middle->code_bytes);
}

static void check_point(const char *workload, const struct space *space, const int *point,
                        struct tally *tally) {
    struct text text = {0};
    struct nest_summary summary;
    struct static_bound middle;
    struct program *program;
    struct schedule *schedule;
    struct arena arena;
    space_summarise(space, 0, point, &summary);
    arena_initialise(&arena);
    assert_int_equal(arena_recover(&arena), 0);
    schedule = schedule_create(&arena, space->expression);
    space_print_point(space, point, &text);
    if (space_schedule(space, point, schedule, NULL) == DLT_OK &&
        lower(&arena, schedule, &space->target, NULL, NULL, &program, NULL) == DLT_OK &&
        find_middle(program, &space->target, &middle))
        compare(workload, text_string(&text), space, &summary, &middle, tally);
    text_free(&text);
    schedule_free(schedule);
    arena_free(&arena);
}

static void check_workload(const char *workload, const char *name, int points,
                           struct tally *tally) {
    struct target_description target;
    struct random random;
    struct arena arena;
    struct space *space;
    struct task *task;
    volatile int legal = 0;
    assert_int_equal(target_describe(name, &target, NULL), DLT_OK);
    assert_int_equal(task_create_text(workload, name, 1, &task, NULL), DLT_OK);
    arena_initialise(&arena);
    assert_int_equal(arena_recover(&arena), 0);
    assert_int_equal(space_create(&arena, task->collapsed, &target, 1, &space, NULL), DLT_OK);
    random_seed(&random, 3);
    for (int tries = 0; tries < 100000 && legal < points; tries++) {
        int point[MAX_KNOBS] = {0};
        for (int i = 0; tries && i < space->knob_count; i++)
            point[i] = (int)random_below(&random, (uint64_t)space->knobs[i].choice_count);
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) != DLT_OK)
            continue;
        check_point(workload, space, point, tally);
        legal++;
    }
    assert_true(legal >= points / 2);
    arena_free(&arena);
    task_free(task);
}

static const char *const workloads[] = {
    "matmul m=96 n=128 k=160 const=b",
    "matmul m=96 n=128 k=160",
    "matmul m=97 n=129 k=161",
    "matmul m=7 n=13 k=29",
    "matmul m=200 n=1 k=256",
    "matmul m=1 n=200 k=256",
    "conv2d c=8 h=16 w=16 k=32 r=3 s=3",
    "conv2d c=8 h=16 w=16 k=32 r=3 s=3 layout=nhwc",
    "conv2d c=6 h=17 w=15 k=24 r=5 s=3 stride=2",
    "conv2d c=6 h=17 w=65 k=24 r=3 s=2 stride=2",
    "conv2d c=16 h=12 w=12 k=32 r=1 s=1",
    "conv2d c=16 h=24 w=24 k=16 r=3 s=3 groups=16",
    "conv2d c=16 h=25 w=25 k=16 r=3 s=3 groups=16 stride=2",
    "conv2d c=16 h=24 w=24 k=16 r=3 s=3 groups=16 layout=nhwc",
    "conv2d c=8 h=10 w=10 k=32 r=3 s=3 post=bias,relu",
};

static void test_random_points(void **state) {
    struct tally tally = {0};
    (void)state;
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        check_workload(workloads[i], "x86-avx512", 40, &tally);
        check_workload(workloads[i], "x86-avx2", 40, &tally);
    }
    if (tally.exact * 100 < tally.points * 70 || tally.near_loads * 100 < tally.points * 95 ||
        tally.near_code * 100 < tally.points * 85)
        fail_msg(
            "of %d points %d have the loads that the bound says, %d nearly; %d nearly the code",
            tally.points, tally.exact, tally.near_loads, tally.near_code);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
