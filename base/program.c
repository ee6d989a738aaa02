/* Looking for programs from where the running one is; see program.h. */
#define _GNU_SOURCE
#include "base/program.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where it is to be installed, and from the folder of programs there. */
#ifndef DLTUNE_LIBEXEC
#define DLTUNE_LIBEXEC          "/usr/libexec/dltune"
#define DLTUNE_LIBEXEC_FROM_BIN "../libexec/dltune"
#endif

static bool search(const char *name, char *path, size_t bytes) {
    static const char *const folders[] = {"", DLTUNE_LIBEXEC_FROM_BIN "/"};
    ssize_t length = readlink("/proc/self/exe", path, bytes - 1);
    char *rest = NULL;
    if (length > 0) {
        path[length] = 0;
        rest = strrchr(path, '/');
    }
    for (int i = 0; rest && i < 2; i++) {
        snprintf(rest + 1, bytes - (size_t)(rest + 1 - path), "%s%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    snprintf(path, bytes, "%s/%s", DLTUNE_LIBEXEC, name);
    return access(path, X_OK) == 0;
}

dlt_status program_find(const char *name, const char *given, const char *variable, char *path,
                        size_t bytes, struct error *error) {
    const char *chosen = given ? given : getenv(variable);
    if (chosen && *chosen) {
        snprintf(path, bytes, "%s", chosen);
        if (access(path, X_OK) == 0)
            return DLT_OK;
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s is no program", given ? name : variable,
                         chosen);
    }
    if (search(name, path, bytes))
        return DLT_OK;
    return error_set(error, DLT_ERROR_SYSTEM,
                     "%s is neither beside the program, nor in %s from there, nor in %s; %s may "
                     "say where it is",
                     name, DLTUNE_LIBEXEC_FROM_BIN, DLTUNE_LIBEXEC, variable);
}
