/* Reading without leaving a trace.
 *
 * A reader of a file with a write-ahead log has to keep its lock table beside it, so SQLite would
 * create files there even for a pure reader, and fail in a folder that is not writable. Where there
 * is no log, all content is in the file itself, and we open it as immutable instead: no locks, no
 * files. The price is that SQLite no longer notices a writer, so we do: what was read counts only
 * if, afterwards, there is still no log and the file is still the one that was opened. Otherwise it
 * is opened again, with its log, and read again. */
#include "db/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool database_has_log(const char *path) {
    struct stat status;
    char *log = sqlite3_mprintf("%s-wal", path);
    bool has = log && stat(log, &status) == 0;
    sqlite3_free(log);
    return has;
}

bool database_changed(const struct database *database) {
    const struct stat *then = &database->signature;
    struct stat now;
    if (!database->immutable)
        return false;
    if (database_has_log(database->path) || stat(database->path, &now) != 0)
        return true;
    return now.st_ino != then->st_ino || now.st_dev != then->st_dev ||
           now.st_size != then->st_size || now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
           now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

dlt_status database_refresh(struct database *database, struct error *error) {
    if (!database_changed(database))
        return DLT_OK;
    database_disconnect(database);
    return database_connect(database, error);
}
