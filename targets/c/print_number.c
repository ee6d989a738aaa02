/* Numbers as constants of C, to the last bit. */
#include "targets/c/print_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void print_integer(struct text *text, enum data_type type, double number) {
    double lowest = type == TYPE_S32 ? INT32_MIN : type == TYPE_S8 ? -128 : 0;
    double highest = type == TYPE_S32 ? INT32_MAX : type == TYPE_S8 ? 127 : 255;
    if (!(number > lowest)) { /* an identity such as -infinity is the least there is */
        if (type == TYPE_S32)
            text_append(text, "(-2147483647 - 1)");
        else
            text_format(text, "%d", (int)lowest);
        return;
    }
    text_format(text, "%" PRId64, (int64_t)(number < highest ? number : highest));
}

void print_number(struct text *text, enum data_type type, double number) {
    char digits[40];
    const char *suffix = type == TYPE_F64 ? "" : "f";
    if (!data_types[type].is_float) {
        print_integer(text, type, number);
        return;
    }
    if (type != TYPE_F64)
        number = (double)(float)number;
    if (isnan(number) || isinf(number)) {
        text_format(text, "(%s0%s / 0.0%s)",
                    isnan(number) ? "0."
                    : number < 0  ? "-1."
                                  : "1.",
                    suffix, suffix);
        return;
    }
    snprintf(digits, sizeof digits, type == TYPE_F64 ? "%.17g" : "%.9g", number);
    text_append(text, digits);
    if (!strpbrk(digits, ".e"))
        text_append(text, ".0");
    text_append(text, suffix);
}
