/* exp, log, tanh and erf by reduction to a small interval and a polynomial there.
 *
 * The reductions are the usual ones (Cody and Waite's for exp; see J.-M. Muller, "Elementary
 * Functions"), the polynomials those that tools/minimax.py finds. There are no branches: what only
 * some lanes need is computed in all of them and blended.
 *
 * Powers of two. Adding 1.5 * 2^23 to a small number leaves it rounded to an integer in the low
 * bits of the sum. If the exponent's bias is added as well, a shift by 23 makes the sum's bits
 * those of 2^n. The constants SHIFTER below are that number plus a bias.
 *
 * NaN. The clamps have x as their second source, which wins if it is NaN; every formula below gives
 * NaN for NaN then, however its bits are shifted elsewhere: NaN times anything is NaN. */
#include "ir/math_functions.h"

#include "ir/math_coefficients.h"

#include <math.h>

enum {
    MANTISSA_BITS = 23,
    BIAS = 127
};

#define ROUNDER       12582912.0           /* 1.5 * 2^23 */
#define SHIFTER       (ROUNDER + BIAS)     /* for 2^n in one factor */
#define TWICE_SHIFTER (ROUNDER + 2 * BIAS) /* for 2^n in two */

struct builder {
    struct vector_program *program;
    struct vector_block *block;
};

static struct vector_instruction *append(const struct builder *b, enum vector_opcode opcode,
                                         enum data_type type) {
    struct vector_instruction *instruction = vector_append(b->program, b->block, opcode, type);
    instruction->destination =
        vector_value_new(b->program, vector_operations[opcode].destination_class, false);
    return instruction;
}

static int number(const struct builder *b, double constant) {
    struct vector_instruction *instruction = append(b, VECTOR_CONSTANT, TYPE_F32);
    instruction->constant = constant;
    return instruction->destination;
}

static int integer(const struct builder *b, int32_t constant) {
    struct vector_instruction *instruction = append(b, VECTOR_CONSTANT, TYPE_S32);
    instruction->constant = constant;
    return instruction->destination;
}

static int binary(const struct builder *b, enum vector_opcode opcode, int x, int y) {
    struct vector_instruction *instruction = append(b, opcode, TYPE_F32);
    instruction->sources[0] = x;
    instruction->sources[1] = y;
    return instruction->destination;
}

static int ternary(const struct builder *b, enum vector_opcode opcode, int x, int y, int z) {
    struct vector_instruction *instruction = append(b, opcode, TYPE_F32);
    instruction->sources[0] = x;
    instruction->sources[1] = y;
    instruction->sources[2] = z;
    return instruction->destination;
}

static int add(const struct builder *b, int x, int y) {
    return binary(b, VECTOR_ADD, x, y);
}

static int subtract(const struct builder *b, int x, int y) {
    return binary(b, VECTOR_SUBTRACT, x, y);
}

static int multiply(const struct builder *b, int x, int y) {
    return binary(b, VECTOR_MULTIPLY, x, y);
}

static int multiply_add(const struct builder *b, int x, int y, int z) {
    return ternary(b, VECTOR_MULTIPLY_ADD, x, y, z);
}

static int shift(const struct builder *b, enum vector_opcode opcode, int x, int bits) {
    struct vector_instruction *instruction = append(b, opcode, TYPE_S32);
    instruction->sources[0] = x;
    instruction->immediate = bits;
    return instruction->destination;
}

static int less(const struct builder *b, int x, int y) {
    return binary(b, VECTOR_MASK_LESS, x, y);
}

static int blend(const struct builder *b, int mask, int yes, int no) {
    struct vector_instruction *instruction = append(b, VECTOR_BLEND, TYPE_F32);
    instruction->sources[0] = yes;
    instruction->sources[1] = no;
    instruction->mask = mask;
    return instruction->destination;
}

static int horner(const struct builder *b, const double *coefficients, int count, int x) {
    int sum = number(b, coefficients[count - 1]);
    for (int i = count - 2; i >= 0; i--)
        sum = multiply_add(b, sum, x, number(b, coefficients[i]));
    return sum;
}

#define HORNER(b, coefficients, x)                                                                 \
    horner(b, coefficients, (int)(sizeof coefficients / sizeof *coefficients), x)

/* exp x = 2^n exp r, r = x - n ln 2. From exp(-104) on all results round to 0, from exp(89) on all
 * overflow. 2^n is split into two factors, so that results may be denormal: the first product is
 * exact, the second rounds. */
static int exponential(const struct builder *b, int x) {
    int shifted, n, r, sum, scale, rest, one = number(b, 1);
    x = binary(b, VECTOR_MINIMUM, number(b, 89), x);
    x = binary(b, VECTOR_MAXIMUM, number(b, -104), x);
    shifted = multiply_add(b, x, number(b, MATH_LOG2_E), number(b, TWICE_SHIFTER));
    n = subtract(b, shifted, number(b, TWICE_SHIFTER));
    r = ternary(b, VECTOR_NEGATED_MULTIPLY_ADD, n, number(b, MATH_LN2), x);
    r = ternary(b, VECTOR_NEGATED_MULTIPLY_ADD, n, number(b, MATH_LN2_REST), r);
    sum = multiply_add(b, HORNER(b, MATH_EXPONENTIAL, r), r, one);
    sum = multiply_add(b, sum, r, one);
    scale = shift(b, VECTOR_SHIFT_RIGHT, shifted, 1);
    scale = shift(b, VECTOR_SHIFT_LEFT, scale, MANTISSA_BITS);
    rest = shift(b, VECTOR_SHIFT_LEFT, shifted, MANTISSA_BITS);
    rest = binary(b, VECTOR_SUBTRACT_INTEGER, rest, scale);
    return multiply(b, multiply(b, sum, scale), rest);
}

