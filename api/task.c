/* Tasks as handles; see dltune/task.h. */
#include "api/api.h"

#include "machine/description.h"
#include "schedules/supported.h"

#include <stdlib.h>
#include <string.h>

static dlt_status resolve(const char *workload, const char *target, int threads, struct task **task,
                          struct error *error) {
    struct target_description description;
    TRY(target_describe(target ? target : "native", &description, error));
    if (!workload)
        return error_set(error, DLT_ERROR_ARGUMENT, "workload: is NULL");
    TRY(task_create_text(workload, description.name, threads, task, error));
    dlt_status status = task_supported(*task, error);
    if (status == DLT_OK)
        return DLT_OK;
    task_free(*task);
    *task = NULL;
    return status;
}

dlt_status dlt_task_create(const char *workload, const char *target, int threads, dlt_task **task) {
    struct error error;
    dlt_task *created = handle_create(sizeof *created);
    *task = created;
    if (!created)
        return DLT_ERROR_MEMORY;
    if (resolve(workload, target, threads, &created->task, &error) != DLT_OK)
        return handle_fail(&created->handle, &error);
    return DLT_OK;
}

/* The failure of one handle told by another, so that the caller may ask either. */
static dlt_status fail_as(dlt_task **task, const dlt_expression *expression) {
    struct error error = {.status = DLT_ERROR_ARGUMENT};
    dlt_task *created = handle_create(sizeof *created);
    *task = created;
    if (!created)
        return DLT_ERROR_MEMORY;
    strncat(error.message, dlt_error(expression), sizeof error.message - 1);
    return handle_fail(&created->handle, &error);
}

dlt_status dlt_task_from_expression(dlt_expression *expression, const char *target, int threads,
                                    dlt_task **task) {
    struct text workload = {0};
    dlt_status status;
    if (dlt_expression_check(expression) != DLT_OK)
        return fail_as(task, expression);
    text_append(&workload, "expression text=\"");
    expression_print(&workload, expression->expression);
    text_append(&workload, "\"");
    if (workload.failed) {
        *task = NULL;
        status = DLT_ERROR_MEMORY;
    } else {
        status = dlt_task_create(text_string(&workload), target, threads, task);
    }
    text_free(&workload);
    return status;
}

void dlt_task_free(dlt_task *task) {
    if (!task)
        return;
    task_free(task->task);
    messages_free(&task->messages);
    free(task);
}

const char *dlt_task_key(const dlt_task *task) {
    return task->task ? task->task->key : "";
}

const char *dlt_task_workload(const dlt_task *task) {
    return task->task ? task->task->workload : "";
}

const char *dlt_task_target(const dlt_task *task) {
    return task->task ? task->task->target : "";
}

double dlt_task_operations(const dlt_task *task) {
    return task->task ? task->task->operations : 0;
}
