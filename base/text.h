/* A growing string, for every printer of the project.
 *
 * A zeroed `struct text` is an empty string. Appending never fails visibly: if memory runs out the
 * text is marked `failed`, stays valid, and ignores what follows, so a printer need not check each
 * call; whoever asked for the text checks once. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data;      /* NUL-terminated once anything was appended; NULL before */
    size_t length;   /* without the NUL */
    size_t capacity; /* bytes of data */
    bool failed;
};

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t count);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_format_list(struct text *text, const char *format, va_list arguments);
void text_indent(struct text *text, int levels); /* four spaces a level */
void text_clear(struct text *text);              /* empties it, keeps the memory */
void text_free(struct text *text);

/* The string so far, never NULL. Valid until the next append. */
const char *text_string(const struct text *text);

#endif
