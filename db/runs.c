/* Runs of the tuner: what was asked of it, how long it took and what it found. */
#include "db/private.h"

#include <string.h>

enum {
    RUNS_SINCE_VERSION = 2
};

static dlt_status check_run(const struct run *run, struct error *error) {
    const char *const names[] = {"task", "host", "generator", "strategy"};
    const char *const texts[] = {run->task, run->host, run->generator, run->strategy};
    for (int i = 0; i < 4; i++)
        if (!texts[i] || !*texts[i])
            return error_set(error, DLT_ERROR_ARGUMENT, "run: %s is missing", names[i]);
    return DLT_OK;
}

static void bind_quality(sqlite3_stmt *statement, const struct run *run) {
    const struct ranking_quality *qualities[] = {&run->analytic, &run->model};
    sqlite3_bind_int64(statement, 11, run->judged);
    for (int i = 0; i < 2; i++) {
        int first = 12 + 3 * i;
        if (run->judged < 1 || (i == 1 && !run->has_model))
            continue; /* what is not bound is NULL */
        sqlite3_bind_double(statement, first, qualities[i]->pairwise);
        sqlite3_bind_double(statement, first + 1, qualities[i]->peak1);
        sqlite3_bind_double(statement, first + 2, qualities[i]->peak5);
    }
}

static struct ranking_quality read_quality(sqlite3_stmt *statement, int first) {
    return (struct ranking_quality){sqlite3_column_double(statement, first),
                                    sqlite3_column_double(statement, first + 1),
                                    sqlite3_column_double(statement, first + 2)};
}

dlt_status database_put_run(struct database *database, const struct run *run, struct error *error) {
    unsigned char identity[IDENTITY_BYTES];
    const char *task;
    sqlite3_stmt *statement;
    TRY(check_run(run, error));
    task = database_renew_key(database, run->task);
    memcpy(identity, run->identity, sizeof identity);
    if (identity_is_new(identity))
        TRY(database_new_identity(identity, error));
    TRY(database_add_name(database, STATEMENT_ADD_TASK, task, error));
    TRY(database_add_name(database, STATEMENT_ADD_HOST, run->host, error));
    TRY(database_add_name(database, STATEMENT_ADD_GENERATOR, run->generator, error));
    TRY(database_statement(database, STATEMENT_ADD_RUN, &statement, error));
    sqlite3_bind_blob(statement, 1, identity, sizeof identity, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, task, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, run->host, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 4, run->generator, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 5, run->strategy, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, run->seed);
    sqlite3_bind_int64(statement, 7, run->trials);
    sqlite3_bind_double(statement, 8, run->seconds);
    sqlite3_bind_double(statement, 9, run->best_us);
    sqlite3_bind_int64(statement, 10, run->created);
    bind_quality(statement, run);
    return database_step(database, statement, error);
}

static dlt_status add(struct database *database, void *context, struct error *error) {
    return database_put_run(database, context, error);
}

dlt_status database_add_run(struct database *database, const struct run *run, struct error *error) {
    TRY(check_run(run, error));
    return database_transact(database, add, (void *)run, error);
}

static void read_run(sqlite3_stmt *statement, struct run *run) {
    *run = (struct run){.task = database_text(statement, 0),
                        .host = database_text(statement, 1),
                        .generator = database_text(statement, 2),
                        .strategy = database_text(statement, 3),
                        .seed = sqlite3_column_int64(statement, 4),
                        .trials = sqlite3_column_int64(statement, 5),
                        .seconds = sqlite3_column_double(statement, 6),
                        .best_us = sqlite3_column_double(statement, 7),
                        .created = sqlite3_column_int64(statement, 8),
                        .judged = sqlite3_column_int64(statement, 10),
                        .has_model = sqlite3_column_type(statement, 14) != SQLITE_NULL,
                        .analytic = read_quality(statement, 11),
                        .model = read_quality(statement, 14)};
    database_identity(statement, 9, run->identity);
}

dlt_status database_runs(struct database *database, run_visitor *visitor, void *context,
                         struct error *error) {
    sqlite3_stmt *statement;
    int code;
    TRY(database_refresh(database, error));
    if (database->version < RUNS_SINCE_VERSION)
        return DLT_OK;
    TRY(database_statement(database, STATEMENT_VISIT_RUNS, &statement, error));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct run run;
        struct error problem = {.status = DLT_OK};
        read_run(statement, &run);
        if (database->version < KEYS_SINCE_VERSION)
            run.task = database_renew_key(database, run.task);
        if (run_check_values(&run, &problem) != DLT_OK)
            database_leave_out(database, "run", sqlite3_column_int64(statement, 17), &problem);
        else if (!visitor(context, &run))
            break;
    }
    sqlite3_reset(statement);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return database_fail(database, code, error);
    return DLT_OK;
}
