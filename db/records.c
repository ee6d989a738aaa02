/* Adding records: what passes the gate, one short transaction each.
 *
 * With a log and synchronous = NORMAL a committed record survives a killed process; only a power
 * failure may take the last ones, and never the file. */
#include "db/private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static dlt_status check_record(const struct record *record, struct error *error) {
    return record_check_values(record, error) == DLT_OK ? DLT_OK : error_prefix(error, "record");
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text) {
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

dlt_status database_add_name(struct database *database, enum statement which, const char *name,
                             struct error *error) {
    sqlite3_stmt *statement;
    TRY(database_statement(database, which, &statement, error));
    bind_text(statement, 1, name);
    return database_step(database, statement, error);
}

static void bind_record(sqlite3_stmt *statement, const struct record *record) {
    const char *const texts[] = {record->task,    record->host,  record->generator,
                                 record->trace,   record->knobs, record->outcome,
                                 record->message, record->clock, record->layouts};
    const double numbers[] = {record->median_us, record->minimum_us, record->spread,
                              record->max_error, record->peak_gflops};
    int index = 1;
    sqlite3_bind_blob(statement, index++, record->identity, IDENTITY_BYTES, SQLITE_TRANSIENT);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bind_text(statement, index++, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sqlite3_bind_double(statement, index++, database_number(numbers[i]));
    sqlite3_bind_int(statement, index++, record->verified);
    sqlite3_bind_int(statement, index++, record->finalist);
    sqlite3_bind_int64(statement, index++, record->seed);
    sqlite3_bind_int64(statement, index++, record->created);
    sqlite3_bind_int64(statement, index++, record_checksum(record));
    sqlite3_bind_int(statement, index++, record->imported);
}

dlt_status database_new_identity(unsigned char identity[IDENTITY_BYTES], struct error *error) {
    if (getrandom(identity, IDENTITY_BYTES, 0) != IDENTITY_BYTES)
        return error_set(error, DLT_ERROR_SYSTEM, "getrandom: %s", strerror(errno));
    return DLT_OK;
}

bool identity_is_new(const unsigned char identity[IDENTITY_BYTES]) {
    for (int i = 0; i < IDENTITY_BYTES; i++)
        if (identity[i])
            return false;
    return true;
}

dlt_status database_put(struct database *database, const struct record *record,
                        struct transfer *transfer, struct error *error) {
    struct record stored = *record;
    sqlite3_stmt *statement;
    TRY(check_record(record, error));
    stored.task = database_renew_key(database, record->task);
    if (identity_is_new(stored.identity))
        TRY(database_new_identity(stored.identity, error));
    TRY(database_add_name(database, STATEMENT_ADD_TASK, stored.task, error));
    TRY(database_add_name(database, STATEMENT_ADD_HOST, record->host, error));
    TRY(database_add_name(database, STATEMENT_ADD_GENERATOR, record->generator, error));
    TRY(database_statement(database, STATEMENT_ADD_RECORD, &statement, error));
    bind_record(statement, &stored);
    TRY(database_step(database, statement, error));
    transfer->added += sqlite3_changes(database->connection);
    return DLT_OK;
}

static dlt_status add(struct database *database, void *context, struct error *error) {
    struct transfer transfer = {0};
    return database_put(database, context, &transfer, error);
}

dlt_status database_add(struct database *database, const struct record *record,
                        struct error *error) {
    if (database->mode == DATABASE_WRITE) /* else database_transact says so */
        TRY(check_record(record, error));
    return database_transact(database, add, (void *)record, error);
}

dlt_status database_take(struct database *database, const struct record *record,
                         struct transfer *transfer, struct error *error) {
    struct record taken = *record;
    dlt_status status;
    transfer->read++;
    if (identity_is_new(record->identity))
        return error_set(error, DLT_ERROR_ARGUMENT, "identity: is all zeros, which is none");
    taken.imported = true;
    taken.task = database_renew_key(database, record->task);
    status = gate_check_record(&database->gate, &taken, error);
    if (status != DLT_OK)
        return status == DLT_ERROR_MEMORY ? status : DLT_ERROR_ARGUMENT;
    return database_put(database, &taken, transfer, error);
}
