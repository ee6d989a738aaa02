/* Exported libraries of whole lists: right from every compiler's programs, and as fast as the same
 * kernels made at run time.
 *
 *     bench_exported [--db FILE] [--check] LIST...
 *
 * Each list becomes one library, of the stored bests where --db has them, else of the default
 * schedules. A program (bench/exported_driver.c) is built against it by gcc, clang and g++, each
 * that is installed, and what its kernels answer is compared with the reference. Then the archive
 * is loaded as a shared object, and each of its kernels timed in turn with the JIT's. A ratio is
 * the JIT's time / the library's. --check leaves the timing out. */
#include "bench/worker/interleave.h"
#include "bench/worker/kernel.h"
#include "bench/worker/sample.h"
#include "db/db.h"
#include "export/export.h"
#include "measure/inputs.h"
#include "schedules/space.h"
#include "targets/jit/default_space.h"

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_KERNELS = 128
};

/* One workload of the list. */
struct work {
    struct task *task;
    struct text trace;
    struct input_set inputs;
    struct sample *sample;
    size_t output_bytes;
};

struct bench {
    struct database *database; /* NULL: none */
    bool check_only, failed;
    char folder[64];
    struct work works[MAX_KERNELS];
    int count;
};

static struct error error;

static void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_exported: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void must(dlt_status status) {
    if (status != DLT_OK)
        fail("%s", error.message);
}

static int run(const char *format, ...) {
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return system(command);
}

/* ---- the library ---- */

static void default_trace(const struct task *task, struct text *trace) {
    const int first[MAX_KNOBS] = {0};
    struct target_description target;
    struct schedule *schedule;
    struct space *space;
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail("out of memory");
    must(target_describe(task->target, &target, &error));
    must(default_space_create(&arena, task->collapsed, &target, task->threads, &space, &error));
    schedule = schedule_create(&arena, task->collapsed);
    must(space_schedule(space, first, schedule, &error));
    text_append(trace, schedule_trace(schedule));
    schedule_free(schedule);
    arena_free(&arena);
}

static void find_trace(const struct bench *bench, struct work *work) {
    struct record record;
    bool exact;
    if (bench->database && database_best(bench->database, work->task->key, host_name(),
                                         DATABASE_GENERATOR, &record, &exact, &error) == DLT_OK) {
        text_append(&work->trace, record.trace);
        record_free(&record);
    } else {
        default_trace(work->task, &work->trace);
    }
}

static void add_work(struct bench *bench, const char *line) {
    static const enum placement aligned[] = {PLACE_ALIGNED};
    struct work *work = &bench->works[bench->count];
    struct target_description target;
    *work = (struct work){0};
    if (bench->count++ == MAX_KERNELS)
        fail("a list has at most %d workloads", MAX_KERNELS);
    must(target_describe("native", &target, &error));
    must(task_create_text(line, target.name, 1, &work->task, &error));
    const struct expression *expression = work->task->expression;
    find_trace(bench, work);
    must(input_set_create(expression, PATTERN_RANDOM, 1, 1, aligned, &work->inputs, &error));
    must(sample_create(expression, work->inputs.data[PLACE_ALIGNED], 1, &work->sample, &error));
    work->output_bytes = tensor_bytes(expression_result(expression));
}

static void read_list(struct bench *bench, const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    if (!file)
        fail("%s: cannot be read", path);
    while (getline(&line, &size, file) >= 0) {
        line[strcspn(line, "#\r\n")] = 0;
        if (line[strspn(line, " \t")])
            add_work(bench, line);
    }
    free(line);
    fclose(file);
}

static void export_all(struct bench *bench) {
    struct export_kernel kernels[MAX_KERNELS];
    for (int i = 0; i < bench->count; i++)
        kernels[i] =
            (struct export_kernel){bench->works[i].task, text_string(&bench->works[i].trace)};
    const struct export_options options = {"suite", bench->folder, bench->count, kernels, false};
    must(export_library(&options, &error));
}

/* ---- programs that link it ---- */

static FILE *open_in(const struct bench *bench, const char *name, const char *mode) {
    char path[128];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", bench->folder, name);
    file = fopen(path, mode);
    if (!file)
        fail("%s: cannot be opened", path);
    return file;
}

