/* Text that does not depend on the locale of the program around the library.
 *
 * A program may have called setlocale, and then printf writes 0,5 and strtod reads it, and isalpha
 * knows letters that C has not. The library never calls setlocale, which is the whole process's.
 * Instead a thread uses the locale "C" for as long as it prints or reads, or calls a library that
 * does. */
#ifndef BASE_PLAIN_H
#define BASE_PLAIN_H

#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* From here on this thread uses the locale "C", until `plain_leave` is given what this answered.
 * The pairs may be nested. */
locale_t plain_enter(void);
void plain_leave(locale_t before);

/* The locale itself, for functions that take one. */
locale_t plain_locale(void);

/* snprintf and vsnprintf in the locale "C". */
int plain_format(char *buffer, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int plain_format_list(char *buffer, size_t bytes, const char *format, va_list arguments);

/* Characters of ASCII. Bytes above are none of them in any locale. */
static inline bool plain_is_digit(char c) {
    return c >= '0' && c <= '9';
}

static inline bool plain_is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool plain_is_alphanumeric(char c) {
    return plain_is_letter(c) || plain_is_digit(c);
}

static inline char plain_upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

#endif
