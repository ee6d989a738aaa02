/* How long until a candidate can be called: lowered, encoded, printed, compiled, linked.
 *
 *     bench_ready [POINTS [WORKLOAD ...]]
 *
 * Random points of a workload's space that the space does not refuse, each made into a kernel once,
 * in one process as a worker does it. Microseconds of each step: median, 95th percentile. */
#include "base/random.h"
#include "measure/clock.h"
#include "schedules/space.h"
#include "targets/jit/default_space.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    POINTS = 200,
    MOST_TRIES = 1000, /* a point */
};

enum step {
    STEP_REPLAY,
    STEP_LOWER,
    STEP_ENCODE,
    STEP_PRINT,
    STEP_COMPILE,
    STEP_LINK,
    STEP_ALL,
    STEPS
};

static const char *const names[STEPS] = {"replay",  "lower", "encode", "print",
                                         "compile", "link",  "all"};

static void fail(const char *workload, const char *what) {
    fprintf(stderr, "bench_ready: %s: %s\n", workload, what);
    exit(1);
}

static bool pick(const struct space *space, struct random *random, int *point) {
    for (int i = 0; i < MOST_TRIES; i++) {
        for (int knob = 0; knob < space->knob_count; knob++)
            point[knob] = (int)random_below(random, (uint64_t)space->knobs[knob].choice_count);
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) == DLT_OK)
            return true;
    }
    return false;
}

/* Whether the point could be made; some are refused while they are lowered. */
static bool make(const struct task *task, const struct space *space, const int *point,
                 double *microseconds) {
    struct schedule *schedule, *again;
    struct kernel *kernel = NULL;
    struct arena arena;
    struct error error;
    double start;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail(task->key, "out of memory");
    schedule = schedule_create(&arena, task->collapsed);
    again = schedule_create(&arena, task->collapsed);
    if (space_schedule(space, point, schedule, &error) != DLT_OK)
        fail(task->key, error.message);
    start = clock_seconds();
    if (schedule_replay(again, schedule_trace(schedule), &error) != DLT_OK)
        fail(task->key, error.message);
    microseconds[STEP_REPLAY] = 1e6 * (clock_seconds() - start);
    if (kernel_create(again, &space->target, "ready", &kernel, &error) == DLT_OK) {
        microseconds[STEP_LOWER] = kernel->times.lower;
        microseconds[STEP_ENCODE] = kernel->times.encode;
        microseconds[STEP_PRINT] = kernel->times.print;
        microseconds[STEP_COMPILE] = kernel->times.compile;
        microseconds[STEP_LINK] = kernel->times.link;
        microseconds[STEP_ALL] = 1e6 * (clock_seconds() - start);
    }
    schedule_free(schedule);
    schedule_free(again);
    arena_free(&arena);
    kernel_free(kernel);
    return kernel != NULL;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void run(const char *workload, int points) {
    struct target_description target;
    struct random random;
    struct space *space;
    struct arena arena;
    struct error error;
    struct task *task;
    double *times[STEPS], one[STEPS];
    int point[MAX_KNOBS];
    volatile int made = 0; /* kept when memory runs out */
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail(workload, "out of memory");
    if (target_describe("native", &target, &error) != DLT_OK ||
        task_create_text(workload, target.name, 1, &task, &error) != DLT_OK ||
        default_space_create(&arena, task->collapsed, &target, 1, &space, &error) != DLT_OK)
        fail(workload, error.message);
    for (int step = 0; step < STEPS; step++)
        times[step] = arena_allocate(&arena, sizeof(double) * (size_t)points);
    random_seed(&random, 1);
    for (int i = 0; i < points && pick(space, &random, point); i++) {
        if (!make(task, space, point, one))
            continue;
        for (int step = 0; step < STEPS; step++)
            times[step][made] = one[step];
        made++;
    }
    printf("%s\n%d of %d points; microseconds: median, 95th percentile\n", task->key, made, points);
    for (int step = 0; step < STEPS && made; step++) {
        qsort(times[step], (size_t)made, sizeof(double), compare);
        printf("  %-8s %7.0f %7.0f\n", names[step], times[step][made / 2],
               times[step][made * 95 / 100]);
    }
    task_free(task);
    arena_free(&arena);
}

int main(int argument_count, char **arguments) {
    int points = argument_count > 1 ? atoi(arguments[1]) : POINTS;
    mallopt(M_TRIM_THRESHOLD, 256 << 20); /* as workers do */
    mallopt(M_TOP_PAD, 4 << 20);
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    if (points < 1)
        fail("usage", "bench_ready [POINTS [WORKLOAD ...]]");
    for (int i = 2; i < argument_count; i++)
        run(arguments[i], points);
    if (argument_count < 3) {
        run("matmul m=512 n=512 k=512", points);
        run("conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", points);
    }
    return 0;
}
