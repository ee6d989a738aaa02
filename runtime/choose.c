/* Which task a text means. Where it says `any` it is the one with the best record, or if there is
 * none the operator's first alternative. */
#include "runtime/runtime.h"
#include "schedules/supported.h"
#include "te/alternatives.h"

#include <stdlib.h>

/* The number of the alternative with the best record; 0 if none has one. */
static dlt_status best_number(dlt_runtime *runtime, struct task *const *tasks, int count,
                              int *number, struct error *error) {
    const char *keys[MAX_ALTERNATIVES];
    struct record record;
    dlt_status status;
    bool exact;
    for (int i = 0; i < count; i++)
        keys[i] = tasks[i]->key;
    pthread_mutex_lock(&runtime->database_mutex);
    status = database_best_of(runtime->database, count, keys, host_name(), DATABASE_GENERATOR,
                              number, &record, &exact, error);
    pthread_mutex_unlock(&runtime->database_mutex);
    if (status == DLT_OK)
        record_free(&record);
    else
        *number = 0; /* what is wrong with the file, making the kernel will meet again, and say */
    return status == DLT_ERROR_MEMORY ? status : DLT_OK;
}

static dlt_status choose(dlt_runtime *runtime, const struct alternatives *alternatives, int threads,
                         struct task **chosen, struct error *error) {
    struct task *tasks[MAX_ALTERNATIVES];
    dlt_status status = DLT_OK;
    int count = 0, number = 0;
    while (status == DLT_OK && count < alternatives->count) {
        status = task_create_text(alternatives->texts[count], runtime->target.name, threads,
                                  &tasks[count], error);
        if (status == DLT_OK)
            status = task_supported(tasks[count++], error);
    }
    if (status == DLT_OK && count > 1)
        status = best_number(runtime, tasks, count, &number, error);
    for (int i = 0; i < count; i++)
        if (status != DLT_OK || i != number)
            task_free(tasks[i]);
    *chosen = status == DLT_OK ? tasks[number] : NULL;
    return status;
}

dlt_status runtime_task(dlt_runtime *runtime, const char *text, int threads, struct task **task,
                        struct error *error) {
    struct alternatives alternatives;
    dlt_status status = alternatives_create(text, &alternatives, error);
    *task = NULL;
    if (status == DLT_OK)
        status = choose(runtime, &alternatives, threads, task, error);
    alternatives_free(&alternatives);
    return status;
}
