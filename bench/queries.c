/* How long a program waits for what is stored, with a million records in the file.
 *
 *     bench_queries [RECORDS [FILE]]
 *
 * The file (/tmp/dltune-queries.db) is made if it is not there: a task for each 500 records, from
 * three hosts and two versions of the generator, with a few layers and products that can really be
 * made among them. Then, in microseconds: the best of random tasks, for the host they were measured
 * on, for another version of the generator, and for a host that has none; getting kernels for the
 * first time, exact, adapted and by default; and getting them again. The thread's CPU time: the
 * file is in the system's memory, and what else the machine does is not counted. */
#include "base/random.h"
#include "measure/clock.h"
#include "runtime/runtime.h"
#include "targets/jit/default_space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECORDS = 1000000,
    RECORDS_A_TASK = 500,
    QUERIES = 20000,
    FRESH = 7,      /* times that a first use is repeated, each with a runtime of its own */
    AGAIN = 1000000 /* later uses */
};

static const char *const layers[] = {
    "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1",
    "conv2d c=256 h=56 w=56 k=64 r=1 s=1",
    "conv2d c=3 h=224 w=224 k=64 r=7 s=7 stride=2 pad=3",
    "conv2d c=512 h=7 w=7 k=512 r=3 s=3 pad=1",
    "matmul m=512 n=512 k=512",
    "matmul m=128 n=768 k=3072 const=b",
    "matmul m=64 n=64 k=64",
    "matmul m=1 n=1024 k=1024 const=b",
    "conv2d c=32 h=112 w=112 k=32 r=3 s=3 pad=1 groups=32",
};

/* Near one of them, and stored nowhere; then ones that have no neighbour. */
static const char *const near_layers[] = {
    "conv2d n=4 c=64 h=48 w=48 k=64 r=3 s=3 pad=1",
    "conv2d c=192 h=56 w=56 k=64 r=1 s=1",
    "matmul m=500 n=512 k=512",
    "matmul m=96 n=768 k=3072 const=b",
};
static const char *const other_layers[] = {
    "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 post=bias,relu",
    "conv2d c=64 h=56 w=56 k=128 r=3 s=3 pad=1 layout=nhwc",
    "matmul m=500 n=512 k=512 post=bias",
};

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static struct error error;

static void fail(const char *message) {
    fprintf(stderr, "bench_queries: %s\n", message);
    exit(1);
}

static void must(dlt_status status) {
    if (status != DLT_OK)
        fail(error.message);
}

/* ---- the file ---- */

static const char *task_text(int number) {
    static char text[128];
    if (number % 2)
        snprintf(text, sizeof text, "matmul m=%d n=%d k=%d target=c threads=1", 16 + number % 97,
                 64 + number, 256);
    else
        snprintf(text, sizeof text,
                 "conv2d n=1 c=%d h=56 w=56 k=64 r=3 s=3 pad=1 target=c threads=1", 16 + number);
    return text;
}

static const char *host_of(int number) {
    return number % 3 == 0 ? host_name() : number % 3 == 1 ? "another machine" : "a third machine";
}

static void add(struct database *database, const char *task, const char *host,
                const char *generator, const char *trace, const char *knobs, double median_us) {
    const struct record record = {.task = task,
                                  .host = host,
                                  .generator = generator,
                                  .trace = trace,
                                  .knobs = knobs,
                                  .outcome = "ok",
                                  .clock = "cpu",
                                  .layouts = "x=n c h w weight=k c r s output=n k y x",
                                  .median_us = median_us,
                                  .minimum_us = median_us,
                                  .max_error = 0.1,
                                  .peak_gflops = 270,
                                  .verified = true,
                                  .created = 1700000000};
    must(database_add(database, &record, &error));
}

/* The default schedule of a layer, as if it had been tuned. */
static void add_layer(struct database *database, const char *layer) {
    const int first[MAX_KNOBS] = {0};
    struct target_description target;
    struct text knobs = {0};
    struct space *space;
    struct arena arena;
    struct task *task;
    must(target_describe("native", &target, &error));
    must(task_create_text(layer, target.name, 1, &task, &error));
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail("out of memory");
    struct schedule *schedule = schedule_create(&arena, task->collapsed);
    must(default_space_create(&arena, task->collapsed, &target, 1, &space, &error));
    must(space_schedule(space, first, schedule, &error));
    space_print_point(space, first, &knobs);
    add(database, task->key, host_name(), DATABASE_GENERATOR, schedule_trace(schedule),
        text_string(&knobs), 10000);
    schedule_free(schedule);
    text_free(&knobs);
    arena_free(&arena);
    task_free(task);
}

