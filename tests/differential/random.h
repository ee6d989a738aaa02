/* Random numbers of the differential test: a case's seed gives the same case everywhere. The
 * generator is splitmix64. */
#ifndef DIFFERENTIAL_RANDOM_H
#define DIFFERENTIAL_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
    uint64_t state;
};

static inline uint64_t random_bits(struct random *random) {
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* lowest .. highest */
static inline int64_t random_between(struct random *random, int64_t lowest, int64_t highest) {
    return lowest + (int64_t)(random_bits(random) % (uint64_t)(highest - lowest + 1));
}

/* Once in `of`. */
static inline bool random_chance(struct random *random, int of) {
    return random_between(random, 1, of) == 1;
}

/* 0 <= x < 1 */
static inline double random_unit(struct random *random) {
    return (double)(random_bits(random) >> 11) * 0x1p-53;
}

#endif
