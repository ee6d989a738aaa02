/* Training the model of a target on the records of all tasks; see memory.h. */
#include "search/memory.h"

#include "measure/measure.h"
#include "search/memory_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROWS_A_TASK = 256,   /* evenly spread over a task's records */
    FEWEST_RECORDS = 64, /* to train a model on */
};

#define GROWTH 1.25 /* of the records since the last training */

struct gathering {
    const struct memory *memory;
    struct remembered_task *task;
    int64_t step, number, first; /* rows of the task start at `first` */
    int64_t count, capacity;
    float *features, *targets;
    double best; /* of the task's rows */
};

static bool is_over(const struct memory *memory) {
    return (memory->account && account_left(memory->account) <= 0) ||
           (memory->cancel && *memory->cancel);
}

static bool must_stop(void *context) {
    return is_over(context);
}

static bool is_right(const struct record *record) {
    return record->verified && record->median_us > 0 &&
           !strcmp(record->outcome, measure_outcome_name(OUTCOME_OK)) &&
           !strcmp(record->host, host_name());
}

static bool gather(void *context, const struct record *record) {
    struct gathering *g = context;
    int point[MAX_KNOBS] = {0};
    if (is_over(g->memory))
        return false;
    if (!is_right(record))
        return true;
    g->best = fmin(g->best, log(record->median_us));
    if (g->number++ % g->step || g->count == g->capacity)
        return true;
    space_parse_point(g->task->space, record->knobs, point);
    features_compute(g->task->space, point, g->features + g->count * FEATURE_COUNT);
    g->targets[g->count++] = (float)log(record->median_us);
    return true;
}

/* Targets become relative to the best of their task. */
static void end_task(struct gathering *g) {
    for (int64_t i = g->first; i < g->count; i++)
        g->targets[i] -= (float)g->best;
}

static bool gather_all(struct gathering *g, struct remembered_tasks *tasks, const char *target,
                       struct database *database) {
    g->capacity = (int64_t)tasks->count * (ROWS_A_TASK + 1);
    g->features = malloc((size_t)g->capacity * FEATURE_COUNT * sizeof(float) + 1);
    g->targets = malloc((size_t)g->capacity * sizeof(float) + 1);
    for (int i = 0; i < tasks->count && g->features && g->targets; i++) {
        g->task = &tasks->tasks[i];
        if (!g->task->space || strcmp(g->task->space->target.name, target))
            continue;
        g->step = 1 + g->task->right / ROWS_A_TASK;
        g->number = 0;
        g->first = g->count;
        g->best = INFINITY;
        database_records(database, g->task->key, gather, g, NULL);
        end_task(g);
    }
    return g->features && g->targets;
}

static dlt_status store(struct cost_model *model, const char *target, int64_t records,
                        struct database *database, struct error *error) {
    struct text bytes = {0};
    char version[16];
    struct model row = {.name = "trees",
                        .target = target,
                        .host = host_name(),
                        .features = version,
                        .records = records,
                        .created = (int64_t)time(NULL)};
    dlt_status status = cost_model_save(model, &bytes, error);
    snprintf(version, sizeof version, "%d", FEATURE_VERSION);
    row.bytes = bytes.data;
    row.byte_count = bytes.length;
    if (status == DLT_OK)
        status = database_put_model(database, &row, error);
    text_free(&bytes);
    return status;
}

static dlt_status learn(const struct memory *memory, struct remembered_tasks *tasks,
                        const char *target, int64_t records, struct database *database,
                        struct error *error) {
    struct gathering g = {.memory = memory};
    struct cost_model_options options = {.stop = must_stop, .context = (void *)memory};
    struct cost_model *model = NULL;
    dlt_status status = DLT_OK;
    if (gather_all(&g, tasks, target, database) && g.count >= FEWEST_RECORDS && !is_over(memory)) {
        struct cost_model_rows rows = {
            .count = g.count, .features = g.features, .targets = g.targets};
        status = cost_model_train(&rows, &options, &model, error);
        if (status == DLT_OK)
            status = store(model, target, records, database, error);
    }
    cost_model_free(model);
    free(g.features);
    free(g.targets);
    return status == DLT_ERROR_CANCELLED ? DLT_OK : status; /* another run teaches it */
}

dlt_status memory_learn(const struct memory *memory, const struct task *task,
                        struct database *database, struct error *error) {
    struct remembered_tasks *tasks;
    int64_t records = 0;
    dlt_status status = DLT_OK;
    if (!cost_model_available() || is_over(memory))
        return DLT_OK;
    tasks = malloc(sizeof *tasks);
    if (!tasks)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    remembered_tasks_read(tasks, database, NULL);
    for (int i = 0; i < tasks->count; i++)
        records += tasks->tasks[i].right;
    if (records >= FEWEST_RECORDS && (double)records >= GROWTH * (double)memory->model_records)
        status = learn(memory, tasks, task->target, records, database, error);
    remembered_tasks_free(tasks);
    free(tasks);
    return status;
}
