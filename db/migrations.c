/* The schema and its history.
 *
 * `user_version` in the file's header counts the scripts below that the file has been through.
 * Opening for writing runs the missing ones in one transaction; reading does without what a file of
 * an older version lacks. A script that was released never
 * changes; a new schema is a new script at the end. docs/database.md explains the tables. */
#include "db/private.h"

#include <stddef.h>

/* What record_checksum takes behind a record's identity and key. */
#define RECORD_REST                                                                                \
    "host.name, generator.name, trace, knobs, outcome, message, clock, layouts, median_us, "       \
    "minimum_us, spread, max_error, peak_gflops, verified, finalist, seed, record.created"

static const char *const scripts[] = {
    /* 1: tasks, hosts, generators, records */
    "CREATE TABLE task(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
    "CREATE TABLE host(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE generator(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE record("
    "  id INTEGER PRIMARY KEY,"
    "  identity BLOB NOT NULL UNIQUE,"
    "  task_id INTEGER NOT NULL REFERENCES task,"
    "  host_id INTEGER NOT NULL REFERENCES host,"
    "  generator_id INTEGER NOT NULL REFERENCES generator,"
    "  trace TEXT NOT NULL,"
    "  knobs TEXT NOT NULL,"
    "  outcome TEXT NOT NULL,"
    "  message TEXT,"
    "  clock TEXT NOT NULL,"
    "  layouts TEXT NOT NULL,"
    "  median_us REAL NOT NULL,"
    "  minimum_us REAL NOT NULL,"
    "  spread REAL NOT NULL,"
    "  max_error REAL NOT NULL,"
    "  peak_gflops REAL NOT NULL,"
    "  verified INTEGER NOT NULL,"
    "  finalist INTEGER NOT NULL,"
    "  seed INTEGER NOT NULL,"
    "  created INTEGER NOT NULL);"
    "CREATE INDEX record_task ON record(task_id);"
    "CREATE INDEX record_best ON record(task_id, host_id, generator_id, finalist, median_us)"
    "  WHERE outcome = 'ok' AND verified = 1;",
    /* 2: cost models, and runs of the tuner */
    "CREATE TABLE model("
    "  id INTEGER PRIMARY KEY,"
    "  name TEXT NOT NULL,"
    "  target TEXT NOT NULL,"
    "  host_id INTEGER NOT NULL REFERENCES host,"
    "  features TEXT NOT NULL,"
    "  records INTEGER NOT NULL,"
    "  created INTEGER NOT NULL,"
    "  bytes BLOB NOT NULL,"
    "  UNIQUE(name, target, features, host_id));"
    "CREATE TABLE run("
    "  id INTEGER PRIMARY KEY,"
    "  identity BLOB NOT NULL UNIQUE,"
    "  task_id INTEGER NOT NULL REFERENCES task,"
    "  host_id INTEGER NOT NULL REFERENCES host,"
    "  generator_id INTEGER NOT NULL REFERENCES generator,"
    "  strategy TEXT NOT NULL,"
    "  seed INTEGER NOT NULL,"
    "  trials INTEGER NOT NULL,"
    "  seconds REAL NOT NULL,"
    "  best_us REAL NOT NULL,"
    "  created INTEGER NOT NULL);"
    "CREATE INDEX run_task ON run(task_id);",
    /* 3: checksums of records */
    "ALTER TABLE record ADD COLUMN checksum INTEGER;"
    "UPDATE record SET checksum = (SELECT record_checksum(record.identity, task.key, host.name,"
    "  generator.name, trace, knobs, outcome, message, clock, layouts, median_us, minimum_us,"
    "  spread, max_error, peak_gflops, verified, finalist, seed, record.created)"
    "  FROM task, host, generator"
    "  WHERE task.id = task_id AND host.id = host_id AND generator.id = generator_id);",
    /* 4: how well the model ranked what a run measured; NULL where it was not judged */
    "ALTER TABLE run ADD COLUMN judged INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE run ADD COLUMN analytic_pairwise REAL;"
    "ALTER TABLE run ADD COLUMN analytic_peak1 REAL;"
    "ALTER TABLE run ADD COLUMN analytic_peak5 REAL;"
    "ALTER TABLE run ADD COLUMN model_pairwise REAL;"
    "ALTER TABLE run ADD COLUMN model_peak1 REAL;"
    "ALTER TABLE run ADD COLUMN model_peak5 REAL;",
    /* 5: keys of expressions in the form of this version; a damaged record stays one */
    "CREATE TEMP TABLE older AS SELECT id, key, renewed_key(key) AS renewed FROM task"
    "  WHERE key GLOB 'expression *';"
    "DELETE FROM older WHERE renewed = key;"
    "INSERT OR IGNORE INTO task(key) SELECT renewed FROM older;"
    "UPDATE record SET task_id = task.id, checksum = CASE WHEN checksum ="
    "    record_checksum(record.identity, older.key, " RECORD_REST ")"
    "  THEN record_checksum(record.identity, task.key, " RECORD_REST ") ELSE checksum END"
    "  FROM older, task, host, generator"
    "  WHERE older.id = task_id AND task.key = renewed AND host.id = host_id AND"
    "  generator.id = generator_id;"
    "UPDATE run SET task_id = task.id FROM older, task"
    "  WHERE older.id = task_id AND task.key = renewed;"
    "DELETE FROM task WHERE id IN (SELECT id FROM older) AND"
    "  id NOT IN (SELECT task_id FROM record) AND id NOT IN (SELECT task_id FROM run);"
    "DROP TABLE older;",
    /* 6: what was taken in from other files, which comes behind what was measured into this one;
     * checksums of models */
    "ALTER TABLE record ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX IF EXISTS record_best;"
    "CREATE INDEX record_best ON record(task_id, host_id, generator_id, imported, finalist,"
    "  median_us) WHERE outcome = 'ok' AND verified = 1;"
    "ALTER TABLE model ADD COLUMN checksum INTEGER;",
};

