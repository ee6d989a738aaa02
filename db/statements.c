/* Prepared statements: all SQL that runs on records is the table below, prepared on first use and
 * kept with the handle. */
#include "db/private.h"

#include <string.h>
#include <sys/resource.h>

#define RECORD_TABLES                                                                              \
    "record JOIN task ON task.id = task_id JOIN host ON host.id = host_id "                        \
    "JOIN generator ON generator.id = generator_id"
#define MODEL_COLUMNS "model.name, target, host.name, features, records, created"
/* Reading records; a file of an older version has no checksums. */
#define READ_RECORD(checksum)                                                                      \
    "SELECT record.id, " RECORD_VALUES ", " checksum " FROM " RECORD_TABLES " WHERE record.id = "  \
    "?1"
#define VISIT_TASK(checksum, has_key)                                                              \
    "SELECT record.id, " RECORD_VALUES ", " checksum " FROM " RECORD_TABLES                        \
    " WHERE task_id IN (SELECT id FROM task WHERE " has_key ") ORDER BY record.id"
#define HAS_KEY "key = ?1"
/* in files that may have keys in an older form */
#define HAS_KEY_IN_ANY_FORM                                                                        \
    "key = ?1 OR (key GLOB 'expression *' AND ?1 GLOB 'expression *' AND renewed_key(key) = ?1)"
/* CROSS JOIN keeps the order of the tables: records in order of id, without sorting them. */
#define VISIT_ALL(checksum)                                                                        \
    "SELECT record.id, " RECORD_VALUES ", " checksum                                               \
    " FROM record CROSS JOIN task ON task.id = task_id "                                           \
    "CROSS JOIN host ON host.id = host_id CROSS JOIN generator ON generator.id = generator_id "    \
    "ORDER BY record.id"
#define QUALITY_COLUMNS                                                                            \
    "judged, analytic_pairwise, analytic_peak1, analytic_peak5, model_pairwise, model_peak1, "     \
    "model_peak5"
#define VISIT_RUNS(quality)                                                                        \
    "SELECT task.key, host.name, generator.name, strategy, seed, trials, seconds, best_us, "       \
    "created, identity, " quality " FROM run CROSS JOIN task ON task.id = task_id "                \
    "CROSS JOIN host ON host.id = host_id CROSS JOIN generator ON generator.id = generator_id "    \
    "ORDER BY run.id"
/* The condition of the index record_best: SQLite uses it only where these words occur. */
#define IS_RIGHT "outcome = 'ok' AND verified = 1"

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
        "finalist, seed, created, checksum) VALUES(?1, (SELECT id FROM task WHERE key = ?2), "
        "(SELECT id FROM host WHERE name = ?3), (SELECT id FROM generator WHERE name = ?4), "
        "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) "
        "ON CONFLICT(identity) DO NOTHING",
    [STATEMENT_FIND_TASK] = "SELECT id FROM task WHERE " HAS_KEY,
    [STATEMENT_FIND_HOST] = "SELECT id FROM host WHERE name = ?1",
    [STATEMENT_FIND_GENERATOR] = "SELECT id FROM generator WHERE name = ?1",
    /* The fastest of the next kind (host, generator, finalist or not) of right records. SQLite
     * seeks the first row that is not below the values, so no row may have just these: no time is
     * infinite, and the rows of the kind before are not walked through. */
    [STATEMENT_FIND_HEAD] =
        "SELECT host_id, generator_id, finalist, id, median_us FROM record WHERE task_id = ?1 AND "
        "(host_id, generator_id, finalist, median_us) > (?2, ?3, ?4, 9e999) AND " IS_RIGHT
        " ORDER BY host_id, generator_id, finalist, median_us, id LIMIT 1",
    [STATEMENT_READ_RECORD] = READ_RECORD("checksum"),
    [STATEMENT_VISIT_TASK] = VISIT_TASK("checksum", HAS_KEY),
    [STATEMENT_VISIT_ALL] = VISIT_ALL("checksum"),
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
        "INSERT INTO model(name, target, host_id, features, records, created, bytes) "
        "VALUES(?1, ?2, (SELECT id FROM host WHERE name = ?3), ?4, ?5, ?6, ?7) "
        "ON CONFLICT(name, target, features, host_id) DO UPDATE SET records = excluded.records, "
        "created = excluded.created, bytes = excluded.bytes WHERE excluded.created >= created",
    [STATEMENT_FIND_MODEL] =
        "SELECT " MODEL_COLUMNS ", bytes FROM model JOIN host ON host.id = host_id "
        "WHERE model.name = ?1 AND target = ?2 AND features = ?3 "
        "ORDER BY host.name = ?4 DESC, created DESC, model.id LIMIT 1",
    [STATEMENT_VISIT_MODELS] =
        "SELECT " MODEL_COLUMNS ", bytes FROM model JOIN host ON host.id = host_id "
        "ORDER BY model.name, target, features, host.name",
    [STATEMENT_ADD_RUN] =
        "INSERT INTO run(identity, task_id, host_id, generator_id, strategy, seed, "
        "trials, seconds, best_us, created, " QUALITY_COLUMNS ") "
        "VALUES(?1, (SELECT id FROM task WHERE key = ?2), "
        "(SELECT id FROM host WHERE name = ?3), (SELECT id FROM generator WHERE name = ?4), "
        "?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) "
        "ON CONFLICT(identity) DO NOTHING",
    [STATEMENT_VISIT_RUNS] = VISIT_RUNS(QUALITY_COLUMNS),
    [STATEMENT_PRUNE] =
        "DELETE FROM record WHERE id NOT IN (SELECT id FROM (SELECT id, row_number() OVER "
        "(PARTITION BY task_id, host_id, generator_id, finalist ORDER BY median_us, id) AS place "
        "FROM record WHERE " IS_RIGHT ") WHERE place <= ?1)",
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

enum {
    MAX_OLDER_FORMS = 2
};

/* In place of those above, for files of older versions that are opened for reading. */
static const struct {
    int since; /* the version that has what is missing; the oldest comes first */
    const char *sql;
} sql_before[STATEMENT_COUNT][MAX_OLDER_FORMS] = {
    [STATEMENT_FIND_TASK] = {{KEYS_SINCE_VERSION,
                              "SELECT id FROM task WHERE " HAS_KEY_IN_ANY_FORM}},
    [STATEMENT_READ_RECORD] = {{CHECKSUMS_SINCE_VERSION, READ_RECORD("NULL")}},
    [STATEMENT_VISIT_TASK] = {{CHECKSUMS_SINCE_VERSION, VISIT_TASK("NULL", HAS_KEY_IN_ANY_FORM)},
                              {KEYS_SINCE_VERSION, VISIT_TASK("checksum", HAS_KEY_IN_ANY_FORM)}},
    [STATEMENT_VISIT_ALL] = {{CHECKSUMS_SINCE_VERSION, VISIT_ALL("NULL")}},
    [STATEMENT_VISIT_RUNS] = {{QUALITY_SINCE_VERSION,
                               VISIT_RUNS("0, NULL, NULL, NULL, NULL, NULL, NULL")}},
};

static const char *sql_of(const struct database *database, enum statement which) {
    for (int i = 0; i < MAX_OLDER_FORMS; i++)
        if (database->version < sql_before[which][i].since)
            return sql_before[which][i].sql;
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
