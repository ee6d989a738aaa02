/* Numbers as text; see number.h. */
#define _GNU_SOURCE /* strtod_l */
#include "base/number.h"

#include "base/plain.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DIGITS = 17,
    LEAST_FIXED = -5, /* numbers below 10 to this have an exponent, as with %g */
    MOST_FIXED = 15,  /* and those from 10 to this, unless they have more digits than it */
};

/* A decimal: digits[0].digits[1]... times 10 to the exponent. */
struct decimal {
    char digits[MAX_DIGITS + 1];
    int count, exponent;
};

static double read_decimal(const char *text, char **end) {
    return strtod_l(text, end, plain_locale());
}

/* `number` rounded to so many digits; answers whether that reads back as the same number. */
static bool round_to(int count, double number, bool is_float, struct decimal *decimal) {
    char text[NUMBER_BYTES];
    plain_format(text, sizeof text, "%.*e", count - 1, number);
    const char *exponent = strchr(text, 'e');
    decimal->count = 0;
    for (const char *c = text; c < exponent; c++)
        if (*c != '.')
            decimal->digits[decimal->count++] = *c;
    while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
        decimal->count--;
    decimal->exponent = atoi(exponent + 1);
    double back = read_decimal(text, NULL);
    return is_float ? (float)back == (float)number : back == number;
}

/* Any so many digits survive being stored, but not where numbers lose bits next to 0. */
static int digits_to_try(double number, bool is_float) {
    if (is_float)
        return number < FLT_MIN ? 1 : FLT_DIG;
    return number < DBL_MIN ? 1 : DBL_DIG;
}

static char *put(char *out, const char *digits, int count, int least_count) {
    for (int i = 0; i < count || i < least_count; i++)
        *out++ = i < count ? digits[i] : '0';
    return out;
}

/* 1234.5, 0.0012, 12000 */
static char *write_fixed(char *out, const struct decimal *d) {
    int whole = d->exponent + 1; /* digits before the point */
    if (whole <= 0) {
        out = put(out, "0.", 2, 2);
        out = put(out, "", 0, -whole);
        return put(out, d->digits, d->count, 0);
    }
    out = put(out, d->digits, d->count < whole ? d->count : whole, whole);
    if (d->count > whole) {
        *out++ = '.';
        out = put(out, d->digits + whole, d->count - whole, 0);
    }
    return out;
}

/* 1.2345e+22 */
static char *write_scientific(char *out, const struct decimal *d) {
    *out++ = d->digits[0];
    if (d->count > 1) {
        *out++ = '.';
        out = put(out, d->digits + 1, d->count - 1, 0);
    }
    return out + sprintf(out, "e%+03d", d->exponent);
}

static const char *write_number(char buffer[NUMBER_BYTES], double number, bool is_float) {
    int most = is_float ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG, count;
    struct decimal decimal = {.count = 0};
    char *out = buffer;
    if (isnan(number))
        return strcpy(buffer, "nan");
    if (signbit(number))
        *out++ = '-';
    number = fabs(number);
    if (isinf(number)) {
        strcpy(out, "inf");
        return buffer;
    }
    count = digits_to_try(number, is_float);
    while (!round_to(count, number, is_float, &decimal) && count < most)
        count++;
    int fixed = decimal.count > MOST_FIXED ? decimal.count : MOST_FIXED;
    out = decimal.exponent > LEAST_FIXED && decimal.exponent < fixed
              ? write_fixed(out, &decimal)
              : write_scientific(out, &decimal);
    *out = 0;
    return buffer;
}

const char *number_text(char buffer[NUMBER_BYTES], double number) {
    return write_number(buffer, number, false);
}

const char *number_text_f32(char buffer[NUMBER_BYTES], float number) {
    return write_number(buffer, (double)number, true);
}

const char *number_read(const char *text, double *number) {
    const char *digits = text + (*text == '-' || *text == '+');
    char *end;
    if (!strncmp(digits, "inf", 3) || !strncmp(digits, "nan", 3)) {
        *number = *digits == 'i' ? INFINITY : NAN;
        end = (char *)digits + 3;
    } else if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        *number = 0; /* not the hexadecimal number that strtod sees */
        end = (char *)digits + 1;
    } else if (plain_is_digit(digits[*digits == '.'])) {
        *number = read_decimal(digits, &end);
    } else {
        return NULL;
    }
    if (*text == '-')
        *number = -*number;
    return end;
}

bool number_parse(const char *text, double *number) {
    const char *end = number_read(text, number);
    return end && !*end;
}

uint32_t number_bits_f32(double number) {
    float rounded = (float)number;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    return isnan(number) ? UINT32_C(0x7fc00000) : bits;
}

uint64_t number_bits_f64(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return isnan(number) ? UINT64_C(0x7ff8000000000000) : bits;
}
