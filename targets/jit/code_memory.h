/* Memory that native code runs from: never writable and executable at once. */
#ifndef TARGETS_JIT_CODE_MEMORY_H
#define TARGETS_JIT_CODE_MEMORY_H

#include "base/error.h"

#include <stddef.h>

/* Copies code into pages of its own, then makes them executable. `code` starts at a page. */
struct code_memory {
    void *code;   /* NULL: nothing is held */
    size_t bytes; /* of the mapping */
};

dlt_status code_memory_create(const void *code, size_t bytes, struct code_memory *memory,
                              struct error *error);
void code_memory_free(struct code_memory *memory); /* also of a zeroed one */

#endif
