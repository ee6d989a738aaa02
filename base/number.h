/* Numbers as text and back, to the last bit, in any locale (base/plain.h).
 *
 * A number is written with the fewest digits that read back as the same number: 0.1, -0, 16777216,
 * 1e+22, 5e-324, inf, -inf. All NaNs are one, nan. Whatever is stored or compared as text is
 * written and read here: expressions, keys, JSON, files of measured values. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NUMBER_BYTES = 32 /* the longest text of a number, with its end */
};

/* Fills the buffer and answers it. `number_text_f32` is of a number that is stored as a float:
 * 0.1f is 0.1. */
const char *number_text(char buffer[NUMBER_BYTES], double number);
const char *number_text_f32(char buffer[NUMBER_BYTES], float number);

/* Reads the number that `text` begins with: a sign or none, then digits with a point and an
 * exponent as in C, or inf, or nan; no blanks before it. Answers where it ends, NULL if there is
 * none. Beyond the largest double it is infinite. */
const char *number_read(const char *text, double *number);

/* The same for a text that is nothing but one number. */
bool number_parse(const char *text, double *number);

/* The bits of a number, rounded to a float or as the double it is. All NaNs have the same. */
uint32_t number_bits_f32(double number);
uint64_t number_bits_f64(double number);

#endif
