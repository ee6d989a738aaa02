/* A chunked bump allocator; see arena.h for the idea and for what happens when memory runs out. */
#include "base/arena.h"

#include "base/plain.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_BYTES = 64 * 1024,
    ALIGNMENT = 16
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t bytes; /* of data */
    _Alignas(ALIGNMENT) char data[];
};

void arena_initialise(struct arena *arena) {
    memset(arena, 0, sizeof *arena);
}

static void free_chunks(struct arena_chunk *chunk) {
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

void arena_free(struct arena *arena) {
    free_chunks(arena->chunks);
    free_chunks(arena->unused);
    memset(arena, 0, sizeof *arena);
}

void arena_reset(struct arena *arena) {
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        chunk->next = arena->unused;
        arena->unused = chunk;
    }
    arena->next = arena->end = NULL;
    arena->used = 0;
}

static void fail(struct arena *arena) {
    if (arena->recoverable)
        longjmp(arena->recovery, 1);
    __builtin_trap();
}

static void add_chunk(struct arena *arena, size_t bytes) {
    struct arena_chunk **link = &arena->unused, *chunk;
    while (*link && (*link)->bytes < bytes)
        link = &(*link)->next;
    chunk = *link;
    if (chunk) {
        *link = chunk->next;
    } else {
        size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + size);
        if (!chunk)
            fail(arena);
        chunk->bytes = size;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->next = chunk->data;
    arena->end = chunk->data + chunk->bytes;
}

void *arena_allocate(struct arena *arena, size_t bytes) {
    void *memory;
    if (bytes > SIZE_MAX / 4)
        fail(arena);
    bytes = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (arena->limit && arena->used + bytes > arena->limit)
        fail(arena);
    if (!arena->next || (size_t)(arena->end - arena->next) < bytes)
        add_chunk(arena, bytes);
    memory = arena->next;
    arena->next += bytes;
    arena->used += bytes;
    return memset(memory, 0, bytes);
}

void *arena_allocate_array(struct arena *arena, size_t count, size_t bytes_each) {
    size_t bytes;
    if (__builtin_mul_overflow(count, bytes_each, &bytes))
        fail(arena);
    return arena_allocate(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *source, size_t bytes) {
    void *memory = arena_allocate(arena, bytes);
    return bytes ? memcpy(memory, source, bytes) : memory;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments, again;
    int length;
    char *text;
    va_start(arguments, format);
    va_copy(again, arguments);
    length = plain_format_list(NULL, 0, format, arguments);
    va_end(arguments);
    text = arena_allocate(arena, (size_t)length + 1);
    plain_format_list(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
