/* Opening and closing the file: folders, modes, and refusing what is no database of ours.
 *
 * SQLite's own messages ("unable to open database file") help nobody, so what can be known about
 * the path is looked at first. */
#include "db/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder a path lies in, to be freed; NULL if out of memory. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static dlt_status create_folders(char *folder, struct error *error) {
    for (char *slash = folder + 1;; slash++) {
        char rest = *slash;
        if (rest && rest != '/')
            continue;
        *slash = 0;
        if (mkdir(folder, 0777) != 0 && errno != EEXIST)
            return error_set(error, DLT_ERROR_DATABASE, "%s: cannot create this folder: %s", folder,
                             strerror(errno));
        *slash = rest;
        if (!rest)
            return DLT_OK;
    }
}

/* What can be said of the path before SQLite sees it. `status` is only filled if it exists. */
static dlt_status look(const char *path, enum database_mode mode, bool *exists, struct stat *status,
                       struct error *error) {
    *exists = stat(path, status) == 0;
    if (!*exists && errno != ENOENT)
        return error_set(error, DLT_ERROR_DATABASE, "%s: %s", path, strerror(errno));
    if (!*exists && mode == DATABASE_READ)
        return error_set(error, DLT_ERROR_DATABASE, "%s: there is no such database", path);
    if (!*exists)
        return DLT_OK;
    if (S_ISDIR(status->st_mode))
        return error_set(error, DLT_ERROR_DATABASE, "%s: is a folder, not a database", path);
    if (!S_ISREG(status->st_mode))
        return error_set(error, DLT_ERROR_DATABASE, "%s: is no regular file", path);
    if (access(path, R_OK) != 0)
        return error_set(error, DLT_ERROR_DATABASE, "%s: not readable: %s", path, strerror(errno));
    if (mode == DATABASE_WRITE && access(path, W_OK) != 0)
        return error_set(error, DLT_ERROR_DATABASE, "%s: not writable: %s", path, strerror(errno));
    return DLT_OK;
}

/* SQLite takes a file whose last page is cut short for whole, so we look at its size. */
static dlt_status check_size(const char *path, const struct stat *status, struct error *error) {
    unsigned char header[18] = {0};
    FILE *file = fopen(path, "rb");
    size_t count = file ? fread(header, 1, sizeof header, file) : 0, page;
    if (file)
        fclose(file);
    page = (size_t)header[16] << 8 | header[17];
    if (page == 1)
        page = 65536;
    if (count < sizeof header || memcmp(header, "SQLite format 3", 16) != 0 || page < 512)
        return DLT_OK; /* SQLite says what is wrong with it */
    if (status->st_size % (off_t)page != 0 && !database_has_log(path))
        return error_set(error, DLT_ERROR_DATABASE,
                         "%s: the database is damaged (%lld bytes are not a number of whole pages)",
                         path, (long long)status->st_size);
    return DLT_OK;
}

static dlt_status prepare_folder(const char *path, struct error *error) {
    char *folder = folder_of(path);
    dlt_status status;
    if (!folder)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = create_folders(folder, error);
    if (status == DLT_OK && access(folder, W_OK | X_OK) != 0)
        status = error_set(error, DLT_ERROR_DATABASE,
                           "%s: not writable, but the database's log must be created there: %s",
                           folder, strerror(errno));
    free(folder);
    return status;
}

/* A name SQLite takes as a URI: the few bytes that mean something in one are escaped. */
static char *uri_of(const char *path, const char *query) {
    size_t length = strlen(path) * 3 + strlen(query) + 8;
    char *uri = malloc(length), *out = uri;
    if (!uri)
        return NULL;
    out += sprintf(out, "file:");
    for (; *path; path++) {
        if (strchr("%?#", *path))
            out += sprintf(out, "%%%02X", (unsigned char)*path);
        else
            *out++ = *path;
    }
    strcpy(out, query);
    return uri;
}

