/* Where the database is if nobody says. */
#include "db/db.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    ENTRY_BYTES = 16 * 1024 /* of the password file: more than any has */
};

/* A relative folder would be another one wherever a program runs. */
static bool is_absolute(const char *path) {
    return path && *path == '/';
}

/* The default folder below a home; the answer is that of snprintf. */
static int below(char *buffer, int bytes, const char *home) {
    return snprintf(buffer, (size_t)bytes, "%s/.local/share/dltune/tune.db", home);
}

/* Below the home folder that the password file names for this user; -1 if it names none. */
static int below_own_home(char *buffer, int bytes) {
    struct passwd entry, *found = NULL;
    char *text = malloc(ENTRY_BYTES);
    int length = -1;
    if (text && getpwuid_r(getuid(), &entry, text, ENTRY_BYTES, &found) == 0 && found &&
        is_absolute(found->pw_dir))
        length = below(buffer, bytes, found->pw_dir);
    free(text);
    return length;
}

dlt_status database_default_path(char *buffer, int bytes, struct error *error) {
    const char *path = getenv("DLTUNE_DB"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length;
    if (path && *path)
        length = snprintf(buffer, (size_t)bytes, "%s", path);
    else if (is_absolute(data))
        length = snprintf(buffer, (size_t)bytes, "%s/dltune/tune.db", data);
    else
        length = is_absolute(home) ? below(buffer, bytes, home) : below_own_home(buffer, bytes);
    if (length < 0)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "database: it has no default place, since neither $HOME nor the password "
                         "file names a home folder; name a file: --db FILE, or set $DLTUNE_DB");
    if (length >= bytes)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "database: the default path has more than %d bytes", bytes - 1);
    return DLT_OK;
}
