/* Whole files: merged, pruned, checked.
 *
 * A record has an identity, random bytes given when it was first stored and kept in every copy. So
 * merging is adding what has an unknown identity, and files may be merged in any order, any number
 * of times, and through each other. */
#include "db/private.h"

#include <stdio.h>

struct merging {
    struct database *into, *from;
    const struct taking *taking;
    struct transfer *transfer;
    dlt_status status;
    struct error *error;
};

/* Tells of something that is left behind. */
static void leave(struct merging *merging, const char *what, int64_t id,
                  const struct error *problem) {
    char words[400];
    merging->transfer->lost++;
    snprintf(words, sizeof words, "%.100s: %s %lld: %.250s", merging->from->path, what,
             (long long)id, problem->message);
    if (merging->taking->problem)
        merging->taking->problem(merging->taking->context, words);
}

static bool merge_record(void *context, const struct record *record, const struct error *problem) {
    struct merging *merging = context;
    struct error found = {.status = DLT_OK};
    if (problem)
        merging->transfer->read++;
    else if (database_take(merging->into, record, merging->transfer, &found) != DLT_OK)
        problem = &found;
    if (problem && problem->status == DLT_ERROR_ARGUMENT)
        leave(merging, "record", record->id, problem);
    else if (problem)
        merging->status = error_set(merging->error, problem->status, "%s", problem->message);
    return merging->status == DLT_OK;
}

static bool merge_model(void *context, int64_t id, const struct model *model,
                        const struct error *problem) {
    struct merging *merging = context;
    if (problem)
        leave(merging, "model", id, problem);
    else
        merging->status = database_put_model_now(merging->into, model, merging->error);
    return merging->status == DLT_OK;
}

static bool merge_run(void *context, const struct run *run) {
    struct merging *merging = context;
    struct error problem;
    if (gate_check_run(&merging->into->gate, run, &problem) != DLT_OK)
        return true; /* a run only tells how its records came about, and they are told of */
    merging->status = database_put_run(merging->into, run, merging->error);
    return merging->status == DLT_OK;
}

static dlt_status merge_all(struct database *into, void *context, struct error *error) {
    struct merging *merging = context;
    (void)into;
    TRY(database_rows(merging->from, NULL, merge_record, merging, error));
    TRY(merging->status);
    TRY(database_model_rows(merging->from, merge_model, merging, error));
    TRY(merging->status);
    TRY(database_runs(merging->from, merge_run, merging, error));
    TRY(merging->status);
    if (merging->transfer->lost && !merging->taking->skip)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: %lld of its records and models cannot be believed, so nothing was "
                         "taken in",
                         merging->from->path, (long long)merging->transfer->lost);
    return DLT_OK;
}

dlt_status database_merge(struct database *into, struct database *from, const struct taking *taking,
                          struct transfer *transfer, struct error *error) {
    struct merging merging = {.into = into,
                              .from = from,
                              .taking = taking,
                              .transfer = transfer,
                              .status = DLT_OK,
                              .error = error};
    *transfer = (struct transfer){0};
    dlt_status status = database_transact(into, merge_all, &merging, error);
    if (status != DLT_OK)
        transfer->added = 0;
    return status;
}

struct pruning {
    int64_t keep, removed;
};

static dlt_status prune(struct database *database, void *context, struct error *error) {
    struct pruning *pruning = context;
    sqlite3_stmt *statement;
    TRY(database_statement(database, STATEMENT_PRUNE, &statement, error));
    sqlite3_bind_int64(statement, 1, pruning->keep);
    TRY(database_step(database, statement, error));
    pruning->removed = sqlite3_changes64(database->connection);
    TRY(database_run(database, STATEMENT_PRUNE_TASKS, error));
    TRY(database_run(database, STATEMENT_PRUNE_HOSTS, error));
    return database_run(database, STATEMENT_PRUNE_GENERATORS, error);
}

dlt_status database_prune(struct database *database, int64_t keep, int64_t *removed,
                          struct error *error) {
    struct pruning pruning = {.keep = keep};
    *removed = 0;
    if (keep < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "keep: %lld is not a number from 1",
                         (long long)keep);
    TRY(database_transact(database, prune, &pruning, error));
    *removed = pruning.removed;
    return database_run(database, STATEMENT_VACUUM, error);
}

/* Rows of a check in which a column says what is wrong; integrity_check says "ok" if nothing is. */
static dlt_status run_check(struct database *database, const char *query, problem_visitor *visitor,
                            void *context, struct error *error) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->connection, query, -1, &statement, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW && sqlite3_stricmp(database_text(statement, 0), "ok") != 0 &&
            !visitor(context, database_text(statement, 0)))
            break;
    }
    if (code == SQLITE_CORRUPT) /* so badly that the check itself could not go on */
        visitor(context, sqlite3_errmsg(database->connection));
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW && (code & 0xff) != SQLITE_CORRUPT)
        return database_fail(database, code, error);
    return DLT_OK;
}

struct checking {
    problem_visitor *visitor;
    void *context;
};

static bool tell(const struct checking *checking, const char *what, int64_t id,
                 const struct error *problem) {
    char words[400];
    if (!problem)
        return true;
    snprintf(words, sizeof words, "%s %lld: %.300s", what, (long long)id, problem->message);
    return checking->visitor(checking->context, words);
}

static bool check_record(void *context, const struct record *record, const struct error *problem) {
    return tell(context, "record", record->id, problem);
}

static bool check_model(void *context, int64_t id, const struct model *model,
                        const struct error *problem) {
    (void)model;
    return tell(context, "model", id, problem);
}

dlt_status database_check(struct database *database, problem_visitor *visitor, void *context,
                          struct error *error) {
    static const char *const checks[] = {
        "PRAGMA integrity_check(20)",
        "SELECT \"table\" || ' ' || rowid || ' refers to a row of ' || parent || ' that is not "
        "there' FROM pragma_foreign_key_check LIMIT 20",
    };
    struct checking checking = {visitor, context};
    TRY(database_refresh(database, error));
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        TRY(run_check(database, checks[i], visitor, context, error));
    TRY(database_rows(database, NULL, check_record, &checking, error));
    return database_model_rows(database, check_model, &checking, error);
}