/* After a commit, with the length of the log. Moving its pages into the file does not make it
 * shorter while others write: then it would grow without end, and reading with it. So a long one is
 * emptied, which lets the others wait for a moment. Where that fails the next commit tries again.
 */
static int on_commit(void *context, sqlite3 *connection, const char *name, int pages) {
    enum {
        SOME_PAGES = 1000,
        MANY_PAGES = 4000
    };
    (void)context;
    if (pages >= SOME_PAGES)
        sqlite3_wal_checkpoint_v2(connection, name,
                                  pages >= MANY_PAGES ? SQLITE_CHECKPOINT_TRUNCATE
                                                      : SQLITE_CHECKPOINT_PASSIVE,
                                  NULL, NULL);
    return SQLITE_OK;
}

static dlt_status open_connection(struct database *database, struct error *error) {
    bool write = database->mode == DATABASE_WRITE;
    int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    char *uri = uri_of(database->path, database->immutable ? "?immutable=1" : "");
    int code;
    if (!uri)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    code = sqlite3_open_v2(uri, &database->connection, flags, NULL);
    free(uri);
    if (code == SQLITE_OK)
        code = database_add_functions(database->connection);
    if (code == SQLITE_OK)
        code = database_add_key_function(database->connection);
    if (code != SQLITE_OK)
        return database_fail(database, code, error);
    sqlite3_extended_result_codes(database->connection, 1);
    sqlite3_busy_timeout(database->connection, DATABASE_BUSY_MILLISECONDS);
    /* For a reader the upper levels of the trees of a million records stay in memory; a tuner,
     * which mostly adds, need not grow by every page it has written. */
    sqlite3_exec(database->connection,
                 write ? "PRAGMA cache_size = -4096" : "PRAGMA cache_size = -16384", NULL, NULL,
                 NULL);
    if (write)
        sqlite3_wal_hook(database->connection, on_commit, NULL);
    /* a reader leaves the log as it found it */
    sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !write, NULL);
    if (write && sqlite3_db_readonly(database->connection, "main") == 1)
        return error_set(error, DLT_ERROR_DATABASE, "%s: not writable", database->path);
    return DLT_OK;
}

dlt_status database_connect(struct database *database, struct error *error) {
    bool exists;
    dlt_status status = look(database->path, database->mode, &exists, &database->signature, error);
    if (status == DLT_OK && exists)
        status = check_size(database->path, &database->signature, error);
    if (status == DLT_OK && database->mode == DATABASE_WRITE)
        status = prepare_folder(database->path, error);
    database->immutable = database->mode == DATABASE_READ && !database_has_log(database->path);
    if (status == DLT_OK)
        status = open_connection(database, error);
    if (status == DLT_OK)
        status = database_migrate(database, error);
    if (status == DLT_OK && database->mode == DATABASE_WRITE &&
        stat(database->path, &database->signature) != 0)
        status = error_set(error, DLT_ERROR_DATABASE, "%s: %s", database->path, strerror(errno));
    if (status != DLT_OK)
        database_disconnect(database);
    return status;
}

void database_disconnect(struct database *database) {
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(database->statements[i]);
        database->statements[i] = NULL;
    }
    sqlite3_close(database->connection);
    database->connection = NULL;
}

dlt_status database_open(const char *path, enum database_mode mode, struct database **database,
                         struct error *error) {
    struct database *opened;
    dlt_status status;
    *database = NULL;
    if (!path || !*path)
        return error_set(error, DLT_ERROR_ARGUMENT, "database: the path is empty");
    opened = calloc(1, sizeof *opened);
    if (opened)
        opened->path = strdup(path);
    if (!opened || !opened->path) {
        free(opened);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    opened->mode = mode;
    status = database_connect(opened, error);
    if (status != DLT_OK) {
        database_close(opened);
        return status;
    }
    *database = opened;
    return DLT_OK;
}

void database_close(struct database *database) {
    if (!database)
        return;
    database_disconnect(database);
    gate_free(&database->gate);
    database_forget_key(database);
    free(database->path);
    free(database);
}
