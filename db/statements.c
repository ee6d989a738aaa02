/* Prepared statements: all SQL that runs on records is the table below, prepared on first use and
 * kept with the handle. */
#include "db/private.h"

#include <string.h>
#include <sys/resource.h>

#define RECORD_TABLES                                                                              \
    "record JOIN task ON task.id = task_id JOIN host ON host.id = host_id "                        \
    "JOIN generator ON generator.id = generator_id"
#define MODEL_VALUES "model.name, target, host.name, features, records, created, bytes"
#define FIND_MODEL(checksum)                                                                       \
    "SELECT " MODEL_VALUES ", " checksum ", model.id FROM model "                                  \
    "JOIN host ON host.id = host_id WHERE model.name = ?1 AND target = ?2 AND features = ?3 "      \
    "ORDER BY host.name = ?4 DESC, created DESC, model.id"
#define VISIT_MODELS(checksum)                                                                     \
    "SELECT " MODEL_VALUES ", " checksum ", model.id FROM model "                                  \
    "JOIN host ON host.id = host_id ORDER BY model.name, target, features, host.name"
/* Reading records; a file of an older version has no checksums, or does not say what was taken in.
 */
#define READ_RECORD(more)                                                                          \
    "SELECT record.id, " RECORD_VALUES ", " more " FROM " RECORD_TABLES " WHERE record.id = ?1"
#define VISIT_TASK(more, has_key)                                                                  \
    "SELECT record.id, " RECORD_VALUES ", " more " FROM " RECORD_TABLES                            \
    " WHERE task_id IN (SELECT id FROM task WHERE " has_key ") ORDER BY record.id"
#define HAS_KEY "key = ?1"
/* in files that may have keys in an older form */
#define HAS_KEY_IN_ANY_FORM                                                                        \
    "key = ?1 OR (key GLOB 'expression *' AND ?1 GLOB 'expression *' AND renewed_key(key) = ?1)"
/* CROSS JOIN keeps the order of the tables: records in order of id, without sorting them. */
#define VISIT_ALL(more)                                                                            \
    "SELECT record.id, " RECORD_VALUES ", " more                                                   \
    " FROM record CROSS JOIN task ON task.id = task_id "                                           \
    "CROSS JOIN host ON host.id = host_id CROSS JOIN generator ON generator.id = generator_id "    \
    "ORDER BY record.id"
#define QUALITY_COLUMNS                                                                            \
    "judged, analytic_pairwise, analytic_peak1, analytic_peak5, model_pairwise, model_peak1, "     \
    "model_peak5"
#define VISIT_RUNS(quality)                                                                        \
    "SELECT task.key, host.name, generator.name, strategy, seed, trials, seconds, best_us, "       \
    "created, identity, " quality ", run.id FROM run CROSS JOIN task ON task.id = task_id "        \
    "CROSS JOIN host ON host.id = host_id CROSS JOIN generator ON generator.id = generator_id "    \
    "ORDER BY run.id"
/* The condition of the index record_best: SQLite uses it only where these words occur. */
#define IS_RIGHT "outcome = 'ok' AND verified = 1"
/* A time that is a number: text, blobs and NULL are not below infinity. */
#define HAS_TIME "median_us > 0 AND median_us < 9e999"
/* The next right record behind (host, generator, imported, finalist, time, id), ?2 to ?7. What is
 * compared is of the types that it is read as, so each answer lies behind the one before it and
 * going through them comes to an end, whatever the file holds. SQLite seeks the first row that is
 * not below the values; infinity as the time leads behind all of a kind. */
#define FIND_NEXT(imported, column, value)                                                         \
    "SELECT host_id, generator_id, " imported ", finalist, median_us, id FROM record "             \
    "WHERE task_id = ?1 AND (host_id, generator_id, " column "finalist, median_us, id) > "         \
    "(?2, ?3, " value "?5, ?6, ?7) AND " IS_RIGHT " AND " HAS_TIME                                 \
    " AND typeof(host_id) = 'integer' AND typeof(generator_id) = 'integer' "                       \
    "AND typeof(finalist) = 'integer' AND typeof(" imported ") = 'integer' "                       \
    "ORDER BY host_id, generator_id, " column "finalist, median_us, id LIMIT 1"

