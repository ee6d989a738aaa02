/* Finding stored bests; see stored.h. */
#include "cli/stored.h"

#include "exchange/json.h"
#include "machine/description.h"

#include <stdlib.h>
#include <string.h>

struct collecting {
    struct cli *cli;
    const char *target;
    struct request_list *list;
    struct error *error;
    dlt_status status;
};

/* Of a key: what is before " target=". */
static size_t workload_length(const char *key) {
    const char *place = strstr(key, " target=");
    return place ? (size_t)(place - key) : strlen(key);
}

static void leave_out(const struct cli *cli, const char *key, const struct error *why) {
    if (!cli->options.quiet)
        cli_complain("note: left out: `%s`: %s", key, why->message);
}

static bool collect(void *context, const struct task_summary *summary) {
    struct collecting *c = context;
    char target[64], threads[16];
    struct request *request;
    char *workload;
    if (summary->best_us <= 0 || !task_key_value(summary->task, "target", target, sizeof target) ||
        !task_key_value(summary->task, "threads", threads, sizeof threads) ||
        strcmp(target, c->target) || atoi(threads) != c->cli->options.threads)
        return true;
    workload = strndup(summary->task, workload_length(summary->task));
    c->status = workload ? request_create(workload, target, atoi(threads), &request, c->error)
                         : error_set(c->error, DLT_ERROR_MEMORY, "out of memory");
    free(workload);
    if (c->status == DLT_OK)
        c->status = request_list_add(c->list, request, c->error);
    if (c->status == DLT_ERROR_ARGUMENT) { /* what is wrong is the file, not how it was asked */
        leave_out(c->cli, summary->task, c->error);
        c->status = DLT_OK;
    }
    return c->status == DLT_OK;
}

/* Nobody named these tasks, so one whose records cannot be believed is left out, not the others. */
static dlt_status keep_believed(struct cli *cli, struct database *database,
                                struct request_list *list, struct error *error) {
    int kept = 0;
    dlt_status status = DLT_OK;
    for (int i = 0; i < list->count; i++) {
        struct request *request = list->requests[i];
        struct record record;
        int which;
        bool exact;
        if (status == DLT_OK)
            status = best_of(database, request, &which, &record, &exact, error);
        if (status == DLT_OK)
            record_free(&record);
        if (status == DLT_ERROR_NOT_FOUND) {
            leave_out(cli, request->key, error);
            request_free(request);
            status = DLT_OK;
        } else {
            list->requests[kept++] = request;
        }
    }
    list->count = kept;
    return status;
}

dlt_status stored_tasks(struct cli *cli, struct database *database, struct request_list *list,
                        struct error *error) {
    struct collecting collecting = {.cli = cli, .list = list, .error = error};
    if (list->count)
        return DLT_OK;
    TRY(cli_resolve_target(cli, &collecting.target, error));
    TRY(database_tasks(database, collect, &collecting, error));
    TRY(collecting.status);
    TRY(keep_believed(cli, database, list, error));
    if (!list->count)
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s: nothing is stored for target=%s threads=%d; tune a workload first",
                         cli->database_path, collecting.target, (int)cli->options.threads);
    return DLT_OK;
}

dlt_status requested_tasks(struct cli *cli, struct request_list *list, struct error *error) {
    bool has_workload = cli->word_count || cli->attributes.length;
    const char *target;
    struct request *request;
    TRY(cli_resolve_target(cli, &target, error));
    if (cli->options.list && has_workload)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "--list: a file of workloads and a workload were given; it may be one");
    if (cli->options.list)
        return request_list_read(cli, cli->options.list, list, error);
    if (!has_workload)
        return DLT_OK;
    TRY(cli_request(cli, &request, error));
    return request_list_add(list, request, error);
}

dlt_status nothing_stored(const struct cli *cli, const char *key, struct error *error) {
    return error_set(error, DLT_ERROR_REFUSED,
                     "%s: nothing stored for `%s`; tune it first, or name another --target or "
                     "--threads",
                     cli->database_path, key);
}

dlt_status best_of(struct database *database, const struct request *request, int *which,
                   struct record *record, bool *exact, struct error *error) {
    const char *keys[MAX_ALTERNATIVES];
    dlt_status status;
    for (int i = 0; i < request->count; i++)
        keys[i] = request->tasks[i]->key;
    status = database_best_of(database, request->count, keys, host_name(), DATABASE_GENERATOR,
                              which, record, exact, error);
    if (status == DLT_ERROR_NOT_FOUND && request->count > 1)
        return error_set(error, status, "nothing stored for `%s`, whatever is chosen",
                         request->key);
    return status;
}

dlt_status stored_best_of(struct cli *cli, struct database *database, const struct request *request,
                          int *which, struct record *record, struct error *error) {
    bool exact;
    dlt_status status = best_of(database, request, which, record, &exact, error);
    return status == DLT_ERROR_NOT_FOUND ? nothing_stored(cli, request->key, error) : status;
}

dlt_status stored_records(struct database *database, const struct request *request,
                          record_visitor *visitor, void *context, struct error *error) {
    if (!request)
        return database_records(database, NULL, visitor, context, error);
    for (int i = 0; i < request->count; i++)
        TRY(database_records(database, request->tasks[i]->key, visitor, context, error));
    return DLT_OK;
}

static bool count_record(void *context, const struct record *record) {
    struct stored_counts *counts = context;
    counts->trials += !record->finalist;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (!strcmp(record->outcome, measure_outcome_name((enum measure_outcome)i)))
            counts->by_outcome[i] += !record->finalist;
    return true;
}

dlt_status stored_count(struct database *database, const struct request *request,
                        struct stored_counts *counts, struct error *error) {
    *counts = (struct stored_counts){0};
    return stored_records(database, request, count_record, counts, error);
}
