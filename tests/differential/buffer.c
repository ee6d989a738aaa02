/* Memory between inaccessible pages; see buffer.h. */
#include "buffer.h"

#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = 4096,
    PATTERN = 0x5a,
};

static char *inner(const struct buffer *buffer) {
    return buffer->map + PAGE;
}

static size_t inner_bytes(const struct buffer *buffer) {
    return buffer->map_bytes - 2 * PAGE;
}

bool buffer_create(struct buffer *buffer, size_t bytes, size_t alignment, struct random *random) {
    size_t pages = (bytes + 2 * PAGE - 1) / PAGE, spare;
    buffer->bytes = bytes;
    buffer->map_bytes = (pages + 2) * PAGE;
    buffer->map = mmap(NULL, buffer->map_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer->map == MAP_FAILED) {
        buffer->map = NULL;
        return false;
    }
    if (mprotect(inner(buffer), inner_bytes(buffer), PROT_READ | PROT_WRITE) != 0)
        return false;
    memset(inner(buffer), PATTERN, inner_bytes(buffer));
    spare = (inner_bytes(buffer) - bytes) / alignment * alignment;
    if (random_chance(random, 4))
        spare = 0;
    else if (random_chance(random, 4) && spare > 64)
        spare = (size_t)random_between(random, 1, 64 / (int64_t)alignment) * alignment;
    buffer->data = inner(buffer) + spare;
    return true;
}

void buffer_free(struct buffer *buffer) {
    if (buffer->map)
        munmap(buffer->map, buffer->map_bytes);
    memset(buffer, 0, sizeof *buffer);
}

void buffer_protect(struct buffer *buffer) {
    mprotect(inner(buffer), inner_bytes(buffer), PROT_READ);
}

void buffer_unprotect(struct buffer *buffer) {
    mprotect(inner(buffer), inner_bytes(buffer), PROT_READ | PROT_WRITE);
}

void buffer_open_pages(struct buffer *buffer) {
    if (!buffer->map || mprotect(buffer->map, buffer->map_bytes, PROT_READ | PROT_WRITE) != 0)
        return;
    memset(buffer->map, PATTERN, PAGE); /* a page that was never touched is not there either */
    memset(buffer->map + buffer->map_bytes - PAGE, PATTERN, PAGE);
}

bool buffer_is_intact(const struct buffer *buffer) {
    const char *end = inner(buffer) + inner_bytes(buffer);
    for (const char *c = inner(buffer); c < end; c++) {
        if (c == buffer->data)
            c += buffer->bytes;
        if (c < end && *c != PATTERN)
            return false;
    }
    return true;
}
