/* Looking for programs from where the running one is; see program.h. */
#define _GNU_SOURCE
#include "base/program.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool program_find(const char *name, const char *installed, char *path, size_t bytes) {
    static const char *const folders[] = {"", "../libexec/dltune/"};
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
    snprintf(path, bytes, "%s/%s", installed, name);
    return access(path, X_OK) == 0;
}
