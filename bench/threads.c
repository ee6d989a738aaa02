/* What threads gain, cost when there are too many, and use when idle.
 *
 *     bench_threads [ROUNDS]
 *
 * Default kernels of products of S x S x S, each for 1 thread, as many as the processors that may
 * be used (P), one more, 8 and 64, called in turns with dltune's own pools by the wall clock. For
 * each the median, its ratio to that of P threads, and the median of the ratios round by round,
 * which does not mind what else the machine does. Then the CPU time of a program that has a pool
 * and does nothing. */
#include "measure/clock.h"
#include "schedules/space.h"
#include "targets/jit/kernel.h"
#include "te/task.h"
#include "threads/processors.h"
#include "threads/thread_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 201,
    VARIANTS = 5,
    ALIGNMENT = 64,
    IDLE_MICROSECONDS = 500000,
};

static const int sizes[] = {64, 96, 128, 256, 512};

struct variant {
    int threads;
    struct kernel *kernel;
    struct thread_pool *pool;
    void *packed, *workspace;
    double *times;
};

static void fail(const char *what) {
    fprintf(stderr, "bench_threads: %s\n", what);
    exit(1);
}

static void *block(size_t bytes) {
    size_t whole = (bytes + ALIGNMENT) & ~(size_t)(ALIGNMENT - 1);
    void *memory = aligned_alloc(ALIGNMENT, whole);
    if (!memory)
        fail("out of memory");
    return memset(memory, 0, whole);
}

/* The default kernel of a product for so many threads, and a pool for it. */
static void prepare(struct variant *variant, int size) {
    struct target_description target;
    struct schedule *schedule;
    struct space *space;
    struct arena arena;
    struct error error;
    struct task *task;
    char workload[80];
    int point[MAX_KNOBS] = {0};
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail("out of memory");
    snprintf(workload, sizeof workload, "matmul m=%d n=%d k=%d const=none", size, size, size);
    if (target_describe("native", &target, &error) != DLT_OK ||
        task_create_text(workload, target.name, variant->threads, &task, &error) != DLT_OK ||
        space_create(&arena, task->collapsed, &target, variant->threads, &space, &error) != DLT_OK)
        fail(error.message);
    schedule = schedule_create(&arena, task->collapsed);
    if (space_schedule(space, point, schedule, &error) != DLT_OK ||
        kernel_create(schedule, &target, "bench", &variant->kernel, &error) != DLT_OK ||
        thread_pool_create(variant->threads, &variant->pool, &error) != DLT_OK)
        fail(error.message);
    schedule_free(schedule);
    variant->packed = block((size_t)variant->kernel->packed_bytes);
    variant->workspace = block((size_t)(variant->kernel->shared_bytes +
                                        variant->threads * variant->kernel->private_bytes));
    task_free(task);
    arena_free(&arena);
}

static void release(struct variant *variant) {
    kernel_free(variant->kernel);
    thread_pool_free(variant->pool);
    free(variant->packed);
    free(variant->workspace);
}

/* Microseconds of a call; the first ones wake the pool's threads. */
static double time_calls(const struct variant *variant, void *const *tensors, int calls) {
    const dlt_threads *threads = thread_pool_threads(variant->pool);
    double start = 0;
    for (int i = -calls / 2 - 1; i < calls; i++) {
        if (i == 0)
            start = clock_seconds();
        variant->kernel->run(tensors, variant->packed, variant->workspace, threads);
    }
    return 1e6 * (clock_seconds() - start) / calls;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *numbers, int count) {
    double *sorted = malloc((size_t)count * sizeof *sorted), middle;
    if (!sorted)
        fail("out of memory");
    memcpy(sorted, numbers, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    middle = sorted[count / 2];
    free(sorted);
    return middle;
}

static double median_ratio(const double *times, const double *to, int count) {
    double *ratios = malloc((size_t)count * sizeof *ratios), middle;
    if (!ratios)
        fail("out of memory");
    for (int i = 0; i < count; i++)
        ratios[i] = times[i] / to[i];
    middle = median(ratios, count);
    free(ratios);
    return middle;
}

static void compare_threads(int size, int processors, int rounds) {
    struct variant variants[VARIANTS] = {{.threads = processors},
                                         {.threads = 1},
                                         {.threads = processors + 1},
                                         {.threads = 8},
                                         {.threads = 64}};
    void *tensors[3];
    int calls = 1 + (int)(4e6 / size / size / size);
    for (int i = 0; i < 3; i++)
        tensors[i] = block(sizeof(float) * (size_t)size * (size_t)size);
    for (int i = 0; i < VARIANTS; i++) {
        prepare(&variants[i], size);
        variants[i].times = malloc((size_t)rounds * sizeof(double));
        if (!variants[i].times)
            fail("out of memory");
    }
    for (int round = 0; round < rounds; round++)
        for (int i = 0; i < VARIANTS; i++)
            variants[i].times[round] = time_calls(&variants[i], tensors, calls);
    for (int i = 0; i < VARIANTS; i++) {
        double own = median(variants[i].times, rounds);
        printf("%4d^3 %3d threads %9.2f us  %.2f of %d threads, %.2f round by round\n", size,
               variants[i].threads, own, own / median(variants[0].times, rounds), processors,
               median_ratio(variants[i].times, variants[0].times, rounds));
    }
    for (int i = 0; i < VARIANTS; i++) {
        release(&variants[i]);
        free(variants[i].times);
    }
    for (int i = 0; i < 3; i++)
        free(tensors[i]);
}

static void nothing(void *context, long begin, long end, long slot) {
    (void)context, (void)begin, (void)end, (void)slot;
}

static void idle(int processors) {
    struct thread_pool *pool;
    struct error error;
    const dlt_threads *threads;
    if (thread_pool_create(processors, &pool, &error) != DLT_OK)
        fail(error.message);
    threads = thread_pool_threads(pool);
    threads->parallel_for(threads->context, nothing, NULL, processors);
    clock_t before = clock();
    usleep(IDLE_MICROSECONDS);
    printf("idle after a call: %.2f ms of CPU time in %d ms\n",
           1e3 * (double)(clock() - before) / CLOCKS_PER_SEC, IDLE_MICROSECONDS / 1000);
    thread_pool_free(pool);
}

int main(int argument_count, char **arguments) {
    int rounds = argument_count > 1 ? atoi(arguments[1]) : ROUNDS;
    int processors = processors_usable();
    if (argument_count > 2 || rounds < 1)
        fail("usage: bench_threads [ROUNDS]");
    printf("%d processors may be used\n", processors);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        compare_threads(sizes[i], processors, rounds);
    idle(processors);
    return 0;
}