static void write_tensors(const struct work *work, enum tensor_kind kind, FILE *manifest,
                          FILE *data) {
    const struct expression *expression = work->task->expression;
    for (int t = 0; t < expression->tensor_count; t++) {
        const struct tensor *tensor = expression->tensors[t];
        if (tensor->kind != kind)
            continue;
        fprintf(manifest, " %zu", tensor_bytes(tensor));
        if (fwrite(work->inputs.data[PLACE_ALIGNED][t], 1, tensor_bytes(tensor), data) !=
            tensor_bytes(tensor))
            fail("the tensors cannot be written");
    }
}

static int count_kind(const struct expression *expression, enum tensor_kind kind) {
    int count = 0;
    for (int t = 0; t < expression->tensor_count; t++)
        count += expression->tensors[t]->kind == kind;
    return count;
}

static void write_data(const struct bench *bench) {
    FILE *manifest = open_in(bench, "manifest", "w"), *data = open_in(bench, "data", "wb");
    for (int i = 0; i < bench->count; i++) {
        const struct work *work = &bench->works[i];
        fprintf(manifest, "%d %d", count_kind(work->task->expression, TENSOR_VARIABLE),
                count_kind(work->task->expression, TENSOR_PARAMETER));
        write_tensors(work, TENSOR_VARIABLE, manifest, data);
        write_tensors(work, TENSOR_PARAMETER, manifest, data);
        fprintf(manifest, " %zu %s\n", work->output_bytes, work->task->workload);
    }
    if (fclose(manifest) || fclose(data))
        fail("%s: the disk is full", bench->folder);
}

static void compare_results(struct bench *bench, const char *compiler) {
    FILE *results = open_in(bench, "results", "rb");
    double most = 0;
    for (int i = 0; i < bench->count; i++) {
        const struct work *work = &bench->works[i];
        void *output = malloc(work->output_bytes);
        double max_error = 0;
        if (!output || fread(output, 1, work->output_bytes, results) != work->output_bytes)
            fail("%s: too few results", compiler);
        if (sample_compare(work->sample, output, OWN_TOLERANCE, &max_error, &error) != DLT_OK) {
            fprintf(stderr, "%s: %s: %s\n", compiler, work->task->workload, error.message);
            bench->failed = true;
        }
        most = fmax(most, max_error);
        free(output);
    }
    fclose(results);
    printf("%-6s %d kernels as the reference says; the largest error is %.2g of its bound\n",
           compiler, bench->count, most);
}

static void check_compilers(struct bench *bench) {
    static const struct {
        const char *name, *command;
    } compilers[] = {{"gcc", "gcc -std=c11 -x c"},
                     {"clang", "clang -std=c11 -x c"},
                     {"g++", "g++ -std=c++17 -x c++"}};
    for (size_t i = 0; i < sizeof compilers / sizeof compilers[0]; i++) {
        const char *name = compilers[i].name;
        if (run("command -v %s >/dev/null 2>&1", name) != 0) {
            printf("%-6s is not installed\n", name);
            continue;
        }
        if (run("cd %s && %s -O2 -Wall -Wextra -Werror -I. " DRIVER " -x none libsuite.a -o driver "
                "&& ./driver manifest data results",
                bench->folder, compilers[i].command) != 0)
            fail("%s: the program cannot be built or run", name);
        compare_results(bench, name);
    }
}

/* ---- speed ---- */

/* The library's functions, found in the shared object; its kernels are opaque here. */
struct library {
    void *object;
    const void *(*find)(const char *workload);
    size_t (*packed_bytes)(const void *kernel);
    size_t (*workspace_bytes)(const void *kernel, int threads);
    int (*pack)(const void *kernel, const void *const *parameters, void *packed);
    int (*run)(const void *kernel, const void *const *inputs, const void *packed, void *output,
               void *workspace, const void *threads);
};

struct exported_call {
    const struct library *library;
    const void *kernel;
    const void *inputs[MAX_TENSORS];
    void *packed, *output, *workspace;
};

static void load(const struct bench *bench, struct library *library) {
    char path[128];
    if (run("cd %s && gcc -shared -o suite.so -nostdlib -Wl,--whole-archive libsuite.a",
            bench->folder) != 0)
        fail("the archive cannot be linked to a shared object");
    snprintf(path, sizeof path, "%s/suite.so", bench->folder);
    library->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library->object)
        fail("%s", dlerror());
    *(void **)&library->find = dlsym(library->object, "suite_find");
    *(void **)&library->packed_bytes = dlsym(library->object, "suite_packed_bytes");
    *(void **)&library->workspace_bytes = dlsym(library->object, "suite_workspace_bytes");
    *(void **)&library->pack = dlsym(library->object, "suite_pack");
    *(void **)&library->run = dlsym(library->object, "suite_run");
    if (!library->find || !library->packed_bytes || !library->workspace_bytes || !library->pack ||
        !library->run)
        fail("a function is missing in the shared object");
}

