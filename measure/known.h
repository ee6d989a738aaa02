/* What is known of the right result: reference elements already evaluated, and a whole output that
 * was found right.
 *
 * It lies in memory that the measurer shares with its workers, so that a worker's death does not
 * cost the evaluations; while a candidate runs it is write-protected. */
#ifndef MEASURE_KNOWN_H
#define MEASURE_KNOWN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known_element {
    int64_t offset; /* in the result's layout */
    double value, bound;
};

struct known_header {
    int64_t count;      /* of entries; written after the entry */
    double worst_bound; /* of all entries */
    int has_golden;
};

struct known {
    struct known_header *header; /* the mapping */
    struct known_element *elements;
    void *golden; /* output bytes */
    int64_t capacity;
    size_t golden_bytes, mapped_bytes;
};

/* Maps `shared` (a descriptor of a memory file that is grown as needed), or memory of its own with
 * -1, or where the file cannot grow. */
dlt_status known_map(struct known *known, int shared, int64_t capacity, size_t golden_bytes,
                     struct error *error);
void known_unmap(struct known *known);
void known_protect(const struct known *known, bool writable);

/* Adds an entry; when full, forgets it and answers false. */
bool known_add(struct known *known, const struct known_element *element);

#endif
