/* Asking: the best of a task, its records, all tasks.
 *
 * The best. Right records are indexed by task, host, generator, finalist and time, so the fastest
 * of each kind is the first behind all of the kind before: one descent of a tree for the finalists
 * and one for the others of each origin (a host with a generator), of which there are few.
 * Finalists' times come from repeated, interleaved measuring; other times
 * are rough, and the least of many rough times is a lucky one. So a finalist is the best of its
 * origin unless a rough time is below it by more than such luck explains. */
#include "db/private.h"

#include <stdlib.h>
#include <string.h>

#define ROUGH_TIME_MARGIN 0.9

struct best {
    int64_t id; /* 0: none */
    double median_us;
    int rank; /* how near its origin is to the caller: 3 host and generator, 2 host, 1 generator */
};

/* Where records come from, by the numbers of names; 0 is nobody's. */
struct origin {
    int64_t host, generator;
};

/* The number of a name in one of the tables of names; 0 if it is NULL or not there. */
static dlt_status find_name(struct database *database, enum statement which, const char *name,
                            int64_t *id, struct error *error) {
    sqlite3_stmt *statement;
    int code;
    *id = 0;
    if (!name)
        return DLT_OK;
    TRY(database_statement(database, which, &statement, error));
    sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *id = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return database_fail(database, code, error);
    return DLT_OK;
}

/* The fastest of its kind: the records of one origin that are finalists, or that are not. */
struct head {
    struct origin origin;
    int finalist;
    int64_t id;
    double median_us;
};

/* Moves from one head of the task to the next; `*found` is false behind the last. */
static dlt_status next_head(struct database *database, int64_t task, struct head *head, bool *found,
                            struct error *error) {
    sqlite3_stmt *statement;
    int code;
    TRY(database_statement(database, STATEMENT_FIND_HEAD, &statement, error));
    sqlite3_bind_int64(statement, 1, task);
    sqlite3_bind_int64(statement, 2, head->origin.host);
    sqlite3_bind_int64(statement, 3, head->origin.generator);
    sqlite3_bind_int(statement, 4, head->finalist);
    code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *head = (struct head){
            .origin = {sqlite3_column_int64(statement, 0), sqlite3_column_int64(statement, 1)},
            .finalist = sqlite3_column_int(statement, 2),
            .id = sqlite3_column_int64(statement, 3),
            .median_us = sqlite3_column_double(statement, 4)};
    sqlite3_reset(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return database_fail(database, code, error);
    return DLT_OK;
}

static bool is_of(const struct head *head, const struct origin *origin) {
    return head->origin.host == origin->host && head->origin.generator == origin->generator;
}

/* The best of one origin from its heads, of which the finalist comes last. */
static void take_head(const struct head *head, struct best *best) {
    if (best->id && head->finalist && best->median_us < ROUGH_TIME_MARGIN * head->median_us)
        return;
    best->id = head->id;
    best->median_us = head->median_us;
}

static void take_best(const struct best *other, struct best *best) {
    if (other->id && (!best->id || other->rank > best->rank ||
                      (other->rank == best->rank && other->median_us < best->median_us)))
        *best = *other;
}

static dlt_status best_of_origin(struct database *database, int64_t task,
                                 const struct origin *origin, struct best *best,
                                 struct error *error) {
    struct head head = {.origin = *origin, .finalist = -1};
    bool found;
    *best = (struct best){.rank = 3};
    if (!origin->host || !origin->generator)
        return DLT_OK;
    for (;;) {
        TRY(next_head(database, task, &head, &found, error));
        if (!found || !is_of(&head, origin))
            return DLT_OK;
        take_head(&head, best);
    }
}

/* The caller's own best, or else that of the nearest origin; among equally near ones the fastest.
 * With nobody's origin all are equally near. */
static dlt_status best_of_task(struct database *database, int64_t task, const struct origin *own,
                               struct best *best, struct error *error) {
    struct head head = {.finalist = -1};
    struct origin origin = {0, 0};
    struct best other = {0};
    bool found = true;
    TRY(best_of_origin(database, task, own, best, error));
    if (best->id)
        return DLT_OK;
    while (found) {
        TRY(next_head(database, task, &head, &found, error));
        if (!found || !is_of(&head, &origin)) {
            take_best(&other, best);
            origin = head.origin;
            other = (struct best){.rank = 2 * (origin.host == own->host) +
                                          (origin.generator == own->generator)};
        }
        if (found)
            take_head(&head, &other);
    }
    return DLT_OK;
}

void database_identity(sqlite3_stmt *statement, int column, unsigned char *identity) {
    const void *bytes = sqlite3_column_blob(statement, column);
    memset(identity, 0, IDENTITY_BYTES);
    if (bytes && sqlite3_column_bytes(statement, column) == IDENTITY_BYTES)
        memcpy(identity, bytes, IDENTITY_BYTES);
}

/* A row of id, RECORD_VALUES and checksum; strings are the statement's until its next step. */
static dlt_status read_row(struct database *database, sqlite3_stmt *statement,
                           struct record *record, struct error *error) {
    int column = 0;
    record->id = sqlite3_column_int64(statement, column++);
    database_identity(statement, column++, record->identity);
    record->task = database_text(statement, column++);
    record->host = database_text(statement, column++);
    record->generator = database_text(statement, column++);
    record->trace = database_text(statement, column++);
    record->knobs = database_text(statement, column++);
    record->outcome = database_text(statement, column++);
    record->message = (const char *)sqlite3_column_text(statement, column++);
    record->clock = database_text(statement, column++);
    record->layouts = database_text(statement, column++);
    record->median_us = sqlite3_column_double(statement, column++);
    record->minimum_us = sqlite3_column_double(statement, column++);
    record->spread = sqlite3_column_double(statement, column++);
    record->max_error = sqlite3_column_double(statement, column++);
    record->peak_gflops = sqlite3_column_double(statement, column++);
    record->verified = sqlite3_column_int(statement, column++);
    record->finalist = sqlite3_column_int(statement, column++);
    record->seed = sqlite3_column_int64(statement, column++);
    record->created = sqlite3_column_int64(statement, column++);
    if (sqlite3_column_type(statement, column) == SQLITE_INTEGER &&
        sqlite3_column_int64(statement, column) != record_checksum(record))
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: the database is damaged (record %lld is not what was written)",
                         database->path, (long long)record->id);
    if (database->version < KEYS_SINCE_VERSION)
        record->task = database_renew_key(database, record->task);
    return DLT_OK;
}

