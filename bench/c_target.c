/* Kernels of the target `c` beside the naive loop nest, compiled by gcc.
 *
 *     bench_c_target [OPTIMISATION [WORKLOAD...]]        -O1 if not said, and those below
 *
 * The kernel is the default of the target, compiled by libtcc as in use. The nest is the same
 * expression without a schedule, axes then reductions, with constant sizes, compiled by gcc as a
 * shared library. Both run in turns, in CPU time; the least of each counts. Above 1 the kernel is
 * ahead. */
#include "schedules/space.h"
#include "targets/jit/kernel.h"
#include "te/task.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TURNS = 5
};

static const char *const workloads[] = {
    "conv2d c=64 h=28 w=28 k=64 r=3 s=3 pad=1",
    "conv2d c=64 h=28 w=28 k=64 r=3 s=3 pad=1 layout=nhwc",
    "conv2d c=3 h=64 w=64 k=32 r=7 s=7 stride=2 pad=3 post=bias,relu",
    "conv2d c=128 h=14 w=14 k=128 r=1 s=1 post=add,relu",
    "conv2d c=96 h=28 w=28 k=96 r=3 s=3 pad=1 groups=96",
    "conv2d c=96 h=28 w=28 k=96 r=3 s=3 pad=1 groups=96 layout=nhwc",
    "conv2d_transpose c=32 h=16 w=16 k=32 r=4 s=4 stride=2 pad=1",
    "matmul m=128 n=128 k=128",
    "matmul m=1 n=1024 k=1024 const=b",
    "batch_matmul b=8 m=32 n=32 k=64 post=gelu",
    "expression text='input x[n=256, c=256] f32 variable; top[n=256] f32 = max(c=256) x[n, c]'",
    "expression text='input x[n=64, c=512] f32 variable; e[n=64, c=512] f32 = exp(x[n, c]); "
    "s[n=64] f32 = "
    "sum(c=512) e[n, c]; y[n=64, c=512] f32 = e[n, c] / s[n]'",
};

/* One way to compute a workload. */
struct way {
    kernel_pack *pack;
    kernel_run *run;
    void *packed, *workspace;
    float *output;
    double seconds;
};

struct bench {
    const struct task *task;
    struct target_description description;
    const void *parameters[MAX_TENSORS];
    void *tensors[MAX_TENSORS]; /* variables, then the output */
    int variable_count;
};

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *allocate(int64_t bytes) {
    void *block = aligned_alloc(64, ((size_t)bytes / 64 + 1) * 64);
    if (!block) {
        fprintf(stderr, "bench_c_target: out of memory\n");
        exit(1);
    }
    return block;
}

static void make_inputs(struct bench *bench) {
    const struct expression *expression = bench->task->collapsed;
    int parameters = 0;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind != TENSOR_VARIABLE && tensor->kind != TENSOR_PARAMETER)
            continue;
        float *data = allocate(tensor->layout.elements * 4);
        for (int64_t j = 0; j < tensor->layout.elements; j++)
            data[j] = (float)(j * 7 % 13 - 6) / 8;
        if (tensor->kind == TENSOR_VARIABLE)
            bench->tensors[bench->variable_count++] = data;
        else
            bench->parameters[parameters++] = data;
    }
}

static void make_blocks(const struct bench *bench, int64_t packed_bytes, int64_t workspace_bytes,
                        struct way *way) {
    way->packed = allocate(packed_bytes);
    way->workspace = allocate(workspace_bytes);
    way->output = allocate(expression_result(bench->task->collapsed)->layout.elements * 4);
    way->pack(bench->parameters, way->packed);
    way->seconds = INFINITY;
}

static dlt_status make_kernel(const struct bench *bench, struct kernel **kernel, struct way *way,
                              struct error *error) {
    struct arena *arena = (struct arena *)&bench->task->arena;
    struct schedule *schedule = schedule_create(arena, bench->task->collapsed);
    struct space *space;
    int point[MAX_KNOBS] = {0};
    TRY(space_create(arena, bench->task->collapsed, &bench->description, 1, &space, error));
    TRY(space_schedule(space, point, schedule, error));
    TRY(kernel_create(schedule, &bench->description, "bench", kernel, error));
    schedule_free(schedule);
    way->pack = (*kernel)->pack;
    way->run = (*kernel)->run;
    make_blocks(bench, (*kernel)->packed_bytes, (*kernel)->shared_bytes + (*kernel)->private_bytes,
                way);
    return DLT_OK;
}

