/* What a program gets for a shape that nobody tuned, beside the tuned kernel of that shape.
 *
 *     bench_adapted DATABASE [--neighbours]
 *
 * For each workload with a stored best that runs here: its own records are hidden, and what the
 * runtime makes then, adapted from its neighbours in the database, and the default schedule, are
 * timed in turn with the tuned kernel. Ratios of times: tuned / other, so 1 is as good as tuned.
 * Where there is no neighbour the default stands for both. --neighbours shows what each neighbour
 * alone leads to, with the cycles of its tiles by the analytic model. */
#include "bench/worker/interleave.h"
#include "bench/worker/kernel.h"
#include "measure/inputs.h"
#include "runtime/runtime.h"
#include "targets/jit/default_space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TUNED,
    DEFAULT,
    ADAPTED, /* the first; the others follow */
    CONTESTANTS = ADAPTED + NEAR_TASKS
};

struct mean {
    double logarithms, worst;
    int count;
};

struct bench {
    struct database *database;
    bool neighbours;
    struct mean defaults, adapted, with_neighbours;
    struct text keys;
    struct error error;
};

static void fail(const char *message) {
    fprintf(stderr, "bench_adapted: %s\n", message);
    exit(1);
}

static void enter(struct mean *mean, double ratio) {
    mean->worst = mean->count++ && mean->worst < ratio ? mean->worst : ratio;
    mean->logarithms += log(ratio);
}

static void print_mean(const char *name, const struct mean *mean) {
    if (mean->count)
        printf("%s / tuned: geometric mean %.3f, worst %.3f, %d workloads\n", name,
               exp(mean->logarithms / mean->count), mean->worst, mean->count);
}

/* ---- one workload ---- */

struct contest {
    struct text traces[CONTESTANTS];
    double cycles[CONTESTANTS];
    int count;
    struct near_records near;
    struct adapted_points points;
};

static void keep_trace(struct contest *contest, const struct task *task, const struct space *space,
                       const int *point, struct error *error) {
    struct schedule *schedule = schedule_create(space->arena, task->collapsed);
    if (space_schedule(space, point, schedule, error) != DLT_OK)
        fail(error->message);
    contest->cycles[contest->count] = space_tile_cycles(space, point);
    text_append(&contest->traces[contest->count++], schedule_trace(schedule));
    schedule_free(schedule);
}

/* The tuned one's trace is known; here are the others'. */
static void make_traces(struct bench *program, const struct task *task, struct contest *contest) {
    const int first[MAX_KNOBS] = {0};
    struct target_description target;
    struct space *space;
    struct arena arena;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail("out of memory");
    if (target_describe(task->target, &target, &program->error) != DLT_OK ||
        default_space_create(&arena, task->collapsed, &target, task->threads, &space,
                             &program->error) != DLT_OK)
        fail(program->error.message);
    keep_trace(contest, task, space, first, &program->error);
    if (near_records_find(program->database, task->key, task->key, &contest->near,
                          &program->error) == DLT_OK)
        adapt_points(space, &contest->near, &contest->points);
    for (int i = 0; i < contest->points.count; i++)
        keep_trace(contest, task, space, contest->points.all[i].point, &program->error);
    arena_free(&arena);
}

static void time_all(struct bench *program, const struct task *task, struct contest *contest,
                     double *microseconds) {
    static const enum placement aligned[] = {PLACE_ALIGNED};
    struct interleaved items[CONTESTANTS] = {{0}};
    struct guarded_buffer output = {0};
    struct input_set inputs = {0};
    int timed[CONTESTANTS], count = 0;
    struct clock clock;
    size_t bytes = tensor_bytes(expression_result(task->expression));
    if (input_set_create(task->expression, PATTERN_RANDOM, 1, 1, aligned, &inputs,
                         &program->error) != DLT_OK ||
        buffer_reserve(&output, "output", bytes, &program->error) != DLT_OK ||
        clock_open(task->threads > 1, &clock, &program->error) != DLT_OK)
        fail(program->error.message);
    for (int i = 0; i < contest->count; i++) {
        struct bench_kernel *kernel;
        microseconds[i] = INFINITY;
        if (bench_kernel_create(task, &contest->traces[i], inputs.data[PLACE_ALIGNED],
                                buffer_place(&output, bytes, 64, PLACE_ALIGNED), &kernel,
                                &program->error) != DLT_OK)
            continue; /* the runtime takes the next one then */
        timed[count] = i;
        items[count++] = (struct interleaved){.run = bench_kernel_run, .state = kernel};
    }
    if (!interleave(&clock, &interleave_usual, count, items))
        fail("out of memory");
    for (int i = 0; i < count; i++) {
        microseconds[timed[i]] = items[i].minimum_us;
        bench_kernel_free(items[i].state);
    }
    input_set_free(&inputs);
    buffer_free(&output);
}

