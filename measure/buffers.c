/* Guarded buffers; see buffers.h. */
#include "measure/buffers.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    GUARD_BYTES = 1 << 20, /* a whole row beyond the end is noticed too; costs no memory */
    MAX_REGIONS = 1024,
    STAGGER_BYTES = 1088, /* 17 lines: buffers 0, 1, 2... start on different sets of a cache */
};

static struct region regions[MAX_REGIONS];

const struct region *region_find(const void *address) {
    const char *at = address;
    for (int i = 0; i < MAX_REGIONS; i++)
        if (regions[i].used && at >= regions[i].guard_start && at < regions[i].guard_end)
            return &regions[i];
    return NULL;
}

static int region_add(void) {
    for (int i = 0; i < MAX_REGIONS; i++)
        if (!regions[i].used) {
            regions[i] = (struct region){.used = true, .writable = true};
            return i;
        }
    return -1;
}

static size_t round_up(size_t bytes, size_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

dlt_status buffer_reserve(struct guarded_buffer *buffer, const char *name, size_t bytes,
                          struct error *error) {
    /* One page more than needed leaves room to stagger. */
    size_t page = (size_t)sysconf(_SC_PAGESIZE), capacity = round_up(bytes, page) + page;
    struct region *region;
    char *mapping;
    if (buffer->base && buffer->capacity >= capacity)
        return DLT_OK;
    buffer_free(buffer);
    buffer->region = region_add();
    if (buffer->region < 0)
        return error_set(error, DLT_ERROR_MEMORY, "more than %d buffers", MAX_REGIONS);
    region = &regions[buffer->region];
    mapping = mmap(NULL, capacity + 2 * GUARD_BYTES, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        region->used = false;
        return error_set(error, DLT_ERROR_MEMORY, "no memory for %s: %zu bytes", name, bytes);
    }
    buffer->base = mapping + GUARD_BYTES;
    buffer->capacity = capacity;
    buffer->number = buffer->region;
    snprintf(region->name, sizeof region->name, "%s", name);
    region->guard_start = mapping;
    region->guard_end = mapping + capacity + 2 * GUARD_BYTES;
    region->start = region->data_start = buffer->base;
    region->end = region->data_end = buffer->base + capacity;
    if (mprotect(buffer->base, capacity, PROT_READ | PROT_WRITE) != 0) {
        buffer_free(buffer);
        return error_set(error, DLT_ERROR_MEMORY, "no memory for %s: %zu bytes", name, bytes);
    }
    return DLT_OK;
}

void buffer_populate(const struct guarded_buffer *buffer, bool large_pages) {
    if (!buffer->base)
        return;
    if (large_pages) /* a wish, as what follows */
        madvise(buffer->base, buffer->capacity, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
    madvise(buffer->base, buffer->capacity, MADV_POPULATE_WRITE);
#endif
}

void buffer_free(struct guarded_buffer *buffer) {
    if (!buffer->base)
        return;
    regions[buffer->region].used = false;
    munmap(buffer->base - GUARD_BYTES, buffer->capacity + 2 * GUARD_BYTES);
    *buffer = (struct guarded_buffer){0};
}

void *buffer_place(const struct guarded_buffer *buffer, size_t bytes, size_t alignment,
                   enum placement placement) {
    struct region *region = &regions[buffer->region];
    char *data = buffer->base;
    if (placement == PLACE_AT_END)
        data += (buffer->capacity - bytes) & ~(alignment - 1);
    else if (placement == PLACE_ALIGNED) /* the page to spare is larger than any stagger */
        data += (size_t)buffer->number * STAGGER_BYTES % 4096 & ~(size_t)63;
    region->data_start = data;
    region->data_end = data + bytes;
    return data;
}

void buffer_protect(struct guarded_buffer *buffer, bool writable) {
    if (!buffer->base)
        return;
    mprotect(buffer->base, buffer->capacity, writable ? PROT_READ | PROT_WRITE : PROT_READ);
    regions[buffer->region].writable = writable;
}
