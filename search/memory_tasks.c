/* Reading the tasks of a database; see memory_tasks.h. */
#include "search/memory_tasks.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct remembered_tasks *tasks;
    const char *except;
};

static bool visit(void *context, const struct task_summary *summary) {
    struct listing *listing = context;
    struct remembered_tasks *tasks = listing->tasks;
    struct remembered_task *task = &tasks->tasks[tasks->count];
    if (summary->right == 0 || (listing->except && !strcmp(summary->task, listing->except)))
        return true;
    task->key = strdup(summary->task);
    task->right = summary->right;
    task->best_us = summary->best_us;
    tasks->count += task->key != NULL;
    return tasks->count < MEMORY_TASKS;
}

static dlt_status create_space(struct remembered_task *task) {
    struct target_description target;
    TRY(task_create_key(task->key, &task->task, NULL));
    TRY(target_describe(task->task->target, &target, NULL));
    if (arena_recover(&task->arena))
        return DLT_ERROR_MEMORY;
    return space_create(&task->arena, task->task->collapsed, &target, task->task->threads,
                        &task->space, NULL);
}

void remembered_tasks_read(struct remembered_tasks *tasks, struct database *database,
                           const char *except) {
    struct listing listing = {tasks, except};
    memset(tasks, 0, sizeof *tasks);
    database_tasks(database, visit, &listing, NULL);
    for (int i = 0; i < tasks->count; i++) {
        struct remembered_task *task = &tasks->tasks[i];
        arena_initialise(&task->arena);
        if (create_space(task) != DLT_OK)
            task->space = NULL;
        task->arena.recoverable = false;
    }
}

void remembered_tasks_free(struct remembered_tasks *tasks) {
    for (int i = 0; i < tasks->count; i++) {
        arena_free(&tasks->tasks[i].arena);
        task_free(tasks->tasks[i].task);
        free(tasks->tasks[i].key);
    }
    tasks->count = 0;
}