static void print_neighbours(const struct contest *contest, const double *microseconds) {
    printf("    %-8s %.3f  %.4g cycles\n", "default", microseconds[TUNED] / microseconds[DEFAULT],
           contest->cycles[DEFAULT]);
    for (int i = 0; i < contest->points.count; i++) {
        const struct near_record *near = &contest->near.all[contest->points.all[i].from];
        printf("    %-8.2f %.3f  %.4g cycles  %s\n", near->distance,
               microseconds[TUNED] / microseconds[ADAPTED + i], contest->cycles[ADAPTED + i],
               near->key);
    }
}

static void compare(struct bench *program, const struct task *task, const char *trace) {
    struct contest contest = {.count = 1};
    double microseconds[CONTESTANTS];
    int chosen;
    text_append(&contest.traces[TUNED], trace);
    make_traces(program, task, &contest);
    time_all(program, task, &contest, microseconds);
    for (chosen = ADAPTED; chosen < contest.count && isinf(microseconds[chosen]); chosen++)
        ;
    bool has_neighbour = chosen < contest.count;
    double defaults = microseconds[TUNED] / microseconds[DEFAULT];
    double adapted = has_neighbour ? microseconds[TUNED] / microseconds[chosen] : defaults;
    enter(&program->defaults, defaults);
    enter(&program->adapted, adapted);
    if (has_neighbour)
        enter(&program->with_neighbours, adapted);
    printf("%9.4g us  default %.3f  adapted %.3f%s  %s\n", microseconds[TUNED], defaults, adapted,
           has_neighbour ? "" : " (no neighbour)", task->workload);
    if (program->neighbours)
        print_neighbours(&contest, microseconds);
    fflush(stdout);
    near_records_free(&contest.near);
    for (int i = 0; i < contest.count; i++)
        text_free(&contest.traces[i]);
}

/* ---- all ---- */

static bool keep_key(void *context, const struct task_summary *summary) {
    struct bench *program = context;
    if (summary->right) {
        text_append(&program->keys, summary->task);
        text_append(&program->keys, "\n");
    }
    return true;
}

static void look_at(struct bench *program, const char *key) {
    struct record record;
    struct task *task;
    bool exact; /* no matter: all is timed again */
    if (task_create_key(key, &task, &program->error) != DLT_OK)
        fail(program->error.message);
    if (target_runs_here(task->target) &&
        database_best(program->database, key, host_name(), DATABASE_GENERATOR, &record, &exact,
                      &program->error) == DLT_OK) {
        compare(program, task, record.trace);
        record_free(&record);
    }
    task_free(task);
}

int main(int count, char **arguments) {
    struct bench program = {.neighbours = count > 2 && !strcmp(arguments[2], "--neighbours")};
    if (count < 2 || count > 2 + program.neighbours)
        fail("usage: bench_adapted DATABASE [--neighbours]");
    if (database_open(arguments[1], DATABASE_READ, &program.database, &program.error) != DLT_OK ||
        database_tasks(program.database, keep_key, &program, &program.error) != DLT_OK)
        fail(program.error.message);
    for (char *key = program.keys.data, *end; key && *key; key = end + 1) {
        end = strchr(key, '\n');
        *end = 0;
        look_at(&program, key);
    }
    print_mean("default", &program.defaults);
    print_mean("adapted, else default", &program.adapted);
    print_mean("adapted where there is a neighbour", &program.with_neighbours);
    text_free(&program.keys);
    database_close(program.database);
    return 0;
}
