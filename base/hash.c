/* FNV-1a and SplitMix64's finaliser; see hash.h. */
#include "base/hash.h"

#include <string.h>

uint64_t hash_mix(uint64_t word) {
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}

uint64_t hash_bytes(const void *bytes, size_t count) {
    const unsigned char *byte = bytes;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ byte[i]) * 0x100000001b3u;
    return hash_mix(hash);
}

uint64_t hash_string(const char *string) {
    return hash_bytes(string, strlen(string));
}

uint64_t hash_combine(uint64_t hash, uint64_t word) {
    return hash_mix(hash ^ (word + 0x9e3779b97f4a7c15u));
}
