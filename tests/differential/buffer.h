/* Memory that ends at inaccessible pages, so that a read or write beside it is a fault. */
#ifndef DIFFERENTIAL_BUFFER_H
#define DIFFERENTIAL_BUFFER_H

#include "random.h"

#include <stdbool.h>
#include <stddef.h>

struct buffer {
    char *map; /* with the inaccessible pages */
    size_t map_bytes;
    char *data;
    size_t bytes;
};

/* Flush against the page behind it, or that before it, or an odd multiple of `alignment` away from
 * that. What is left of the accessible pages holds a pattern. False if there is no memory. */
bool buffer_create(struct buffer *buffer, size_t bytes, size_t alignment, struct random *random);
void buffer_free(struct buffer *buffer); /* zeroed ones too */

/* From here on a write is a fault. */
void buffer_protect(struct buffer *buffer);
void buffer_unprotect(struct buffer *buffer);

/* For timing: the pages beside it become accessible, as in programs they mostly are. A masked load
 * that begins in one page and could touch an inaccessible one takes some hundred cycles. */
void buffer_open_pages(struct buffer *buffer);

/* Whether the pattern beside the data is as it was. */
bool buffer_is_intact(const struct buffer *buffer);

#endif
