/* The table of what a search has met; see seen.h. */
#include "search/seen.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

void seen_initialise(struct seen *seen, size_t key_bytes) {
    *seen = (struct seen){.key_bytes = key_bytes};
}

void seen_free(struct seen *seen) {
    free(seen->keys);
    free(seen->scores);
    free(seen->slots);
    *seen = (struct seen){.key_bytes = seen->key_bytes};
}

/* The slot that holds the key, or the free one where it belongs. */
static int64_t find_slot(const struct seen *seen, const void *key) {
    uint64_t mask = (uint64_t)seen->capacity * 2 - 1;
    uint64_t slot = hash_bytes(key, seen->key_bytes) & mask;
    while (seen->slots[slot] >= 0 &&
           memcmp(seen->keys + (size_t)seen->slots[slot] * seen->key_bytes, key, seen->key_bytes))
        slot = (slot + 1) & mask;
    return (int64_t)slot;
}

int64_t seen_find(const struct seen *seen, const void *key) {
    return seen->capacity ? seen->slots[find_slot(seen, key)] : -1;
}

static bool grow(struct seen *seen) {
    int64_t capacity = seen->capacity ? seen->capacity * 2 : 256;
    unsigned char *keys = realloc(seen->keys, (size_t)capacity * seen->key_bytes + 1);
    if (keys)
        seen->keys = keys;
    double *scores = realloc(seen->scores, (size_t)capacity * sizeof *scores);
    if (scores)
        seen->scores = scores;
    int64_t *slots = malloc((size_t)capacity * 2 * sizeof *slots);
    if (!keys || !scores || !slots) {
        free(slots);
        return false;
    }
    memset(slots, 0xff, (size_t)capacity * 2 * sizeof *slots);
    free(seen->slots);
    seen->slots = slots;
    seen->capacity = capacity;
    for (int64_t i = 0; i < seen->count; i++)
        slots[find_slot(seen, keys + (size_t)i * seen->key_bytes)] = i;
    return true;
}

bool seen_set(struct seen *seen, const void *key, double score) {
    int64_t entry = seen_find(seen, key);
    if (entry < 0) {
        if (seen->count == seen->capacity && !grow(seen))
            return false;
        entry = seen->count++;
        seen->slots[find_slot(seen, key)] = entry;
        memcpy(seen->keys + (size_t)entry * seen->key_bytes, key, seen->key_bytes);
    }
    seen->scores[entry] = score;
    return true;
}
