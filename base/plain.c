/* The locale "C" for one thread; see plain.h. */
#define _GNU_SOURCE /* uselocale */
#include "base/plain.h"

#include <pthread.h>
#include <stdio.h>

static locale_t made;

/* glibc has this locale ready: nothing is allocated, nothing can fail. */
static void make(void) {
    made = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

locale_t plain_locale(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make);
    return made;
}

locale_t plain_enter(void) {
    return uselocale(plain_locale());
}

void plain_leave(locale_t before) {
    uselocale(before);
}

int plain_format_list(char *buffer, size_t bytes, const char *format, va_list arguments) {
    locale_t before = plain_enter();
    int length = vsnprintf(buffer, bytes, format, arguments);
    plain_leave(before);
    return length;
}

int plain_format(char *buffer, size_t bytes, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = plain_format_list(buffer, bytes, format, arguments);
    va_end(arguments);
    return length;
}
