/* The other tasks of a database with their spaces; for the files of memory. */
#ifndef SEARCH_MEMORY_TASKS_H
#define SEARCH_MEMORY_TASKS_H

#include "db/db.h"
#include "schedules/space.h"
#include "te/task.h"

enum {
    MEMORY_TASKS = 64 /* that are looked at: the first that the database lists */
};

struct remembered_task {
    char *key;
    int64_t right; /* records */
    double best_us;
    double distance; /* to the task in question */
    struct task *task;
    struct arena arena;
    struct space *space; /* NULL: could not be made */
};

struct remembered_tasks {
    int count;
    struct remembered_task tasks[MEMORY_TASKS];
};

/* Those with right records, of any target and threads, without `except` (NULL: with all). */
void remembered_tasks_read(struct remembered_tasks *tasks, struct database *database,
                           const char *except);
void remembered_tasks_free(struct remembered_tasks *tasks);

#endif