/* The text to a shared library; NULL if gcc fails. */
static void *compile_with_gcc(const char *source, const char *optimisation) {
    char folder[] = "/tmp/bench_c_target.XXXXXX", path[64], command[256];
    void *library = NULL;
    if (!mkdtemp(folder))
        return NULL;
    snprintf(path, sizeof path, "%s/nest.c", folder);
    FILE *file = fopen(path, "w");
    if (file) {
        fputs(source, file);
        fclose(file);
        snprintf(command, sizeof command, "gcc %s -w -fPIC -shared %s -o %s/nest.so", optimisation,
                 path, folder);
        if (system(command) == 0) {
            snprintf(path, sizeof path, "%s/nest.so", folder);
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        }
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "bench_c_target: %s stays\n", folder);
    return library;
}

static dlt_status make_nest(const struct bench *bench, const char *optimisation, struct way *way,
                            struct error *error) {
    struct arena *arena = (struct arena *)&bench->task->arena;
    struct schedule *schedule = schedule_create(arena, bench->task->collapsed);
    const struct kernel_source_options options = {.prefix = "nest"};
    struct program *program;
    struct text source = {0};
    void *library;
    TRY(lower(arena, schedule, &bench->description, NULL, NULL, &program, error));
    TRY(kernel_source(arena, program, &bench->description, &options, &source, error));
    library = compile_with_gcc(text_string(&source), optimisation);
    text_free(&source);
    schedule_free(schedule);
    if (!library)
        return error_set(error, DLT_ERROR_COMPILE, "gcc: the naive nest does not compile");
    *(void **)&way->pack = dlsym(library, "nest_pack");
    *(void **)&way->run = dlsym(library, "nest_run");
    make_blocks(bench, program->packed_bytes, program->shared_bytes + program->private_bytes, way);
    return DLT_OK;
}

static void run(struct bench *bench, struct way *way) {
    double start = seconds_now(), seconds;
    bench->tensors[bench->variable_count] = way->output;
    way->run(bench->tensors, way->packed, way->workspace, NULL);
    seconds = seconds_now() - start;
    way->seconds = seconds < way->seconds ? seconds : way->seconds;
}

static double largest_difference(const struct bench *bench, const struct way *a,
                                 const struct way *b) {
    double largest = 0;
    for (int64_t i = 0; i < expression_result(bench->task->collapsed)->layout.elements; i++)
        largest = fmax(largest, fabs((double)a->output[i] - (double)b->output[i]));
    return largest;
}

static dlt_status compare(const char *workload, const char *optimisation, double *ratio,
                          struct error *error) {
    struct bench bench = {0};
    struct way ways[2] = {{0}};
    struct kernel *kernel;
    struct task *task;
    TRY(task_create_text(workload, "c", 1, &task, error));
    if (arena_recover(&task->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    bench.task = task;
    TRY(target_describe("c", &bench.description, error));
    make_inputs(&bench);
    TRY(make_kernel(&bench, &kernel, &ways[0], error));
    TRY(make_nest(&bench, optimisation, &ways[1], error));
    for (int turn = 0; turn < TURNS; turn++)
        for (int i = 0; i < 2; i++)
            run(&bench, &ways[i]);
    *ratio = ways[1].seconds / ways[0].seconds;
    printf("%10.3f %8.2f %10.3f %8.2f %7.2f %10.2g  %.70s\n", 1e3 * ways[0].seconds,
           1e-9 * task->operations / ways[0].seconds, 1e3 * ways[1].seconds,
           1e-9 * task->operations / ways[1].seconds, *ratio,
           largest_difference(&bench, &ways[0], &ways[1]), workload);
    fflush(stdout);
    kernel_free(kernel);
    task_free(task); /* the process ends soon: blocks and libraries stay */
    return DLT_OK;
}

int main(int argument_count, char **arguments) {
    const char *optimisation = argument_count > 1 ? arguments[1] : "-O1";
    double logarithms = 0, ratio, worst = INFINITY;
    const char *const *tried = argument_count > 2 ? (const char *const *)arguments + 2 : workloads;
    int count =
        argument_count > 2 ? argument_count - 2 : (int)(sizeof workloads / sizeof workloads[0]);
    printf("%10s %8s %10s %8s %7s %10s\n", "c ms", "GFLOP/s", optimisation, "GFLOP/s", "ratio",
           "difference");
    for (int i = 0; i < count; i++) {
        struct error error = {.status = DLT_OK};
        if (compare(tried[i], optimisation, &ratio, &error) != DLT_OK) {
            fprintf(stderr, "bench_c_target: %s: %s\n", tried[i], error.message);
            return 1;
        }
        logarithms += log(ratio);
        worst = ratio < worst ? ratio : worst;
    }
    printf("geometric mean of the ratios %.2f, worst %.2f\n", exp(logarithms / count), worst);
    return 0;
}
