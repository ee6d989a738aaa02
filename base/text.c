/* A growing string; see text.h. */
#include "base/text.h"

#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct text *text, size_t more) {
    size_t needed = text->length + more + 1, capacity = text->capacity ? text->capacity : 256;
    char *data;
    if (text->failed)
        return false;
    if (needed <= text->capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_append_bytes(struct text *text, const char *bytes, size_t count) {
    if (!reserve(text, count))
        return;
    if (count)
        memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = 0;
}

void text_append(struct text *text, const char *string) {
    text_append_bytes(text, string, strlen(string));
}

void text_format_list(struct text *text, const char *format, va_list arguments) {
    va_list again;
    int length;
    va_copy(again, arguments);
    length = plain_format_list(NULL, 0, format, again);
    va_end(again);
    if (length < 0 || !reserve(text, (size_t)length))
        return;
    plain_format_list(text->data + text->length, (size_t)length + 1, format, arguments);
    text->length += (size_t)length;
}

void text_format(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    text_format_list(text, format, arguments);
    va_end(arguments);
}

void text_indent(struct text *text, int levels) {
    while (levels-- > 0)
        text_append(text, "    ");
}

void text_clear(struct text *text) {
    text->length = 0;
    if (text->data)
        text->data[0] = 0;
}

void text_free(struct text *text) {
    free(text->data);
    memset(text, 0, sizeof *text);
}

const char *text_string(const struct text *text) {
    return text->data ? text->data : "";
}
