/* SLEEF's functions over an array, in the order of bench/math_speed.c. */
#ifndef BENCH_MATH_SPEED_PEERS_H
#define BENCH_MATH_SPEED_PEERS_H

typedef void math_peer(const float *x, float *y, int count); /* a multiple of 16 */

enum {
    MATH_PEERS = 7
};

extern math_peer *const math_peers_avx512[MATH_PEERS], *const math_peers_avx2[MATH_PEERS];

#endif