static const char *const sql[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_ADD_TASK] = "INSERT OR IGNORE INTO task(key) VALUES(?1)",
    [STATEMENT_ADD_HOST] = "INSERT OR IGNORE INTO host(name) VALUES(?1)",
    [STATEMENT_ADD_GENERATOR] = "INSERT OR IGNORE INTO generator(name) VALUES(?1)",
    [STATEMENT_ADD_RECORD] =
        "INSERT INTO record(identity, task_id, host_id, generator_id, trace, knobs, outcome, "
        "message, clock, layouts, median_us, minimum_us, spread, max_error, peak_gflops, verified, "
        "finalist, seed, created, checksum, imported) VALUES(?1, (SELECT id FROM task WHERE key = "
        "?2), "
        "(SELECT id FROM host WHERE name = ?3), (SELECT id FROM generator WHERE name = ?4), "
        "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21) "
        "ON CONFLICT(identity) DO NOTHING",
    [STATEMENT_FIND_TASK] = "SELECT id FROM task WHERE " HAS_KEY,
    [STATEMENT_FIND_HOST] = "SELECT id FROM host WHERE name = ?1",
    [STATEMENT_FIND_GENERATOR] = "SELECT id FROM generator WHERE name = ?1",
    [STATEMENT_FIND_NEXT] = FIND_NEXT("imported", "imported, ", "?4, "),
    [STATEMENT_READ_RECORD] = READ_RECORD("checksum, imported"),
    [STATEMENT_VISIT_TASK] = VISIT_TASK("checksum, imported", HAS_KEY),
    [STATEMENT_VISIT_ALL] = VISIT_ALL("checksum, imported"),
    [STATEMENT_TASKS] =
        "SELECT id, key, (SELECT count(*) FROM record WHERE task_id = task.id), "
        "(SELECT count(*) FROM record INDEXED BY record_best WHERE task_id = task.id AND " IS_RIGHT
        ") "
        "FROM task ORDER BY key",
    /* texts that begin with ?1 are those from ?1 on below ?1 followed by the last character there
     * is; so the index of the keys leads to them */
    [STATEMENT_KEYS] = "SELECT key FROM task WHERE key >= ?1 AND key < ?1 || char(1114111) "
                       "ORDER BY key",
    [STATEMENT_PUT_MODEL] =
        "INSERT INTO model(name, target, host_id, features, records, created, bytes, checksum) "
        "VALUES(?1, ?2, (SELECT id FROM host WHERE name = ?3), ?4, ?5, ?6, ?7, ?8) "
        "ON CONFLICT(name, target, features, host_id) DO UPDATE SET records = excluded.records, "
        "created = excluded.created, bytes = excluded.bytes, checksum = excluded.checksum "
        "WHERE excluded.created >= created OR checksum IS NULL OR checksum IS NOT "
        "model_checksum(name, target, ?3, features, records, created, bytes)",
    [STATEMENT_FIND_MODEL] = FIND_MODEL("checksum"),
    [STATEMENT_VISIT_MODELS] = VISIT_MODELS("checksum"),
    [STATEMENT_ADD_RUN] =
        "INSERT INTO run(identity, task_id, host_id, generator_id, strategy, seed, "
        "trials, seconds, best_us, created, " QUALITY_COLUMNS ") "
        "VALUES(?1, (SELECT id FROM task WHERE key = ?2), "
        "(SELECT id FROM host WHERE name = ?3), (SELECT id FROM generator WHERE name = ?4), "
        "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) "
        "ON CONFLICT(identity) DO NOTHING",
    [STATEMENT_VISIT_RUNS] = VISIT_RUNS(QUALITY_COLUMNS),
    [STATEMENT_PRUNE] =
        "DELETE FROM record WHERE id NOT IN (SELECT id FROM (SELECT record.id AS id, row_number() "
        "OVER (PARTITION BY task_id, host_id, generator_id, imported, finalist "
        "ORDER BY median_us, record.id) AS place FROM " RECORD_TABLES " WHERE " IS_RIGHT
        " AND " HAS_TIME " AND (checksum IS NULL OR checksum = record_checksum(" RECORD_VALUES
        "))) WHERE place <= ?1)",
    [STATEMENT_PRUNE_TASKS] = "DELETE FROM task WHERE id NOT IN (SELECT task_id FROM record) AND "
                              "id NOT IN (SELECT task_id FROM run)",
    [STATEMENT_PRUNE_HOSTS] = "DELETE FROM host WHERE id NOT IN (SELECT host_id FROM record) AND "
                              "id NOT IN (SELECT host_id FROM run) AND "
                              "id NOT IN (SELECT host_id FROM model)",
    [STATEMENT_PRUNE_GENERATORS] =
        "DELETE FROM generator WHERE id NOT IN (SELECT generator_id FROM record) AND "
        "id NOT IN (SELECT generator_id FROM run)",
    [STATEMENT_VACUUM] = "VACUUM",
};

