/* Memory that native code runs from: never writable and executable at once. */
#ifndef TARGETS_JIT_CODE_MEMORY_H
#define TARGETS_JIT_CODE_MEMORY_H

#include "base/error.h"

#include <stddef.h>

struct code_memory {
    void *code;   /* starts at a page; NULL: nothing is held */
    size_t bytes; /* of the mapping */
};

/* Zeroed pages to be filled, then sealed: from there on they may be executed, no longer written. */
dlt_status code_memory_open(size_t bytes, struct code_memory *memory, struct error *error);
dlt_status code_memory_seal(const struct code_memory *memory, struct error *error);

/* Both, with a copy of the code between. */
dlt_status code_memory_create(const void *code, size_t bytes, struct code_memory *memory,
                              struct error *error);
void code_memory_free(struct code_memory *memory); /* also of a zeroed one */

#endif
