/* C text to an object, as bytes in memory. */
#ifndef TARGETS_JIT_OBJECT_FILE_H
#define TARGETS_JIT_OBJECT_FILE_H

#include "base/error.h"

#include <stddef.h>

struct object_file {
    char *bytes; /* malloc'ed; NULL: nothing is held */
    size_t count;
    double compile_microseconds; /* of that, reading and translating the text */
};

/* Compiles with libtcc, which does so one at a time. DLT_ERROR_COMPILE with its message. */
dlt_status object_file_create(const char *source, struct object_file *file, struct error *error);
void object_file_free(struct object_file *file);

#endif