/* In place of those above, for files of older versions that are opened for reading; of a statement
 * the oldest first. */
static const struct {
    enum statement statement;
    int since; /* the version that has what is missing */
    const char *sql;
} sql_before[] = {
    {STATEMENT_FIND_TASK, KEYS_SINCE_VERSION, "SELECT id FROM task WHERE " HAS_KEY_IN_ANY_FORM},
    {STATEMENT_FIND_NEXT, ORIGINS_SINCE_VERSION, FIND_NEXT("0", "", "")},
    {STATEMENT_READ_RECORD, CHECKSUMS_SINCE_VERSION, READ_RECORD("NULL, 0")},
    {STATEMENT_READ_RECORD, ORIGINS_SINCE_VERSION, READ_RECORD("checksum, 0")},
    {STATEMENT_VISIT_TASK, CHECKSUMS_SINCE_VERSION, VISIT_TASK("NULL, 0", HAS_KEY_IN_ANY_FORM)},
    {STATEMENT_VISIT_TASK, KEYS_SINCE_VERSION, VISIT_TASK("checksum, 0", HAS_KEY_IN_ANY_FORM)},
    {STATEMENT_VISIT_TASK, ORIGINS_SINCE_VERSION, VISIT_TASK("checksum, 0", HAS_KEY)},
    {STATEMENT_VISIT_ALL, CHECKSUMS_SINCE_VERSION, VISIT_ALL("NULL, 0")},
    {STATEMENT_VISIT_ALL, ORIGINS_SINCE_VERSION, VISIT_ALL("checksum, 0")},
    {STATEMENT_FIND_MODEL, ORIGINS_SINCE_VERSION, FIND_MODEL("NULL")},
    {STATEMENT_VISIT_MODELS, ORIGINS_SINCE_VERSION, VISIT_MODELS("NULL")},
    {STATEMENT_VISIT_RUNS, QUALITY_SINCE_VERSION,
     VISIT_RUNS("0, NULL, NULL, NULL, NULL, NULL, NULL")},
};

static const char *sql_of(const struct database *database, enum statement which) {
    for (size_t i = 0; i < sizeof sql_before / sizeof sql_before[0]; i++)
        if (sql_before[i].statement == which && database->version < sql_before[i].since)
            return sql_before[i].sql;
    return sql[which];
}