enum {
    RECORD_STRINGS = 9
};

static void list_strings(struct record *record, const char **strings[RECORD_STRINGS]) {
    const char **all[RECORD_STRINGS] = {&record->task,    &record->host,  &record->generator,
                                        &record->trace,   &record->knobs, &record->outcome,
                                        &record->message, &record->clock, &record->layouts};
    memcpy(strings, all, sizeof all);
}

dlt_status record_own(struct record *record, struct error *error) {
    const char **strings[RECORD_STRINGS];
    bool failed = false;
    list_strings(record, strings);
    for (int i = 0; i < RECORD_STRINGS; i++) {
        const char *borrowed = *strings[i];
        *strings[i] = borrowed ? strdup(borrowed) : NULL;
        failed |= borrowed && !*strings[i];
    }
    if (!failed)
        return DLT_OK;
    record_free(record);
    return error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

void record_free(struct record *record) {
    const char **strings[RECORD_STRINGS];
    list_strings(record, strings);
    for (int i = 0; i < RECORD_STRINGS; i++) {
        free((char *)*strings[i]);
        *strings[i] = NULL;
    }
}

static dlt_status read_record(struct database *database, int64_t id, struct record *record,
                              struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    int code;
    TRY(database_statement(database, STATEMENT_READ_RECORD, &statement, error));
    sqlite3_bind_int64(statement, 1, id);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        status = read_row(database, statement, record, error);
        if (status == DLT_OK)
            status = record_own(record, error);
        else
            memset(record, 0, sizeof *record); /* its strings are not its own */
    } else if (code == SQLITE_DONE) {
        status = error_set(error, DLT_ERROR_DATABASE, "%s: damaged: record %lld is not there",
                           database->path, (long long)id);
    } else {
        status = database_fail(database, code, error);
    }
    sqlite3_reset(statement);
    return status;
}

