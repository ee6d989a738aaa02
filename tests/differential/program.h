/* Running other programs. */
#ifndef DIFFERENTIAL_PROGRAM_H
#define DIFFERENTIAL_PROGRAM_H

#include <stdbool.h>

/* Runs a program found by its name; words end with NULL. Both outputs go to a file. Answers the
 * exit status, 128 + signal, or -1 if it could not be started. */
int program_run(const char *const *words, const char *output);
/* The same with `folder` as the working directory. */
int program_run_in(const char *folder, const char *const *words, const char *output);

bool program_make_folder(const char *path);

#endif
