/* Finding stored bests; see stored.h. */
#include "cli/stored.h"

#include "db/json.h"
#include "targets/description.h"

#include <stdlib.h>
#include <string.h>

struct collecting {
    struct cli *cli;
    const char *target;
    struct task_list *list;
    struct error *error;
    dlt_status status;
};

static bool collect(void *context, const struct task_summary *summary) {
    struct collecting *c = context;
    char target[64], threads[16];
    struct task *task;
    if (!summary->right || !task_key_value(summary->task, "target", target, sizeof target) ||
        !task_key_value(summary->task, "threads", threads, sizeof threads) ||
        strcmp(target, c->target) || atoi(threads) != c->cli->options.threads)
        return true;
    c->status = task_create_key(summary->task, &task, c->error);
    if (c->status == DLT_OK) {
        c->status = task_list_add(c->list, task, c->error);
        if (c->status != DLT_OK)
            task_free(task);
    }
    return c->status == DLT_OK;
}

dlt_status stored_tasks(struct cli *cli, struct database *database, struct task_list *list,
                        struct error *error) {
    struct collecting collecting = {.cli = cli, .list = list, .error = error};
    if (list->count)
        return DLT_OK;
    TRY(cli_resolve_target(cli, &collecting.target, error));
    TRY(database_tasks(database, collect, &collecting, error));
    TRY(collecting.status);
    if (!list->count)
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s: nothing is stored for target=%s threads=%d; tune a workload first",
                         cli->database_path, collecting.target, (int)cli->options.threads);
    return DLT_OK;
}

dlt_status requested_tasks(struct cli *cli, struct task_list *list, struct error *error) {
    bool has_workload = cli->word_count || cli->attributes.length;
    const char *target;
    struct task *task;
    dlt_status status;
    TRY(cli_resolve_target(cli, &target, error));
    if (cli->options.list && has_workload)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "--list: a file of workloads and a workload were given; it may be one");
    if (cli->options.list)
        return task_list_read(cli, cli->options.list, list, error);
    if (!has_workload)
        return DLT_OK;
    TRY(cli_task(cli, &task, error));
    status = task_list_add(list, task, error);
    if (status != DLT_OK)
        task_free(task);
    return status;
}

dlt_status stored_best(struct cli *cli, struct database *database, const struct task *task,
                       struct record *record, struct error *error) {
    bool exact;
    dlt_status status =
        database_best(database, task->key, host_name(), DATABASE_GENERATOR, record, &exact, error);
    if (status == DLT_ERROR_NOT_FOUND)
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s: nothing stored for `%s`; tune it first, or name another --target or "
                         "--threads",
                         cli->database_path, task->key);
    return status;
}

static bool count_record(void *context, const struct record *record) {
    struct stored_counts *counts = context;
    counts->trials += !record->finalist;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (!strcmp(record->outcome, measure_outcome_name((enum measure_outcome)i)))
            counts->by_outcome[i] += !record->finalist;
    return true;
}

dlt_status stored_count(struct database *database, const struct task *task,
                        struct stored_counts *counts, struct error *error) {
    *counts = (struct stored_counts){0};
    return database_records(database, task->key, count_record, counts, error);
}
