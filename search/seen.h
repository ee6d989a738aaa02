/* What a search has met: keys of a fixed number of bytes, each with a score.
 *
 * Used for points (one byte a knob) and for traces (their hash). Open addressing with linear
 * probing; entries are numbered in the order they came, so walking them is deterministic. */
#ifndef SEARCH_SEEN_H
#define SEARCH_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen {
    size_t key_bytes;
    int64_t count, capacity; /* entries; slots are twice the capacity */
    unsigned char *keys;     /* capacity * key_bytes */
    double *scores;
    int64_t *slots; /* numbers of entries, -1 for none */
};

void seen_initialise(struct seen *seen, size_t key_bytes);
void seen_free(struct seen *seen);

/* The number of an entry, or -1. */
int64_t seen_find(const struct seen *seen, const void *key);

/* Adds a key that is not there, or changes the score of one that is. False if out of memory. */
bool seen_set(struct seen *seen, const void *key, double score);

#endif
