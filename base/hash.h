/* Hashes of bytes and words, the same on every machine: they name kernels and seed streams.
 *
 * FNV-1a over bytes (Fowler, Noll, Vo) finished by SplitMix64's mixer (Steele, Lea, Flood 2014). */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_mix(uint64_t word);
uint64_t hash_bytes(const void *bytes, size_t count);
uint64_t hash_string(const char *string);
uint64_t hash_combine(uint64_t hash, uint64_t word);

#endif
