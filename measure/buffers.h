/* Buffers that notice every access beyond them: mappings between two guard areas.
 *
 * A buffer is whole pages with an inaccessible area before and behind. Its data can lie flush with
 * the end (what is written one element behind faults), with the start (one element before), or
 * staggered and 64-byte aligned for timing, where every buffer on a page boundary would make loads
 * and stores of different tensors look alike to the memory unit.
 *
 * Each buffer is registered under its name so that the handler of a fault can say whose guard was
 * hit. One process, one set of buffers: the registry is global because signal handlers are. */
#ifndef MEASURE_BUFFERS_H
#define MEASURE_BUFFERS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum placement {
    PLACE_AT_END,
    PLACE_AT_START,
    PLACE_ALIGNED,
    PLACEMENT_COUNT,
};

struct guarded_buffer {
    char *base;      /* first accessible byte; NULL: none yet */
    size_t capacity; /* accessible bytes: whole pages */
    int region;      /* in the registry */
    int number;      /* staggers aligned placements */
};

/* Makes room for `bytes` (0 is allowed: all of it is guard, flush with anything). Keeps the mapping
 * if it is large enough and, for guarding both sides, of no more pages than needed where
 * `exact`. */
dlt_status buffer_reserve(struct guarded_buffer *buffer, const char *name, size_t bytes,
                          struct error *error);
/* Has its pages made at once, if all are to be written: that takes a fraction of a fault for each.
 * Large pages take a fraction of that, on virtual machines above all, but are not what programs
 * have their tensors in: not for what is timed. */
void buffer_populate(const struct guarded_buffer *buffer, bool large_pages);
void buffer_free(struct guarded_buffer *buffer);

/* Where `bytes` of data with this alignment (a power of two) lie for a placement. Data at the end
 * are moved forward to their alignment, so the guard follows within alignment - 1 bytes. */
void *buffer_place(const struct guarded_buffer *buffer, size_t bytes, size_t alignment,
                   enum placement placement);
void buffer_protect(struct guarded_buffer *buffer, bool writable);

/* What an address that faulted belongs to. Safe in a signal handler. */
struct region {
    char name[48];
    const char *start, *end;           /* accessible */
    const char *data_start, *data_end; /* last placed */
    const char *guard_start, *guard_end;
    bool used, writable;
};
const struct region *region_find(const void *address); /* or NULL */

#endif
