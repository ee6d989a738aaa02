/* Recalling points and models; see memory.h. */
#include "search/memory.h"

#include "search/memory_tasks.h"
#include "search/prior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_NAME    "trees"
#define OTHER_NAMES   100.0 /* distance of tasks without a common knob */
#define OTHER_MACHINE 50.0  /* of a task for another target or number of threads */

/* ---- near tasks ---- */

static double shared_names(const struct space *a, const struct space *b) {
    int shared = 0;
    for (int i = 0; i < a->knob_count; i++)
        for (int j = 0; j < b->knob_count; j++)
            shared += !strcmp(a->knobs[i].name, b->knobs[j].name);
    return 2.0 * shared / (a->knob_count + b->knob_count);
}

static double distance_of(const struct space *a, const struct space *b) {
    static const int zero[MAX_KNOBS];
    float x[FEATURE_COUNT], y[FEATURE_COUNT];
    double sum = OTHER_NAMES * (1 - shared_names(a, b));
    bool same = !strcmp(a->target.name, b->target.name) && a->threads == b->threads;
    features_compute(a, zero, x);
    features_compute(b, zero, y);
    for (int i = 0; i < FEATURE_COUNT; i++)
        sum += fmin(fabs((double)x[i] - (double)y[i]), 8);
    return sum + (same ? 0 : OTHER_MACHINE);
}

static int by_distance(const void *a, const void *b) {
    const struct remembered_task *x = *(const struct remembered_task *const *)a;
    const struct remembered_task *y = *(const struct remembered_task *const *)b;
    int order = (x->distance > y->distance) - (x->distance < y->distance);
    return order ? order : strcmp(x->key, y->key);
}

/* The tasks that have a space, nearest first. */
static int sort_tasks(struct remembered_tasks *tasks, const struct space *space,
                      struct remembered_task **sorted) {
    int count = 0;
    for (int i = 0; i < tasks->count; i++) {
        struct remembered_task *task = &tasks->tasks[i];
        if (!task->space)
            continue;
        task->distance = distance_of(space, task->space);
        sorted[count++] = task;
    }
    qsort(sorted, (size_t)count, sizeof *sorted, by_distance);
    return count;
}

/* ---- points ---- */

/* Sets knobs to their first choice, the last knob first, until the space does not refuse. */
static void repair(const struct space *space, int *point) {
    space_canonicalise(space, point);
    for (int i = space->knob_count - 1; i >= 0 && space_check(space, point, NULL) != DLT_OK; i--) {
        point[i] = 0;
        space_canonicalise(space, point);
    }
}

static void add_hint(struct hints *hints, const struct space *space, const int *point) {
    for (int i = 0; i < hints->point_count; i++)
        if (!memcmp(hints->points[i], point, sizeof hints->points[i]))
            return;
    if (hints->point_count == MAX_HINTS || space_check(space, point, NULL) != DLT_OK)
        return;
    memcpy(hints->points[hints->point_count++], point, sizeof hints->points[0]);
}

static void recall_points(struct memory *memory, const struct space *space,
                          struct database *database, struct remembered_task *const *sorted,
                          int count) {
    for (int i = 0; i < count && memory->hints.point_count < MAX_HINTS; i++) {
        struct record record;
        int point[MAX_KNOBS] = {0};
        bool exact;
        if (database_best(database, sorted[i]->key, host_name(), DATABASE_GENERATOR, &record,
                          &exact, NULL) != DLT_OK)
            continue;
        space_parse_point(space, record.knobs, point);
        repair(space, point);
        add_hint(&memory->hints, space, point);
        record_free(&record);
    }
}

/* A point with its nests on one thread and with threads sharing them: where a call is short one is
 * right, else the other. */
static void add_both_ways(struct hints *hints, const struct space *space, const int *from) {
    for (int shared = 0; shared < 2; shared++) {
        int point[MAX_KNOBS];
        memcpy(point, from, sizeof point);
        space_set_shared(space, point, shared);
        repair(space, point);
        add_hint(hints, space, point);
    }
}

/* What is known of the same work on one thread is never slower on several. */
static void recall_one_thread(struct memory *memory, const struct task *task,
                              const struct space *space, struct database *database) {
    int point[MAX_KNOBS] = {0};
    struct record record;
    struct task *one;
    bool exact;
    if (task->threads == 1 ||
        task_create_text(task->workload, task->target, 1, &one, NULL) != DLT_OK)
        return;
    if (database_best(database, one->key, host_name(), DATABASE_GENERATOR, &record, &exact, NULL) ==
        DLT_OK) {
        space_parse_point(space, record.knobs, point);
        add_both_ways(&memory->hints, space, point);
        record_free(&record);
    }
    task_free(one);
    memset(point, 0, sizeof point);
    add_both_ways(&memory->hints, space, point);
}

/* ---- the model ---- */

static void version_text(char text[16]) {
    snprintf(text, 16, "%d", FEATURE_VERSION);
}

static void recall_model(struct memory *memory, const char *target, struct database *database) {
    char version[16];
    struct model stored;
    version_text(version);
    if (!cost_model_available() || database_find_model(database, MODEL_NAME, target, version,
                                                       host_name(), &stored, NULL) != DLT_OK)
        return;
    if (cost_model_load(stored.bytes, stored.byte_count, &memory->model, NULL) == DLT_OK &&
        !strcmp(stored.host, host_name()))
        memory->model_records = stored.records;
    memory->hints.model = memory->model;
    memory->hints.model_share = prior_model_share(stored.records);
    model_free(&stored);
}

void memory_recall(struct memory *memory, const struct task *task, const struct space *space,
                   struct database *database) {
    struct remembered_tasks *tasks = malloc(sizeof *tasks);
    struct remembered_task *sorted[MEMORY_TASKS];
    memset(memory, 0, sizeof *memory);
    recall_model(memory, task->target, database);
    recall_one_thread(memory, task, space, database);
    if (!tasks)
        return;
    remembered_tasks_read(tasks, database, task->key);
    recall_points(memory, space, database, sorted, sort_tasks(tasks, space, sorted));
    remembered_tasks_free(tasks);
    free(tasks);
}

void memory_free(struct memory *memory) {
    cost_model_free(memory->model);
    memset(memory, 0, sizeof *memory);
}
