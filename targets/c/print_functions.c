/* Functions that printed C defines for itself, since it may call no library.
 *
 * All compute in double precision. exp: x = n ln 2 + r, Taylor's series of exp(r), times 2^n.
 * log: x = m 2^n with m around 1, the series of 2 artanh((m - 1) / (m + 1)). sqrt: Newton's
 * iteration from a guess that halves the exponent. tanh: Lambert's continued fraction near 0, else
 * from exp. erf: the series 2/sqrt(pi) exp(-x^2) sum (2x^2)^k x / (1 3 5 ... (2k+1)), whose terms
 * are all positive. Results rounded to float are right to the last bit but for rare ties. */
#include "targets/c/print_private.h"

struct support {
    const char *name;
    unsigned needs;   /* other functions, of smaller number or printed before */
    const char *text; /* each @ stands for the prefix and an underscore */
};

static const char exponential[] =
    "static double @exp(double x) {\n"
    "    union { double number; long bits; } scale;\n"
    "    double n, r, sum;\n"
    "    if (x != x) return x;\n"
    "    if (x > 709.8) return 1.0 / 0.0;\n"
    "    if (x < -708.0) return 0.0;\n"
    "    n = (double)(long)(x * 1.4426950408889634 + (x < 0.0 ? -0.5 : 0.5));\n"
    "    r = (x - n * 0.69314718036912382) - n * 1.9082149292705877e-10;\n"
    "    sum = 1.1470745597729725e-11;\n"
    "    sum = sum * r + 1.6059043836821613e-10;\n"
    "    sum = sum * r + 2.08767569878681e-09;\n"
    "    sum = sum * r + 2.505210838544172e-08;\n"
    "    sum = sum * r + 2.755731922398589e-07;\n"
    "    sum = sum * r + 2.7557319223985893e-06;\n"
    "    sum = sum * r + 2.48015873015873e-05;\n"
    "    sum = sum * r + 0.0001984126984126984;\n"
    "    sum = sum * r + 0.001388888888888889;\n"
    "    sum = sum * r + 0.008333333333333333;\n"
    "    sum = sum * r + 0.041666666666666664;\n"
    "    sum = sum * r + 0.16666666666666666;\n"
    "    sum = ((sum * r + 0.5) * r + 1.0) * r + 1.0;\n"
    "    scale.bits = ((long)n + 1022L) << 52;\n"
    "    return sum * scale.number * 2.0;\n"
    "}\n\n";

static const char logarithm[] =
    "static double @log(double x) {\n"
    "    union { double number; long bits; } m;\n"
    "    double s, square, sum = 0.0, n = 0.0;\n"
    "    if (!(x > 0.0)) return x == 0.0 ? -1.0 / 0.0 : 0.0 / 0.0;\n"
    "    if (x - x != 0.0) return x;\n"
    "    if (x < 2.2250738585072014e-308) x = x * 18014398509481984.0, n = -54.0;\n"
    "    m.number = x;\n"
    "    n = n + (double)((m.bits >> 52) - 1023L);\n"
    "    m.bits = (m.bits & 0xfffffffffffffL) | (1023L << 52);\n"
    "    if (m.number > 1.4142135623730951) m.number = m.number * 0.5, n = n + 1.0;\n"
    "    s = (m.number - 1.0) / (m.number + 1.0);\n"
    "    square = s * s;\n"
    "    for (long k = 23; k > 1; k -= 2) sum = (sum + 1.0 / (double)k) * square;\n"
    "    return n * 0.69314718036912382 + (n * 1.9082149292705877e-10 + 2.0 * s * (sum + 1.0));\n"
    "}\n\n";

static const char square_root[] =
    "static double @sqrt(double x) {\n"
    "    union { double number; long bits; } root;\n"
    "    if (x == 0.0 || (x > 0.0 && x - x != 0.0)) return x;\n"
    "    if (!(x > 0.0)) return 0.0 / 0.0;\n"
    "    if (x < 2.2250738585072014e-308) return @sqrt(x * 18014398509481984.0) / 134217728.0;\n"
    "    root.number = x;\n"
    "    root.bits = (root.bits >> 1) + (1023L << 51);\n"
    "    for (long k = 0; k < 5; k++) root.number = 0.5 * (root.number + x / root.number);\n"
    "    return root.number;\n"
    "}\n\n";

static const char hyperbolic_tangent[] =
    "static double @tanh(double x) {\n"
    "    double square = x * x, fraction = 19.0;\n"
    "    if (x > 20.0 || x < -20.0) return x > 0.0 ? 1.0 : -1.0;\n"
    "    if (x > 0.6 || x < -0.6) return 1.0 - 2.0 / (@exp(2.0 * x) + 1.0);\n"
    "    for (long k = 17; k > 0; k -= 2) fraction = (double)k + square / fraction;\n"
    "    return x / fraction;\n"
    "}\n\n";

static const char error_function[] =
    "static double @erf(double x) {\n"
    "    double square = x * x, term = x, sum = x;\n"
    "    if (x > 6.0 || x < -6.0) return x > 0.0 ? 1.0 : -1.0;\n"
    "    for (long k = 3; term * term > sum * sum * 1e-34; k += 2) {\n"
    "        term = term * 2.0 * square / (double)k;\n"
    "        sum = sum + term;\n"
    "    }\n"
    "    return 1.1283791670955126 * @exp(-square) * sum;\n"
    "}\n\n";

static const char from_bf16[] = "static float @from_bf16(unsigned short x) {\n"
                                "    union { float number; unsigned bits; } f;\n"
                                "    f.bits = (unsigned)x << 16;\n"
                                "    return f.number;\n"
                                "}\n\n";

static const char to_bf16[] =
    "static unsigned short @to_bf16(float x) {\n"
    "    union { float number; unsigned bits; } f;\n"
    "    f.number = x;\n"
    "    if (x != x) return 0x7fc0;\n"
    "    return (unsigned short)((f.bits + 0x7fffU + (f.bits >> 16 & 1U)) >> 16);\n"
    "}\n\n";

static const struct support functions[SUPPORT_FUNCTION_COUNT] = {
    [SUPPORT_EXPONENTIAL] = {"exp", 0, exponential},
    [SUPPORT_LOGARITHM] = {"log", 0, logarithm},
    [SUPPORT_SQUARE_ROOT] = {"sqrt", 0, square_root},
    [SUPPORT_TANH] = {"tanh", 1u << SUPPORT_EXPONENTIAL, hyperbolic_tangent},
    [SUPPORT_ERF] = {"erf", 1u << SUPPORT_EXPONENTIAL, error_function},
    [SUPPORT_FROM_BF16] = {"from_bf16", 0, from_bf16},
    [SUPPORT_TO_BF16] = {"to_bf16", 0, to_bf16},
};

const char *support_function_name(enum support_function function) {
    return functions[function].name;
}

void print_support_functions(struct text *out, const char *prefix, unsigned support) {
    for (int i = 0; i < SUPPORT_FUNCTION_COUNT; i++)
        if (support & 1u << i)
            support |= functions[i].needs;
    for (int i = 0; i < SUPPORT_FUNCTION_COUNT; i++) {
        if (!(support & 1u << i))
            continue;
        for (const char *c = functions[i].text; *c; c++)
            if (*c == '@')
                text_format(out, "%s_", prefix);
            else
                text_append_bytes(out, c, 1);
    }
}