/* What log gives where its formula is no good: x itself if it is NaN or +infinity, -infinity for
 * zeros, NaN for what is below. */
static int logarithm_special(const struct builder *b, int x, int result) {
    int zero = number(b, 0);
    int below =
        blend(b, binary(b, VECTOR_MASK_EQUAL, x, zero), number(b, -INFINITY), number(b, NAN));
    result = blend(b, less(b, x, number(b, INFINITY)), result, x);
    return blend(b, less(b, zero, x), result, below);
}

/* x = m 2^n with m from 2/3 to 4/3; log x = n ln 2 + log(1 + f), f = m - 1. Denormals are scaled
 * first. */
static int logarithm(const struct builder *b, int x) {
    int tiny = less(b, x, number(b, 0x1p-126));
    int y = blend(b, tiny, multiply(b, x, number(b, 0x1p+23)), x);
    int offset = blend(b, tiny, number(b, -23), number(b, 0));
    int two_thirds = integer(b, 0x3f2aaaab), exponent, n, f, sum;
    struct vector_instruction *convert;
    exponent = binary(b, VECTOR_SUBTRACT_INTEGER, y, two_thirds);
    exponent = binary(b, VECTOR_AND, exponent, integer(b, -(1 << MANTISSA_BITS)));
    convert = append(b, VECTOR_TO_FLOAT, TYPE_F32);
    convert->sources[0] = exponent;
    n = multiply_add(b, convert->destination, number(b, 0x1p-23), offset);
    f = subtract(b, binary(b, VECTOR_SUBTRACT_INTEGER, y, exponent), number(b, 1));
    sum = multiply_add(b, HORNER(b, MATH_LOGARITHM, f), f, number(b, -0.5));
    sum = multiply_add(b, sum, multiply(b, f, f), f);
    return logarithm_special(b, x, multiply_add(b, n, number(b, MATH_LN2), sum));
}

static int sign_of(const struct builder *b, int x) {
    return binary(b, VECTOR_AND, x, number(b, -0.0));
}

/* |x|, or `limit` if that is smaller. */
static int clamped(const struct builder *b, double limit, int x) {
    x = binary(b, VECTOR_AND_NOT, number(b, -0.0), x);
    return binary(b, VECTOR_MINIMUM, number(b, limit), x);
}

/* With e = exp(2 |x|) - 1: tanh |x| = e / (e + 2). e = 2^n (exp(r) - 1) + (2^n - 1) is exact to the
 * last bits near zero too, since n is 0 there. tanh 10 rounds to 1. */
static int hyperbolic_tangent(const struct builder *b, int x) {
    int a = clamped(b, 10, x), shifter = number(b, SHIFTER), shifted, n, r, sum, scale, e;
    shifted = multiply_add(b, a, number(b, MATH_TWO_LOG2_E), shifter);
    n = subtract(b, shifted, shifter);
    r = ternary(b, VECTOR_NEGATED_MULTIPLY_ADD, n, number(b, MATH_LN2), add(b, a, a));
    sum = multiply_add(b, HORNER(b, MATH_EXPONENTIAL, r), multiply(b, r, r), r);
    scale = shift(b, VECTOR_SHIFT_LEFT, shifted, MANTISSA_BITS);
    e = multiply_add(b, sum, scale, subtract(b, scale, number(b, 1)));
    e = binary(b, VECTOR_DIVIDE, e, add(b, e, number(b, 2)));
    return binary(b, VECTOR_OR, e, sign_of(b, x));
}

/* erf a for 1 <= a <= 4, as 1 - 2^q(a). */
static int error_function_far(const struct builder *b, int a) {
    int one = number(b, 1), shifter = number(b, SHIFTER);
    int q = HORNER(b, MATH_ERF_FAR, a), shifted = add(b, q, shifter);
    int r = subtract(b, q, subtract(b, shifted, shifter));
    int sum = multiply_add(b, HORNER(b, MATH_POWER_OF_TWO, r), r, number(b, MATH_LN2));
    int scale = shift(b, VECTOR_SHIFT_LEFT, shifted, MANTISSA_BITS);
    sum = multiply_add(b, sum, r, one);
    return ternary(b, VECTOR_NEGATED_MULTIPLY_ADD, sum, scale, one);
}

/* Up to 1 a polynomial. erf 4 rounds to 1. */
static int error_function(const struct builder *b, int x) {
    int a = clamped(b, 4, x);
    int far = error_function_far(b, a); /* first, since it takes more registers */
    int near = multiply_add(b, HORNER(b, MATH_ERF_NEAR, multiply(b, a, a)), a, a);
    int result = blend(b, less(b, a, number(b, 1)), near, far);
    return binary(b, VECTOR_OR, result, sign_of(b, x));
}

static int (*const functions[OPERATION_COUNT])(const struct builder *b, int x) = {
    [OP_EXPONENTIAL] = exponential,
    [OP_LOGARITHM] = logarithm,
    [OP_TANH] = hyperbolic_tangent,
    [OP_ERF] = error_function,
};

bool math_is_function(enum operation operation) {
    return functions[operation] != NULL;
}

int math_append(struct vector_program *program, struct vector_block *block,
                enum operation operation, int x) {
    struct builder builder = {program, block};
    return functions[operation](&builder, x);
}
