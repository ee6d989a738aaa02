/* The greatest common divisor: of axes' steps, strides and the spans of caches. */
#ifndef BASE_DIVISOR_H
#define BASE_DIVISOR_H

#include <stdint.h>

/* Of the numbers without their signs; of 0 and a number it is that number. */
static inline int64_t greatest_common_divisor(int64_t a, int64_t b) {
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
