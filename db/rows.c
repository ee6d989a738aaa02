/* Rows of records: read column by column, since SQLite keeps anything in any column, and judged by
 * the gate (gate.h). */
#include "db/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void database_identity(sqlite3_stmt *statement, int column, unsigned char *identity) {
    const void *bytes = sqlite3_column_blob(statement, column);
    memset(identity, 0, IDENTITY_BYTES);
    if (bytes && sqlite3_column_bytes(statement, column) == IDENTITY_BYTES)
        memcpy(identity, bytes, IDENTITY_BYTES);
}

/* What was asked of a record and is not there, or not so. */
static dlt_status refuse_column(const char *name, const char *what, struct error *problem) {
    return error_set(problem, DLT_ERROR_ARGUMENT, "%s: is not %s", name, what);
}

/* SQLite keeps any type in any column, whatever the schema says. */
static dlt_status check_type(sqlite3_stmt *statement, int column, const char *kinds,
                             struct error *problem) {
    static const struct {
        char kind;
        int type;
        const char *words;
    } types[] = {
        {'t', SQLITE_TEXT, "text"},      {'i', SQLITE_INTEGER, "an integer"},
        {'r', SQLITE_FLOAT, "a number"}, {'b', SQLITE_BLOB, "bytes"},
        {'n', SQLITE_NULL, "null"},
    };
    int type = sqlite3_column_type(statement, column);
    const char *words = NULL;
    for (; *kinds; kinds++)
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            if (types[i].kind != *kinds)
                continue;
            if (types[i].type == type)
                return DLT_OK;
            words = words ? words : types[i].words;
        }
    return refuse_column(sqlite3_column_name(statement, column), words, problem);
}

const char *database_whole_text(sqlite3_stmt *statement, int column) {
    const char *text = sqlite3_column_type(statement, column) == SQLITE_TEXT
                           ? (const char *)sqlite3_column_text(statement, column)
                           : NULL;
    return text && strlen(text) == (size_t)sqlite3_column_bytes(statement, column) ? text : NULL;
}

static dlt_status check_types(sqlite3_stmt *statement, struct error *problem) {
    /* id, identity, task, host, generator, trace, knobs, outcome, message, clock, layouts, five
     * times and rates, verified, finalist, seed, created, checksum, imported */
    static const char *const kinds[] = {"i",  "b", "t", "t",  "t",  "t",  "t",  "t",
                                        "tn", "t", "t", "ri", "ri", "ri", "ri", "ri",
                                        "i",  "i", "i", "i",  "in", "i"};
    for (int i = 0; i < (int)(sizeof kinds / sizeof kinds[0]); i++) {
        TRY(check_type(statement, i, kinds[i], problem));
        if (strchr(kinds[i], 't') && sqlite3_column_type(statement, i) == SQLITE_TEXT &&
            !database_whole_text(statement, i))
            return refuse_column(sqlite3_column_name(statement, i), "text", problem);
    }
    return DLT_OK;
}

static bool is_truth(int64_t number) {
    return number == 0 || number == 1;
}

/* A row of id, RECORD_VALUES, checksum and whether it was taken in; strings are the statement's
 * until its next step. DLT_ERROR_ARGUMENT: it does not pass the gate. */
