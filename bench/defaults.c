/* Defaults beside what a C compiler makes of the plain loops.
 *
 *     bench_defaults [--target NAME] [--seed N] [--random N] [--least-us N] [WORKLOAD ...]
 *
 * For each workload, and for N random ones: the time of the default kernel and that of the naive
 * loop nest (axes, then reductions, in the expression's order, constant sizes) made by `cc -O3
 * -march=native -ffast-math`, taken in turns in CPU time, the least of several rounds. A line each:
 * default, naive, their ratio; then the workload. The last line says how many were slower than
 * three times the naive loops, among those whose naive loops take at least --least-us (default 20)
 * microseconds; it is the exit status too.
 *
 *     bench_defaults --random 200 --target x86-avx2 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

#include "targets/jit/default_space.h"
#include "targets/jit/kernel.h"
#include "te/task.h"
#include "tests/ir/random_workload.h"

enum {
    ROUNDS = 7,
};

#define SLOW 3.0

struct options {
    const char *target;
    unsigned long long seed;
    int random;
    double least_us;
};

struct subject {
    struct task *task;
    struct arena arena;
    struct kernel *kernel;
    void *library;
    kernel_pack *naive_pack;
    kernel_run *naive_run;
    void *tensors[MAX_TENSORS], *packed[2], *workspace;
    const void *parameters[MAX_TENSORS];
};

static void fail(const char *subject, const char *what) {
    fprintf(stderr, "bench_defaults: %s: %s\n", subject, what);
    exit(1);
}

static void *room(int64_t bytes) {
    void *block = NULL;
    if (posix_memalign(&block, 64, (size_t)(bytes > 0 ? bytes : 64)))
        fail("memory", "none left");
    for (int64_t i = 0; i + 4 <= bytes; i += 4)
        *(float *)((char *)block + i) = (float)(i / 4 % 17) * 0.125f - 1;
    return block;
}

static void add_tensors(struct subject *s) {
    const struct expression *expression = s->task->expression;
    int variables = 0, parameters = 0;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_VARIABLE)
            s->tensors[variables++] = room(tensor->layout.elements * 4);
        else if (tensor->kind == TENSOR_PARAMETER)
            s->parameters[parameters++] = room(tensor->layout.elements * 4);
    }
    s->tensors[variables] = room(expression_result(expression)->layout.elements * 4);
}

/* The plain loops as a library. */
static void compile_naive(struct subject *s, int64_t *packed, int64_t *workspace) {
    const struct kernel_source_options options = {.prefix = "naive"};
    char source[] = "/tmp/defaults-XXXXXX.c", library[64], command[256];
    struct schedule *schedule = schedule_create(&s->arena, s->task->expression);
    struct target_description target;
    struct program *program;
    struct text text = {0};
    struct error error;
    FILE *file;
    int descriptor = mkstemps(source, 2);
    if (target_describe("c", &target, &error) ||
        lower(&s->arena, schedule, &target, NULL, NULL, &program, &error) ||
        kernel_source(&s->arena, program, &target, &options, &text, &error))
        fail(s->task->workload, error.message);
    schedule_free(schedule);
    file = fdopen(descriptor, "w");
    fputs(text_string(&text), file);
    fclose(file);
    text_free(&text);
    snprintf(library, sizeof library, "%s.so", source);
    snprintf(command, sizeof command, "cc -O3 -march=native -ffast-math -shared -fPIC -w -o %s %s",
             library, source);
    if (system(command) != 0 || !(s->library = dlopen(library, RTLD_NOW)))
        fail(s->task->workload, "the naive loops did not compile");
    s->naive_pack = (kernel_pack *)dlsym(s->library, "naive_pack");
    s->naive_run = (kernel_run *)dlsym(s->library, "naive_run");
    unlink(source);
    unlink(library);
    *packed = program->packed_bytes;
    *workspace = program->shared_bytes + program->private_bytes;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static double time_of(struct subject *s, kernel_run *run, int naive, int calls) {
    double start = now();
    for (int i = 0; i < calls; i++)
        run(s->tensors, s->packed[naive], s->workspace, NULL);
    return (now() - start) / calls;
}

static double least(double a, double b) {
    return a < b ? a : b;
}

/* Answers whether the default is too slow. */
static bool compare(const struct options *options, const char *workload) {
    const int first[MAX_KNOBS] = {0};
    struct subject s = {.task = NULL};
    struct target_description target;
    struct space *space;
    struct schedule *schedule;
    struct error error;
    int64_t packed, workspace;
    double times[2] = {1e300, 1e300}, naive;
    int calls;
    bool slow;
    arena_initialise(&s.arena);
    if (arena_recover(&s.arena))
        fail(workload, "out of memory");
    if (target_describe(options->target, &target, &error) ||
        task_create_text(workload, target.name, 1, &s.task, &error)) {
        arena_free(&s.arena);
        return false;
    }
    schedule = schedule_create(&s.arena, s.task->collapsed);
    if (default_space_create(&s.arena, s.task->collapsed, &target, 1, &space, &error) ||
        space_schedule(space, first, schedule, &error) ||
        kernel_create(schedule, &target, "default", &s.kernel, &error))
        fail(workload, error.message);
    add_tensors(&s);
    compile_naive(&s, &packed, &workspace);
    s.packed[0] = room(s.kernel->packed_bytes);
    s.packed[1] = room(packed);
    if (workspace < s.kernel->shared_bytes + s.kernel->private_bytes)
        workspace = s.kernel->shared_bytes + s.kernel->private_bytes;
    s.workspace = room(workspace);
    s.kernel->pack(s.parameters, s.packed[0]);
    s.naive_pack(s.parameters, s.packed[1]);
    naive = time_of(&s, s.naive_run, 1, 1);
    calls = naive > 2000 ? 1 : (int)(2000 / (naive + 1)) + 1;
    for (int i = 0; i < ROUNDS; i++) {
        times[0] = least(times[0], time_of(&s, s.kernel->run, 0, calls));
        times[1] = least(times[1], time_of(&s, s.naive_run, 1, calls));
    }
    slow = times[1] >= options->least_us && times[0] > SLOW * times[1];
    printf("%10.2f %10.2f us %6.2f%s  %s%s%s\n", times[0], times[1], times[0] / times[1],
           slow ? " SLOW" : "", s.task->workload, space->plain_nests ? "  PLAIN " : "",
           space->plain_nests ? space->plain_nests : "");
    fflush(stdout);
    dlclose(s.library);
    kernel_free(s.kernel);
    schedule_free(schedule);
    task_free(s.task);
    arena_free(&s.arena); /* buffers stay: this is a short program */
    return slow;
}

static void write_random(uint64_t seed, struct text *text) {
    struct random random;
    random_seed(&random, seed);
    if (chance(&random, 3))
        random_convolution(text, &random);
    else
        random_transpose(text, &random);
}

int main(int argument_count, char **arguments) {
    struct options options = {.target = "native", .seed = 1, .least_us = 20};
    int slow = 0;
    for (int i = 1; i < argument_count; i++) {
        const char *name = arguments[i], *value = i + 1 < argument_count ? arguments[i + 1] : NULL;
        if (strncmp(name, "--", 2)) {
            slow += compare(&options, name);
            continue;
        }
        if (!value)
            fail(name, "needs a value");
        i++;
        if (!strcmp(name, "--target"))
            options.target = value;
        else if (!strcmp(name, "--seed"))
            options.seed = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--random"))
            options.random = atoi(value);
        else if (!strcmp(name, "--least-us"))
            options.least_us = atof(value);
        else
            fail(name, "is no option: --target --seed --random --least-us");
    }
    for (int i = 0; i < options.random; i++) {
        struct text text = {0};
        write_random(options.seed + (uint64_t)i, &text);
        slow += compare(&options, text_string(&text));
        text_free(&text);
    }
    printf("%d slower than %g times the naive loops\n", slow, SLOW);
    return slow > 0;
}
