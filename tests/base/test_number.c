/* Numbers as text and back: the fewest digits, every bit, and a point in any locale. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/number.h"
#include "base/plain.h"
#include "base/random.h"
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double f64_of(uint64_t bits) {
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static float f32_of(uint32_t bits) {
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

/* The run of these tests with a decimal comma would prove nothing without one. */
static void the_locale_is_the_environments(void **state) {
    const char *name = getenv("LC_ALL");
    (void)state;
    if (name && !strncmp(name, "de_DE", 5))
        assert_string_equal(localeconv()->decimal_point, ",");
}

static void reads_back(double number) {
    char digits[NUMBER_BYTES];
    double back = 0;
    assert_true(number_parse(number_text(digits, number), &back));
    assert_int_equal(number_bits_f64(back), number_bits_f64(number));
    assert_null(strchr(digits, ','));
}

static void reads_back_f32(float number) {
    char digits[NUMBER_BYTES];
    double back = 0;
    assert_true(number_parse(number_text_f32(digits, number), &back));
    assert_int_equal(number_bits_f32(back), number_bits_f32((double)number));
    assert_true(strlen(digits) <= 16);
}

static void every_bit_survives(void **state) {
    static const double special[] = {
        0,         -0.0,     1,      -1,         DBL_MAX,     -DBL_MAX, DBL_MIN, -DBL_MIN,
        0x1p-1074, INFINITY, NAN,    -INFINITY,  DBL_EPSILON, 1 / 3.0,  0.1,     1e22,
        1e23,      5e-324,   0x1p53, 0x1p53 + 2, 1e15,        1e16,     1e-5,    1e-4};
    struct random random;
    (void)state;
    random_seed(&random, 1);
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        reads_back(special[i]);
        reads_back_f32((float)special[i]);
    }
    for (int i = 0; i < 30000; i++) {
        uint64_t bits = random_next(&random);
        reads_back(f64_of(bits));
        reads_back(f64_of(bits & ~(UINT64_C(0x7fe) << 52)));
        reads_back_f32(f32_of((uint32_t)bits));
        reads_back_f32(f32_of((uint32_t)bits & ~(UINT32_C(0xfe) << 23)));
    }
}

static void expect(double number, const char *text) {
    char digits[NUMBER_BYTES];
    assert_string_equal(number_text(digits, number), text);
}

static void expect_f32(float number, const char *text) {
    char digits[NUMBER_BYTES];
    assert_string_equal(number_text_f32(digits, number), text);
}

static void the_fewest_digits(void **state) {
    (void)state;
    expect(0, "0");
    expect(-0.0, "-0");
    expect(0.1, "0.1");
    expect(-1234.5, "-1234.5");
    expect(0.1 + 0.2, "0.30000000000000004");
    expect(100000, "100000");
    expect(123456789012345, "123456789012345");
    expect(1e15, "1e+15");
    expect(1234567890123456, "1234567890123456");
    expect(0.0001, "0.0001");
    expect(0.00001, "1e-05");
    expect(1e300, "1e+300");
    expect(5e-324, "5e-324");
    expect(INFINITY, "inf");
    expect(-INFINITY, "-inf");
    expect(NAN, "nan");
    expect(-NAN, "nan");
    expect_f32(0.1f, "0.1");
    expect_f32(1 / 3.0f, "0.33333334");
    expect_f32(16777216, "16777216");
    expect_f32(1e10f, "10000000000");
    expect_f32(FLT_MAX, "3.4028235e+38");
    expect_f32(FLT_MIN, "1.1754944e-38");
    expect_f32(0x1p-149f, "1e-45");
    expect_f32(-0.0f, "-0");
}

static void read_as(const char *text, double number, const char *rest) {
    double read = 99;
    const char *end = number_read(text, &read);
    assert_non_null(end);
    assert_string_equal(end, rest);
    assert_int_equal(number_bits_f64(read), number_bits_f64(number));
}

static void refused(const char *text) {
    double read;
    assert_null(number_read(text, &read));
    assert_false(number_parse(text, &read));
}

static void what_is_a_number(void **state) {
    double read;
    (void)state;
    read_as("0.5", 0.5, "");
    read_as("0,5", 0, ",5");
    read_as(".5", 0.5, "");
    read_as("5.", 5, "");
    read_as("-1e3x", -1000, "x");
    read_as("+2e-1", 0.2, "");
    read_as("1e", 1, "e");
    read_as("0x10", 0, "x10");
    read_as("1e999", INFINITY, "");
    read_as("-inf", -INFINITY, "");
    read_as("nan", NAN, "");
    read_as("-0", -0.0, "");
    refused("");
    refused(" 1");
    refused("-");
    refused(".");
    refused("e5");
    refused("--1");
    refused("\xd9\xa1");
    assert_false(number_parse("1 ", &read));
}

static void all_printing_is_plain(void **state) {
    struct text text = {0};
    struct error error;
    char buffer[32];
    (void)state;
    text_format(&text, "%g %.2f %e", 0.5, 1.25, 1e9);
    assert_string_equal(text_string(&text), "0.5 1.25 1.000000e+09");
    text_free(&text);
    plain_format(buffer, sizeof buffer, "%.3g", 0.125);
    assert_string_equal(buffer, "0.125");
    error_set(&error, DLT_ERROR_ARGUMENT, "%g", 0.5);
    error_prefix(&error, "%g", 1.5);
    assert_string_equal(error.message, "1.5: 0.5");
}

/* What the program around chose is as it was. */
static void the_locale_stays(void **state) {
    struct text text = {0};
    locale_t before = uselocale((locale_t)0);
    const char *name = setlocale(LC_ALL, NULL);
    char copy[256];
    (void)state;
    strncpy(copy, name, sizeof copy - 1);
    copy[sizeof copy - 1] = 0;
    text_format(&text, "%g", 0.5);
    text_free(&text);
    assert_true(uselocale((locale_t)0) == before);
    assert_string_equal(setlocale(LC_ALL, NULL), copy);
}

static void letters_are_those_of_ascii(void **state) {
    (void)state;
    for (int c = -128; c < 128; c++) {
        assert_int_equal(plain_is_digit((char)c), c >= '0' && c <= '9');
        assert_int_equal(plain_is_letter((char)c),
                         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    }
    assert_int_equal(plain_upper('i'), 'I');
    assert_int_equal(plain_upper('_'), '_');
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_locale_is_the_environments),
                                       cmocka_unit_test(every_bit_survives),
                                       cmocka_unit_test(the_fewest_digits),
                                       cmocka_unit_test(what_is_a_number),
                                       cmocka_unit_test(all_printing_is_plain),
                                       cmocka_unit_test(the_locale_stays),
                                       cmocka_unit_test(letters_are_those_of_ascii)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
