/* The programs that belong to this one: where they are. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/error.h"

#include <stddef.h>

/* The path of the program `name`: `given` (may be NULL), else what the environment's `variable`
 * says; else it is looked for beside the running program, as in a build folder, in the folder that
 * lies from there as libexec/dltune from bin, as installed under any prefix, and where it was to be
 * installed. */
dlt_status program_find(const char *name, const char *given, const char *variable, char *path,
                        size_t bytes, struct error *error);

#endif