static dlt_status read_row(struct database *database, sqlite3_stmt *statement,
                           struct record *record, struct error *problem) {
    int64_t truths[2], checksum;
    bool has_checksum;
    int column = 0;
    *record = (struct record){.id = sqlite3_column_int64(statement, column++)};
    TRY(check_types(statement,
                    problem)); /* reading as another type changes what SQLite says of it */
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
    for (int i = 0; i < 2; i++)
        truths[i] = sqlite3_column_int64(statement, column++);
    record->verified = truths[0] == 1;
    record->finalist = truths[1] == 1;
    record->seed = sqlite3_column_int64(statement, column++);
    record->created = sqlite3_column_int64(statement, column++);
    has_checksum = sqlite3_column_type(statement, column) == SQLITE_INTEGER;
    checksum = sqlite3_column_int64(statement, column++);
    record->imported = sqlite3_column_int64(statement, column) != 0 ||
                       (!has_checksum && database->version >= CHECKSUMS_SINCE_VERSION);
    if (identity_is_new(record->identity))
        return error_set(problem, DLT_ERROR_ARGUMENT, "has no identity");
    if (!is_truth(truths[0]) || !is_truth(truths[1]))
        return refuse_column(is_truth(truths[0]) ? "finalist" : "verified", "0 or 1", problem);
    TRY(record_check_values(record, problem));
    if (has_checksum && checksum != record_checksum(record))
        return error_set(problem, DLT_ERROR_ARGUMENT, "is not what was written");
    if (database->version < KEYS_SINCE_VERSION)
        record->task = database_renew_key(database, record->task);
    return DLT_OK;
}

void database_leave_out(struct database *database, const char *what, int64_t id,
                        const struct error *problem) {
    if (!database->left_out[0])
        snprintf(database->left_out, sizeof database->left_out, "%s %lld: %.200s", what,
                 (long long)id, problem->message);
}

const char *database_left_out(const struct database *database) {
    return database->left_out[0] ? database->left_out : NULL;
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

dlt_status database_read(struct database *database, int64_t id, enum trust trust,
                         struct record *record, struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    int code;
    TRY(database_statement(database, STATEMENT_READ_RECORD, &statement, error));
    sqlite3_bind_int64(statement, 1, id);
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        status = read_row(database, statement, record, error);
        if (status == DLT_OK && trust == TRUST_WHOLE)
            status = gate_check_record(&database->gate, record, error);
        if (status == DLT_OK)
            status = record_own(record, error);
    } else if (code == SQLITE_DONE) {
        status = error_set(error, DLT_ERROR_ARGUMENT, "is not there, or refers to what is not");
    } else {
        status = database_fail(database, code, error);
    }
    sqlite3_reset(statement);
    if (status != DLT_OK)
        memset(record, 0, sizeof *record); /* its strings are not its own */
    if (status == DLT_ERROR_MEMORY || status == DLT_ERROR_DATABASE)
        return status;
    if (status != DLT_OK) {
        database_leave_out(database, "record", id, error);
        return DLT_ERROR_ARGUMENT;
    }
    return DLT_OK;
}

dlt_status database_end_visit(struct database *database, int code, struct error *error) {
    if (database_changed(database))
        return error_set(error, DLT_ERROR_DATABASE, "%s: changed while it was read; try again",
                         database->path);
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        return database_fail(database, code, error);
    return DLT_OK;
}

dlt_status database_rows(struct database *database, const char *task, record_row_visitor *visitor,
                         void *context, struct error *error) {
    sqlite3_stmt *statement;
    dlt_status status;
    int code;
    TRY(database_refresh(database, error));
    TRY(database_statement(database, task ? STATEMENT_VISIT_TASK : STATEMENT_VISIT_ALL, &statement,
                           error));
    if (task)
        sqlite3_bind_text(statement, 1, database_renew_key(database, task), -1, SQLITE_TRANSIENT);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct error problem = {.status = DLT_OK};
        struct record record;
        bool good = read_row(database, statement, &record, &problem) == DLT_OK;
        if (!visitor(context, &record, good ? NULL : &problem))
            break;
    }
    status = database_end_visit(database, code, error);
    sqlite3_reset(statement);
    return status;
}

struct visiting {
    struct database *database;
    record_visitor *visitor;
    void *context;
};

static bool visit_good(void *context, const struct record *record, const struct error *problem) {
    const struct visiting *visiting = context;
    if (!problem)
        return visiting->visitor(visiting->context, record);
    database_leave_out(visiting->database, "record", record->id, problem);
    return true;
}

dlt_status database_records(struct database *database, const char *task, record_visitor *visitor,
                            void *context, struct error *error) {
    struct visiting visiting = {database, visitor, context};
    return database_rows(database, task, visit_good, &visiting, error);
}
