/* The programs that belong to this one: where they are. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* Looks for the program `name` beside the running one, as in a build folder, in libexec/dltune
 * beside the folder that it is in, as installed under any prefix, and in `installed`. */
bool program_find(const char *name, const char *installed, char *path, size_t bytes);

#endif
