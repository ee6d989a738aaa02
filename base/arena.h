/* Memory that is freed all at once.
 *
 * Expressions, schedules and programs are graphs of small immutable nodes with one lifetime, so
 * they live in an arena: a list of chunks with a bump pointer. Nothing in it is freed alone.
 *
 * Out of memory: code that builds graphs would drown in checks, so arena_allocate never returns
 * NULL. It leaves by longjmp to the arena's recovery point instead. Every function at the edge of
 * the library that creates or fills an arena sets one first:
 *
 *     if (arena_recover(arena))
 *         return error_set(error, DLT_ERROR_MEMORY, "out of memory");
 *
 * (arena_recover is setjmp: it answers 0 when set, 1 when control comes back.) Between a recovery
 * point and its last allocation a function holds nothing but arena memory. Without a recovery point
 * the arena aborts by a null-pointer trap; tests rely on that to find a missing one.
 * One arena belongs to one thread at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first; the newest is the one being filled */
    struct arena_chunk *unused; /* kept by arena_reset for the next filling */
    char *next, *end;           /* the free part of the newest chunk */
    size_t used;                /* bytes handed out since creation or reset */
    size_t limit;               /* 0, or the most bytes it may hand out (tests starve it) */
    bool recoverable;           /* recovery is set */
    jmp_buf recovery;
};

void arena_initialise(struct arena *arena);
void arena_free(struct arena *arena);  /* also of a zeroed arena */
void arena_reset(struct arena *arena); /* forgets all content, keeps the chunks for reuse */

/* Zeroed memory aligned to 16 bytes. Never NULL; see above. */
void *arena_allocate(struct arena *arena, size_t bytes);
void *arena_allocate_array(struct arena *arena, size_t count, size_t bytes_each);
void *arena_copy(struct arena *arena, const void *source, size_t bytes);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ARENA_NEW(arena, type) ((type *)arena_allocate((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
    ((type *)arena_allocate_array((arena), (count), sizeof(type)))

#define arena_recover(arena) ((arena)->recoverable = true, setjmp((arena)->recovery))

#endif