static void fill(const char *path, int records) {
    struct database *database;
    char trace[700];
    int tasks = records / RECORDS_A_TASK + 1;
    double start = clock_seconds();
    must(database_open(path, DATABASE_WRITE, &database, &error));
    for (int i = 0; i < COUNT(layers); i++)
        add_layer(database, layers[i]);
    for (int i = COUNT(layers); i < records; i++) { /* tasks take turns, as when a list is tuned */
        snprintf(trace, sizeof trace, "unroll output %s%680s", i % tasks % 2 ? "n" : "k", "");
        add(database, task_text(i % tasks), host_of(i / tasks),
            i / tasks % 2 ? "0" : DATABASE_GENERATOR, trace, "vector=n vectors=2 tile.m=6",
            10000 + i * 7919L % 10007);
    }
    database_close(database);
    printf("%s: %d records of %d tasks made in %.0f s\n", path, records, tasks + COUNT(layers),
           clock_seconds() - start);
}

/* ---- measuring ---- */

static int compare(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static void print_times(const char *what, double *seconds, int count) {
    qsort(seconds, (size_t)count, sizeof *seconds, compare);
    printf("%-52s median %8.2f us, 99 %% below %8.2f, most %8.2f\n", what, 1e6 * seconds[count / 2],
           1e6 * seconds[count * 99 / 100], 1e6 * seconds[count - 1]);
}

static void query(struct database *database, int tasks, const char *what, const char *host,
                  const char *generator) {
    static double seconds[QUERIES];
    struct random random;
    random_seed(&random, 1);
    for (int i = 0; i < QUERIES; i++) {
        const char *task = task_text((int)random_below(&random, (uint64_t)tasks));
        struct record record;
        bool exact;
        double start = clock_thread_seconds();
        must(database_best(database, task, host, generator, &record, &exact, &error));
        seconds[i] = clock_thread_seconds() - start;
        record_free(&record);
    }
    print_times(what, seconds, QUERIES);
}

/* Each layer in a runtime of its own, so that nothing is known yet; the least of a few. */
static void first_use(const char *path, const char *what, const char *const *texts, int count,
                      dlt_origin origin) {
    double seconds[16];
    for (int i = 0; i < count; i++) {
        seconds[i] = 1;
        for (int j = 0; j < FRESH; j++) {
            dlt_runtime *runtime;
            dlt_kernel *kernel;
            dlt_kernel_info info;
            if (dlt_runtime_open(path, NULL, &runtime) != DLT_OK)
                fail(dlt_error(runtime));
            double start = clock_thread_seconds();
            if (dlt_runtime_get(runtime, texts[i], 1, &kernel) != DLT_OK)
                fail(dlt_error(runtime));
            double elapsed = clock_thread_seconds() - start;
            seconds[i] = elapsed < seconds[i] ? elapsed : seconds[i];
            dlt_kernel_describe(kernel, &info);
            if (info.origin != origin)
                fail(info.reason);
            dlt_kernel_release(kernel);
            dlt_runtime_close(runtime);
        }
    }
    print_times(what, seconds, count);
}

static void later_use(const char *path) {
    dlt_runtime *runtime;
    dlt_kernel *kernel;
    double start = 0;
    if (dlt_runtime_open(path, NULL, &runtime) != DLT_OK)
        fail(dlt_error(runtime));
    for (int i = -1; i < AGAIN; i++) {
        if (i == 0)
            start = clock_seconds();
        if (dlt_runtime_get(runtime, layers[0], 1, &kernel) != DLT_OK)
            fail(dlt_error(runtime));
        dlt_kernel_release(kernel);
    }
    printf("%-52s %.3f us\n", "getting it again, and giving it back",
           1e6 * (clock_seconds() - start) / AGAIN);
    dlt_runtime_close(runtime);
}

int main(int count, char **arguments) {
    int records = count > 1 ? atoi(arguments[1]) : RECORDS;
    const char *path = count > 2 ? arguments[2] : "/tmp/dltune-queries.db";
    struct database *database;
    double start;
    if (count > 3 || records < RECORDS_A_TASK)
        fail("usage: bench_queries [RECORDS [FILE]]");
    if (access(path, F_OK) != 0)
        fill(path, records);
    start = clock_seconds();
    must(database_open(path, DATABASE_READ, &database, &error));
    printf("%-52s %.0f us\n", "opening", 1e6 * (clock_seconds() - start));
    int tasks = records / RECORDS_A_TASK + 1;
    query(database, tasks, "query, measured here", host_name(), DATABASE_GENERATOR);
    query(database, tasks, "query, measured here by another generator", host_name(), "9");
    query(database, tasks, "query, measured elsewhere only", "a new machine", DATABASE_GENERATOR);
    query(database, tasks, "query, measured elsewhere by another generator", "a new machine", "9");
    database_close(database);
    first_use(path, "first use, exact", layers, COUNT(layers), DLT_ORIGIN_EXACT);
    first_use(path, "first use, adapted", near_layers, COUNT(near_layers), DLT_ORIGIN_ADAPTED);
    first_use(path, "first use, default", other_layers, COUNT(other_layers), DLT_ORIGIN_DEFAULT);
    later_use(path);
    return 0;
}
