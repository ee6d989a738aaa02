/* Coefficients of polynomials, lowest power first, as tools/minimax.py found them.
 * Each comment has what is approximated, and the largest error relative to the function. */
#ifndef IR_MATH_COEFFICIENTS_H
#define IR_MATH_COEFFICIENTS_H

/* ln 2, what its float lacks, 1 / ln 2, 2 / ln 2 */
#define MATH_LN2        0x1.62e430p-1
#define MATH_LN2_REST   -0x1.05c610p-29
#define MATH_LOG2_E     0x1.715476p+0
#define MATH_TWO_LOG2_E 0x1.715476p+1

/* (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2: 2^-27.98 */
static const double MATH_EXPONENTIAL[] = {
    0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558f2p-5, 0x1.1239e4p-7, 0x1.6a2436p-10,
};

/* (2^r - 1 - LN2 r) / r^2 for |r| <= 1/2: 2^-23.17 */
static const double MATH_POWER_OF_TWO[] = {
    0x1.ebf9f2p-3,
    0x1.c6b3a6p-5,
    0x1.3cdb40p-7,
    0x1.5caadcp-10,
};

/* (log(1 + f) - f + f^2 / 2) / f^3 for -1/3 <= f <= 1/3: 2^-27.40 */
static const double MATH_LOGARITHM[] = {
    0x1.555506p-2, -0x1.fffef0p-3, 0x1.99d028p-3, -0x1.559dcap-3,
    0x1.1ed70ep-3, -0x1.f3114ep-4, 0x1.1e66e8p-3, -0x1.080576p-3,
};

/* erf(x) / x - 1 as a function of x^2 for x <= 1: 2^-27.27 */
static const double MATH_ERF_NEAR[] = {
    0x1.06eba8p-3, -0x1.81273ep-2,  0x1.ce2cf6p-4,  -0x1.b7f908p-6,
    0x1.540588p-8, -0x1.a3f5bep-11, 0x1.496694p-14,
};

/* log2(1 - erf(x)) for 1 <= x <= 4: 2^-25.85 */
static const double MATH_ERF_FAR[] = {
    -0x1.ef4adep-9, -0x1.9cc558p+0, -0x1.e342dcp-1, -0x1.065ed2p-3, 0x1.5e947ap-6, -0x1.b5a64ep-10,
};

#endif
