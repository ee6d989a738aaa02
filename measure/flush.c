/* Flushing: every line of a buffer twice as large as the last cache is read and written; see
 * flush.h. A memset would not do: large ones go around the caches, and so may loops that a compiler
 * turns into one, hence the volatile access. */
#include "measure/flush.h"

#include "machine/description.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE_BYTES = 64,
    LEAST_BYTES = 32 << 20
};

struct flush {
    volatile unsigned char *bytes;
    size_t count;
};

dlt_status flush_create(struct flush **result, struct error *error) {
    struct flush *flush = calloc(1, sizeof *flush);
    struct target_description description;
    *result = NULL;
    if (!flush)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    flush->count = LEAST_BYTES;
    if (target_describe("native", &description, NULL) == DLT_OK)
        for (int level = 0; level < CACHE_LEVELS; level++)
            if ((size_t)description.caches[level].bytes > flush->count)
                flush->count = (size_t)description.caches[level].bytes;
    flush->count *= 2;
    flush->bytes = malloc(flush->count);
    if (!flush->bytes) {
        free(flush);
        return error_set(error, DLT_ERROR_MEMORY, "no memory to flush the caches with");
    }
    memset((void *)flush->bytes, 1, flush->count);
    *result = flush;
    return DLT_OK;
}

void flush_free(struct flush *flush) {
    if (!flush)
        return;
    free((void *)flush->bytes);
    free(flush);
}

void flush_caches(void *context) {
    struct flush *flush = context;
    for (size_t i = 0; i < flush->count; i += LINE_BYTES)
        flush->bytes[i]++;
}