static void run_exported(void *state, long calls) {
    const struct exported_call *call = state;
    for (long i = 0; i < calls; i++)
        call->library->run(call->kernel, call->inputs, call->packed, call->output, call->workspace,
                           NULL);
}

static void *reserve(struct guarded_buffer *buffer, const char *name, size_t bytes) {
    must(buffer_reserve(buffer, name, bytes, &error));
    return buffer_place(buffer, bytes, 64, PLACE_ALIGNED);
}

static double time_work(const struct library *library, struct work *work) {
    const struct expression *expression = work->task->expression;
    struct guarded_buffer packed = {0}, workspace = {0}, output = {0};
    struct exported_call call = {.library = library, .kernel = library->find(work->task->workload)};
    const void *parameters[MAX_TENSORS];
    struct bench_kernel *jit;
    struct clock clock;
    int variables = 0, parameter_count = 0;
    if (!call.kernel)
        fail("%s: is not in the library", work->task->workload);
    for (int t = 0; t < expression->tensor_count; t++) {
        if (expression->tensors[t]->kind == TENSOR_VARIABLE)
            call.inputs[variables++] = work->inputs.data[PLACE_ALIGNED][t];
        else if (expression->tensors[t]->kind == TENSOR_PARAMETER)
            parameters[parameter_count++] = work->inputs.data[PLACE_ALIGNED][t];
    }
    call.output = reserve(&output, "output", work->output_bytes);
    call.packed = reserve(&packed, "packed", library->packed_bytes(call.kernel));
    call.workspace = reserve(&workspace, "workspace", library->workspace_bytes(call.kernel, 1));
    if (library->pack(call.kernel, parameters, call.packed) != 0)
        fail("%s: packing failed", work->task->workload);
    must(bench_kernel_create(work->task, &work->trace, work->inputs.data[PLACE_ALIGNED],
                             call.output, &jit, &error));
    must(clock_open(false, &clock, &error));
    struct interleaved items[] = {{.run = bench_kernel_run, .state = jit},
                                  {.run = run_exported, .state = &call}};
    if (!interleave(&clock, &interleave_usual, 2, items))
        fail("out of memory");
    bench_kernel_free(jit);
    buffer_free(&output);
    buffer_free(&packed);
    buffer_free(&workspace);
    printf("%9.4g us  %.3f  %s\n", items[0].minimum_us, items[0].minimum_us / items[1].minimum_us,
           work->task->workload);
    return items[0].minimum_us / items[1].minimum_us;
}

static void time_library(struct bench *bench) {
    struct library library;
    double logarithms = 0, worst = INFINITY;
    load(bench, &library);
    for (int i = 0; i < bench->count; i++) {
        double ratio = time_work(&library, &bench->works[i]);
        logarithms += log(ratio);
        worst = fmin(worst, ratio);
    }
    printf("exported / JIT: geometric mean %.3f, worst %.3f, %d workloads\n",
           exp(logarithms / bench->count), worst, bench->count);
    dlclose(library.object);
}

/* ---- all ---- */

static void bench_list(struct bench *bench, const char *path) {
    strcpy(bench->folder, "/tmp/dltune-exported-XXXXXX");
    if (!mkdtemp(bench->folder))
        fail("cannot make a folder in /tmp");
    bench->count = 0;
    read_list(bench, path);
    printf("%s\n", path);
    export_all(bench);
    write_data(bench);
    check_compilers(bench);
    if (!bench->check_only)
        time_library(bench);
    for (int i = 0; i < bench->count; i++) {
        sample_free(bench->works[i].sample);
        input_set_free(&bench->works[i].inputs);
        text_free(&bench->works[i].trace);
        task_free(bench->works[i].task);
    }
    run("rm -r %s", bench->folder);
}

int main(int count, char **arguments) {
    static struct bench bench;
    int next = 1;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (; next < count && arguments[next][0] == '-'; next++) {
        if (!strcmp(arguments[next], "--check"))
            bench.check_only = true;
        else if (!strcmp(arguments[next], "--db") && next + 1 < count)
            must(database_open(arguments[++next], DATABASE_READ, &bench.database, &error));
        else
            break;
    }
    if (next == count || arguments[next][0] == '-')
        fail("usage: bench_exported [--db FILE] [--check] LIST...");
    for (; next < count; next++)
        bench_list(&bench, arguments[next]);
    database_close(bench.database);
    return bench.failed;
}
