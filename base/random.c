/* xoshiro256** seeded by SplitMix64; see random.h. */
#include "base/random.h"

#include "base/hash.h"

static uint64_t rotate_left(uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
}

void random_seed(struct random *random, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        random->state[i] = hash_mix(seed);
    }
}

uint64_t random_next(struct random *random) {
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_below(struct random *random, uint64_t limit) {
    /* Rejecting the values below 2^64 mod limit leaves a multiple of limit: no bias. */
    uint64_t threshold = -limit % limit, value;
    do
        value = random_next(random);
    while (value < threshold);
    return value % limit;
}

double random_unit(struct random *random) {
    return (double)(random_next(random) >> 11) * 0x1p-53;
}
