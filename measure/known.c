/* The shared memory of known elements; see known.h. */
#include "measure/known.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t round_to_page(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

dlt_status known_map(struct known *known, int shared, int64_t capacity, size_t golden_bytes,
                     struct error *error) {
    size_t entries_at = round_to_page(sizeof(struct known_header));
    size_t golden_at = entries_at + round_to_page((size_t)capacity * sizeof(struct known_element));
    size_t bytes = golden_at + round_to_page(golden_bytes + 1);
    char *mapping;
    if (shared >= 0 && ftruncate(shared, (off_t)bytes) != 0)
        shared = -1; /* a limit of file sizes, perhaps: what is known dies with the worker, then */
    mapping =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE,
             shared >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, shared, 0);
    if (mapping == MAP_FAILED)
        return error_set(error, DLT_ERROR_MEMORY, "no memory for %zu bytes of reference", bytes);
    known->header = (struct known_header *)mapping;
    known->elements = (struct known_element *)(mapping + entries_at);
    known->golden = mapping + golden_at;
    known->capacity = capacity;
    known->golden_bytes = golden_bytes;
    known->mapped_bytes = bytes;
    return DLT_OK;
}

void known_unmap(struct known *known) {
    if (known->header)
        munmap(known->header, known->mapped_bytes);
    memset(known, 0, sizeof *known);
}

void known_protect(const struct known *known, bool writable) {
    if (known->header)
        mprotect(known->header, known->mapped_bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

bool known_add(struct known *known, const struct known_element *element) {
    if (element->bound > known->header->worst_bound)
        known->header->worst_bound = element->bound;
    if (known->header->count == known->capacity)
        return false;
    known->elements[known->header->count] = *element;
    known->header->count++;
    return true;
}