dlt_status database_statement(struct database *database, enum statement which,
                              sqlite3_stmt **statement, struct error *error) {
    sqlite3_stmt **slot = &database->statements[which];
    if (!*slot) {
        int code = sqlite3_prepare_v3(database->connection, sql_of(database, which), -1,
                                      SQLITE_PREPARE_PERSISTENT, slot, NULL);
        if (code != SQLITE_OK)
            return database_fail(database, code, error);
    }
    *statement = *slot;
    return DLT_OK;
}

dlt_status database_step(struct database *database, sqlite3_stmt *statement, struct error *error) {
    int code = sqlite3_step(statement);
    dlt_status status = DLT_OK;
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        status = database_fail(database, code, error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return status;
}

dlt_status database_run(struct database *database, enum statement which, struct error *error) {
    sqlite3_stmt *statement = NULL;
    TRY(database_statement(database, which, &statement, error));
    return database_step(database, statement, error);
}

/* SQLite would go on writing into a file that has lost its name, where nobody finds it. */
static dlt_status check_file(const struct database *database, struct error *error) {
    const struct stat *then = &database->signature;
    struct stat now;
    if (stat(database->path, &now) == 0 && now.st_ino == then->st_ino && now.st_dev == then->st_dev)
        return DLT_OK;
    return error_set(error, DLT_ERROR_DATABASE,
                     "%s: the file was removed or replaced while it was in use", database->path);
}

dlt_status database_transact(struct database *database, database_work *work, void *context,
                             struct error *error) {
    dlt_status status;
    if (database->mode != DATABASE_WRITE)
        return error_set(error, DLT_ERROR_DATABASE, "%s: was opened for reading", database->path);
    TRY(check_file(database, error));
    TRY(database_run(database, STATEMENT_BEGIN, error));
    status = work(database, context, error);
    if (status == DLT_OK)
        status = database_run(database, STATEMENT_COMMIT, error);
    if (status != DLT_OK && !sqlite3_get_autocommit(database->connection))
        database_run(database, STATEMENT_ROLLBACK, NULL);
    return status;
}

const char *database_text(sqlite3_stmt *statement, int column) {
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text ? text : "";
}

/* KiB that a file of this process may have, where that is limited and a write failed; else 0. SQLite
 * knows an I/O error only: its sqlite3_system_errno is 0 then. */
static unsigned long long file_limit(int code) {
    struct rlimit limit;
    bool write = code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_SHMSIZE ||
                 code == SQLITE_IOERR_SHMMAP || code == SQLITE_IOERR_TRUNCATE;
    if (!write || getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return (unsigned long long)limit.rlim_cur / 1024;
}

dlt_status database_fail(const struct database *database, int code, struct error *error) {
    const char *path = database->path;
    const char *words =
        database->connection ? sqlite3_errmsg(database->connection) : sqlite3_errstr(code);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: other processes kept the database locked for %d seconds", path,
                         DATABASE_BUSY_MILLISECONDS / 1000);
    case SQLITE_NOTADB:
        return error_set(error, DLT_ERROR_DATABASE, "%s: not a database of dltune", path);
    case SQLITE_CORRUPT:
        return error_set(error, DLT_ERROR_DATABASE, "%s: the database is damaged (%s)", path,
                         words);
    case SQLITE_FULL:
        return error_set(error, DLT_ERROR_DATABASE, "%s: the disk is full", path);
    case SQLITE_READONLY:
        return error_set(error, DLT_ERROR_DATABASE, "%s: the database is not writable (%s)", path,
                         words);
    case SQLITE_CANTOPEN:
        return error_set(error, DLT_ERROR_DATABASE, "%s: cannot be opened (%s)", path, words);
    case SQLITE_IOERR:
        if (file_limit(code))
            return error_set(error, DLT_ERROR_DATABASE,
                             "%s: cannot grow: files may have %llu KiB here (`ulimit -f`)", path,
                             file_limit(code));
        return error_set(error, DLT_ERROR_DATABASE, "%s: cannot be read or written (%s)", path,
                         words);
    default:
        return error_set(error, DLT_ERROR_DATABASE, "%s: %s", path, words);
    }
}
