#!/usr/bin/env python3
"""Coefficients of the polynomials in ir/math_coefficients.h.

Each function is first reduced to a small interval (Cody and Waite's reduction for exp; the exponent
taken apart for log; see J.-M. Muller, "Elementary Functions", chapters 3 and 11). On the interval
a polynomial is wanted whose largest weighted error is least: Remez' exchange finds it. Points where
the error is largest with alternating signs are exchanged until all are equally large. The arithmetic
is decimal with 60 digits, so that only the result is rounded.

The forms are chosen so that the leading terms of each function are exact and what is fitted is only
a correction; so rounding its coefficients to float costs next to nothing, which the errors printed
with them show: they are those of the rounded coefficients.

    tools/minimax.py > ir/math_coefficients.h && clang-format -i ir/math_coefficients.h
"""
from decimal import Decimal as D, getcontext
import struct

getcontext().prec = 60
ZERO, ONE, TWO = D(0), D(1), D(2)
PI = D("3.14159265358979323846264338327950288419716939937510582097494459")


def to_float(x):
    return D(struct.unpack("f", struct.pack("f", float(x)))[0])


def cosine(x):
    term, total, k = ONE, ONE, 0
    while abs(term) > D(10) ** -55:
        k += 2
        term = -term * x * x / (k * (k - 1))
        total += term
    return total


def erf(x):
    term, total, k = x, x, 0
    while abs(term) > D(10) ** -55:
        k += 1
        term = -term * x * x / k
        total += term / (2 * k + 1)
    return 2 / PI.sqrt() * total


def series(coefficients, x):
    total = ZERO
    for c in reversed(coefficients):
        total = total * x + c
    return total


def solve(rows):
    """Gauss elimination with pivots; a row is its coefficients and the right side."""
    n = len(rows)
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(rows[r][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for r in range(i + 1, n):
            factor = rows[r][i] / rows[i][i]
            for c in range(i, n + 1):
                rows[r][c] -= factor * rows[i][c]
    result = [ZERO] * n
    for i in reversed(range(n)):
        known = sum(rows[i][c] * result[c] for c in range(i + 1, n))
        result[i] = (rows[i][n] - known) / rows[i][i]
    return result


def remez(table, degree):
    """The coefficients of x^0 .. x^degree; `table` has rows (x, wanted, weight)."""
    count = degree + 2
    picks = [int((1 - cosine(PI * i / (count - 1))) / 2 * (len(table) - 1)) for i in range(count)]
    for _ in range(40):
        rows = []
        for i, pick in enumerate(picks):
            x, wanted, weight = table[pick]
            rows.append([x ** k for k in range(degree + 1)]
                        + [(-1) ** i / weight, wanted])
        found = solve(rows)
        coefficients, level = found[:-1], abs(found[-1])
        errors = [(wanted - series(coefficients, x)) * weight for x, wanted, weight in table]
        peaks = []  # the largest of each run of one sign
        for i, error in enumerate(errors):
            if peaks and (errors[peaks[-1]] > 0) == (error > 0):
                if abs(error) > abs(errors[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        largest = max(abs(e) for e in errors)
        if len(peaks) < count or largest <= level * D("1.0005"):
            break
        picks = peaks
    return coefficients, largest


def fit(function, weight, low, high, degree):
    """Coefficients rounded to float, and the largest weighted error with them."""
    points = 600
    table = []
    for i in range(points + 1):
        x = (low + high) / 2 - (high - low) / 2 * cosine(PI * i / points)
        if abs(x) > D(10) ** -9:
            table.append((x, function(x), weight(x)))
    rounded = [to_float(c) for c in remez(table, degree)[0]]
    return rounded, max(abs((f - series(rounded, x)) * w) for x, f, w in table)


def log2(x):
    return x.ln() / TWO.ln()


LN2_HALF = TWO.ln() / 2 * D("1.0001")

polynomials = [
    ("EXPONENTIAL", "(exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2",
     lambda r: (r.exp() - 1 - r) / r ** 2, lambda r: r ** 2 / r.exp(), -LN2_HALF, LN2_HALF, 4),
    ("POWER_OF_TWO", "(2^r - 1 - LN2 r) / r^2 for |r| <= 1/2",
     lambda r: ((r * TWO.ln()).exp() - 1 - r * to_float(TWO.ln())) / r ** 2,
     lambda r: r ** 2 / (r * TWO.ln()).exp(), -D("0.5"), D("0.5"), 3),
    ("LOGARITHM", "(log(1 + f) - f + f^2 / 2) / f^3 for -1/3 <= f <= 1/3",
     lambda f: ((1 + f).ln() - f + f * f / 2) / f ** 3, lambda f: f ** 3 / (1 + f).ln(),
     -ONE / 3, ONE / 3, 7),
    ("ERF_NEAR", "erf(x) / x - 1 as a function of x^2 for x <= 1",
     lambda s: erf(s.sqrt()) / s.sqrt() - 1, lambda s: s.sqrt() / erf(s.sqrt()),
     D("1e-6"), D("1.0001"), 6),
    ("ERF_FAR", "log2(1 - erf(x)) for 1 <= x <= 4",
     lambda x: log2(1 - erf(x)), lambda x: TWO.ln() * (1 - erf(x)) / erf(x),
     ONE, D(4), 5),
]


def show(name, value):
    return "#define MATH_%s %s" % (name, float(value).hex().replace("0000000p", "p"))


LN2 = TWO.ln()
numbers = [
    ("LN2", LN2),
    ("LN2_REST", LN2 - to_float(LN2)),  # what LN2 lacks
    ("LOG2_E", 1 / LN2),
    ("TWO_LOG2_E", 2 / LN2),
]

print("""/* Coefficients of polynomials, lowest power first, as tools/minimax.py found them.
 * Each comment has what is approximated, and the largest error relative to the function. */
#ifndef IR_MATH_COEFFICIENTS_H
#define IR_MATH_COEFFICIENTS_H

/* ln 2, what its float lacks, 1 / ln 2, 2 / ln 2 */""")
for name, value in numbers:
    print(show(name, to_float(value)))
for name, what, function, weight, low, high, degree in polynomials:
    coefficients, error = fit(function, weight, low, high, degree)
    print("\n/* %s: 2^%.2f */" % (what, float(log2(error))))
    print("static const double MATH_%s[] = {" % name)
    for c in coefficients:
        print("    %s," % float(c).hex().replace("0000000p", "p"))
    print("};")
print("\n#endif")