enum {
    OLDEST_READABLE_VERSION = 1, /* has the tables of records as they are today */
};
_Static_assert(NEWEST_VERSION == sizeof scripts / sizeof scripts[0], "one script a version");

static dlt_status read_numbers(struct database *database, const char *query, int count,
                               int64_t *numbers, struct error *error) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database->connection, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    for (int i = 0; i < count && code == SQLITE_ROW; i++)
        numbers[i] = sqlite3_column_int64(statement, i);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW ? DLT_OK : database_fail(database, code, error);
}

static dlt_status execute(struct database *database, const char *statements, struct error *error) {
    int code = sqlite3_exec(database->connection, statements, NULL, NULL, NULL);
    return code == SQLITE_OK ? DLT_OK : database_fail(database, code, error);
}

/* Whose file it is and of what version; refuses those of others and of the future. */
static dlt_status identify(struct database *database, int64_t *version, bool *empty,
                           struct error *error) {
    int64_t numbers[3]; /* in one statement: another process may be creating the file meanwhile */
    TRY(read_numbers(database,
                     "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version"
                     " FROM pragma_application_id, pragma_user_version",
                     3, numbers, error));
    int64_t tables = numbers[0], application = numbers[1];
    *version = numbers[2];
    *empty = !tables && !application && !*version;
    if (*empty)
        return DLT_OK;
    if (application != DATABASE_APPLICATION_ID)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: an SQLite database, but not one of dltune (application_id %lld)",
                         database->path, (long long)application);
    if (*version > NEWEST_VERSION)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: schema version %lld was written by a newer dltune; this one knows "
                         "versions up to %d",
                         database->path, (long long)*version, NEWEST_VERSION);
    if (*version < 0)
        return error_set(error, DLT_ERROR_DATABASE, "%s: schema version %lld does not exist",
                         database->path, (long long)*version);
    return DLT_OK;
}

/* Switching a fresh file to a log takes the file for itself, and SQLite answers "busy" at once
 * where waiting for each other could never end; so we wait. */
static dlt_status use_log(struct database *database, struct error *error) {
    int code = SQLITE_BUSY;
    for (int waited = 0; code == SQLITE_BUSY && waited < DATABASE_BUSY_MILLISECONDS; waited += 5) {
        code = sqlite3_exec(database->connection, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (code == SQLITE_BUSY)
            sqlite3_sleep(5);
    }
    if (code != SQLITE_OK)
        return database_fail(database, code, error);
    return execute(database, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", error);
}

/* Runs the missing scripts; called inside a transaction that may write. */
static dlt_status run_scripts(struct database *database, struct error *error) {
    char header[96];
    int64_t version = 0;
    bool empty;
    TRY(identify(database, &version, &empty,
                 error)); /* again: another process may have been first */
    while (version < NEWEST_VERSION)
        TRY(execute(database, scripts[version++], error));
    sqlite3_snprintf(sizeof header, header, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                     DATABASE_APPLICATION_ID, NEWEST_VERSION);
    return execute(database, header, error);
}

static dlt_status migrate_for_writing(struct database *database, int64_t version,
                                      struct error *error) {
    TRY(use_log(database, error));
    if (version == NEWEST_VERSION)
        return DLT_OK;
    TRY(execute(database, "BEGIN IMMEDIATE", error));
    dlt_status status = run_scripts(database, error);
    if (status == DLT_OK)
        status = execute(database, "COMMIT", error);
    if (status != DLT_OK)
        sqlite3_exec(database->connection, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

dlt_status database_migrate(struct database *database, struct error *error) {
    int64_t version = 0;
    bool empty = false;
    TRY(identify(database, &version, &empty, error));
    database->version = database->mode == DATABASE_WRITE ? NEWEST_VERSION : (int)version;
    if (database->mode == DATABASE_WRITE)
        return migrate_for_writing(database, version, error);
    if (empty)
        return error_set(error, DLT_ERROR_DATABASE, "%s: not a database of dltune (it is empty)",
                         database->path);
    if (version < OLDEST_READABLE_VERSION)
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: schema version %lld is older than %d; tune into it or merge it once "
                         "to bring it up to date",
                         database->path, (long long)version, OLDEST_READABLE_VERSION);
    return DLT_OK;
}