static dlt_status find_best(struct database *database, const char *key, const char *host,
                            const char *generator, struct record *record, bool *exact,
                            struct error *error) {
    struct best best = {0};
    struct origin own;
    int64_t task;
    key = database_renew_key(database, key);
    TRY(find_name(database, STATEMENT_FIND_TASK, key, &task, error));
    TRY(find_name(database, STATEMENT_FIND_HOST, host, &own.host, error));
    TRY(find_name(database, STATEMENT_FIND_GENERATOR, generator, &own.generator, error));
    if (task)
        TRY(best_of_task(database, task, &own, &best, error));
    if (!best.id)
        return error_set(error, DLT_ERROR_NOT_FOUND, "%s: nothing stored for `%s`", database->path,
                         key);
    *exact = best.rank == 3;
    return read_record(database, best.id, record, error);
}

dlt_status database_best(struct database *database, const char *task, const char *host,
                         const char *generator, struct record *record, bool *exact,
                         struct error *error) {
    enum {
        TRIES = 16
    };
    memset(record, 0, sizeof *record);
    *exact = false;
    for (int i = 0; i < TRIES; i++) {
        dlt_status status;
        TRY(database_refresh(database, error));
        status = find_best(database, task, host, generator, record, exact, error);
        if (!database_changed(database))
            return status;
        record_free(record);
    }
    return error_set(error, DLT_ERROR_DATABASE, "%s: kept changing while it was read",
                     database->path);
}

/* What was visited in a file that changed meanwhile may be a mixture of old and new. */
static dlt_status end_visit(struct database *database, int code, struct error *error) {
    if (database_changed(database))
        return error_set(error, DLT_ERROR_DATABASE, "%s: changed while it was read; try again",
                         database->path);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return database_fail(database, code, error);
    return DLT_OK;
}

dlt_status database_records(struct database *database, const char *task, record_visitor *visitor,
                            void *context, struct error *error) {
    dlt_status status = DLT_OK;
    sqlite3_stmt *statement;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, task ? STATEMENT_VISIT_TASK : STATEMENT_VISIT_ALL, &statement,
                           error));
    if (task)
        sqlite3_bind_text(statement, 1, database_renew_key(database, task), -1, SQLITE_TRANSIENT);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct record record;
        status = read_row(database, statement, &record, error);
        if (status != DLT_OK || !visitor(context, &record))
            break;
    }
    if (status == DLT_OK || database_changed(database))
        status = end_visit(database, code, error);
    sqlite3_reset(statement);
    return status;
}

dlt_status database_tasks(struct database *database, task_visitor *visitor, void *context,
                          struct error *error) {
    const struct origin nobody = {0, 0};
    sqlite3_stmt *statement;
    dlt_status status = DLT_OK;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, STATEMENT_TASKS, &statement, error));
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct best best;
        struct task_summary summary = {.task = database_text(statement, 1),
                                       .records = sqlite3_column_int64(statement, 2),
                                       .right = sqlite3_column_int64(statement, 3)};
        status = best_of_task(database, sqlite3_column_int64(statement, 0), &nobody, &best, error);
        if (status != DLT_OK)
            break;
        summary.best_us = best.id ? best.median_us : 0;
        if (database->version < KEYS_SINCE_VERSION)
            summary.task = database_renew_key(database, summary.task);
        if (!visitor(context, &summary))
            break;
    }
    if (status == DLT_OK)
        status = end_visit(database, code, error);
    sqlite3_reset(statement);
    return status;
}

dlt_status database_keys(struct database *database, const char *beginning, key_visitor *visitor,
                         void *context, struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, STATEMENT_KEYS, &statement, error));
    sqlite3_bind_text(statement, 1, beginning, -1, SQLITE_STATIC);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
        if (!visitor(context, database_text(statement, 0)))
            break;
    status = end_visit(database, code, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}
