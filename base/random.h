/* Seeded random numbers, the same on every machine: the generator is part of a run's replay.
 *
 * xoshiro256** by Blackman and Vigna ("Scrambled linear pseudorandom number generators", 2018),
 * its state filled from the seed by SplitMix64. Not for secrets. One state, one thread. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random); /* 64 uniform bits */
uint64_t random_below(struct random *random,
                      uint64_t limit);     /* uniform in [0, limit), limit >= 1 */
double random_unit(struct random *random); /* uniform in [0, 1) */

#endif
