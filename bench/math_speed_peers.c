/* SLEEF's functions over an array, of the accuracy next to that of ours: 1 ulp, tanh 3.5. The file
 * is compiled for AVX-512 and AVX2; only what the machine has is called. */
#include "bench/math_speed_peers.h"

#include <immintrin.h>
#include <sleef.h>

#define OVER_ARRAY(name, vector, lanes, load, store, body)                                         \
    static void name(const float *x, float *y, int count) {                                        \
        for (int i = 0; i < count; i += (lanes)) {                                                 \
            vector v = load(x + i);                                                                \
            store(y + i, body);                                                                    \
        }                                                                                          \
    }

#define OVER_ARRAY16(name, body)                                                                   \
    OVER_ARRAY(name, __m512, 16, _mm512_loadu_ps, _mm512_storeu_ps, body)
#define OVER_ARRAY8(name, body) OVER_ARRAY(name, __m256, 8, _mm256_loadu_ps, _mm256_storeu_ps, body)

OVER_ARRAY16(exp16, Sleef_expf16_u10avx512f(v))
OVER_ARRAY16(log16, Sleef_logf16_u10avx512f(v))
OVER_ARRAY16(sqrt16, _mm512_sqrt_ps(v))
OVER_ARRAY16(tanh16, Sleef_tanhf16_u35avx512f(v))
OVER_ARRAY16(erf16, Sleef_erff16_u10avx512f(v))
OVER_ARRAY16(sigmoid16,
             _mm512_div_ps(_mm512_set1_ps(1),
                           _mm512_add_ps(_mm512_set1_ps(1),
                                         Sleef_expf16_u10avx512f(_mm512_sub_ps(_mm512_setzero_ps(),
                                                                               v)))))
OVER_ARRAY16(gelu16,
             _mm512_mul_ps(_mm512_mul_ps(_mm512_set1_ps(0.5F), v),
                           _mm512_add_ps(_mm512_set1_ps(1), Sleef_erff16_u10avx512f(_mm512_mul_ps(
                                                                v, _mm512_set1_ps(0.70710678F))))))

OVER_ARRAY8(exp8, Sleef_expf8_u10avx2(v))
OVER_ARRAY8(log8, Sleef_logf8_u10avx2(v))
OVER_ARRAY8(sqrt8, _mm256_sqrt_ps(v))
OVER_ARRAY8(tanh8, Sleef_tanhf8_u35avx2(v))
OVER_ARRAY8(erf8, Sleef_erff8_u10avx2(v))
OVER_ARRAY8(sigmoid8,
            _mm256_div_ps(_mm256_set1_ps(1),
                          _mm256_add_ps(_mm256_set1_ps(1),
                                        Sleef_expf8_u10avx2(_mm256_sub_ps(_mm256_setzero_ps(),
                                                                          v)))))
OVER_ARRAY8(gelu8,
            _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5F), v),
                          _mm256_add_ps(_mm256_set1_ps(1), Sleef_erff8_u10avx2(_mm256_mul_ps(
                                                               v, _mm256_set1_ps(0.70710678F))))))

math_peer *const math_peers_avx512[MATH_PEERS] = {exp16, log16,     sqrt16, tanh16,
                                                  erf16, sigmoid16, gelu16};
math_peer *const math_peers_avx2[MATH_PEERS] = {exp8, log8, sqrt8, tanh8, erf8, sigmoid8, gelu8};
