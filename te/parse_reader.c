/* Words, numbers and errors of the text form; see parse_reader.h. */
#include "te/parse_reader.h"

#include "base/number.h"
#include "base/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dlt_status reader_fail(struct reader *reader, const char *at, const char *format, ...) {
    char message[400];
    int line = 1, column = 1;
    va_list arguments;
    if (reader->furthest && at <= reader->furthest)
        return DLT_ERROR_ARGUMENT;
    for (const char *c = reader->text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    va_start(arguments, format);
    plain_format_list(message, sizeof message, format, arguments);
    va_end(arguments);
    reader->furthest = at;
    return error_set(&reader->error, DLT_ERROR_ARGUMENT, "line %d, column %d: %s", line, column,
                     message);
}

dlt_status reader_expected(struct reader *reader, const char *what) {
    char found[24];
    size_t length = 0;
    reader_skip_space(reader);
    while (length < sizeof found - 1 && reader->at[length] && reader->at[length] != '\n')
        length++;
    memcpy(found, reader->at, length);
    found[length] = 0;
    if (length == 0)
        return reader_fail(reader, reader->at, "expected %s, found the end", what);
    return reader_fail(reader, reader->at, "expected %s, found '%s'", what, found);
}

void reader_skip_space(struct reader *reader) {
    reader->at += strspn(reader->at, " \n\t\r;");
}

bool reader_accept(struct reader *reader, const char *sign) {
    size_t length = strlen(sign);
    reader_skip_space(reader);
    if (strncmp(reader->at, sign, length) != 0)
        return false;
    reader->at += length;
    return true;
}

dlt_status reader_require(struct reader *reader, const char *sign) {
    char what[32];
    if (reader_accept(reader, sign))
        return DLT_OK;
    snprintf(what, sizeof what, "'%s'", sign);
    return reader_expected(reader, what);
}

int reader_name_length(const struct reader *reader) {
    const char *c = reader->at;
    if (!plain_is_letter(*c) && *c != '_')
        return 0;
    while (plain_is_alphanumeric(*c) || *c == '_' || *c == '.')
        c++;
    return c - reader->at < MAX_NAME ? (int)(c - reader->at) : MAX_NAME;
}

bool reader_at_word(const struct reader *reader, const char *word) {
    int length = reader_name_length(reader);
    return strlen(word) == (size_t)length && memcmp(reader->at, word, (size_t)length) == 0;
}

dlt_status reader_name(struct reader *reader, const char *what, char name[MAX_NAME]) {
    int length;
    reader_skip_space(reader);
    length = reader_name_length(reader);
    if (length == 0)
        return reader_expected(reader, what);
    if (length == MAX_NAME)
        return reader_fail(reader, reader->at, "a name has at most %d characters", MAX_NAME - 1);
    memcpy(name, reader->at, (size_t)length);
    name[length] = 0;
    reader->at += length;
    return DLT_OK;
}

dlt_status reader_integer(struct reader *reader, const char *what, int64_t least, int64_t most,
                          int64_t *number) {
    const char *start;
    char *end;
    reader_skip_space(reader);
    start = reader->at;
    if (!plain_is_digit(start[*start == '-']))
        return reader_expected(reader, what);
    *number = strtoll(start, &end, 10); /* stops at the ends of 64 bits */
    if (*number < least || *number > most)
        return reader_fail(reader, start, "%.*s must be from %lld to %lld", (int)(end - start),
                           start, (long long)least, (long long)most);
    reader->at = end;
    return DLT_OK;
}

/* As printed: digits, "inf", "nan", a sign before them. */
dlt_status reader_number(struct reader *reader, double *number) {
    struct reader ahead = *reader;
    bool negative = reader_accept(&ahead, "-");
    const char *end = NULL;
    reader_skip_space(&ahead);
    if (!reader_name_length(&ahead) || reader_at_word(&ahead, "inf") ||
        reader_at_word(&ahead, "nan"))
        end = *ahead.at == '-' || *ahead.at == '+' ? NULL : number_read(ahead.at, number);
    if (!end)
        return reader_expected(reader, "a number");
    *number = negative ? -*number : *number;
    reader->at = end;
    return DLT_OK;
}

dlt_status reader_type(struct reader *reader, enum data_type *type) {
    char name[MAX_NAME], types[64] = "a type:";
    const char *start;
    for (int i = 0; i < TYPE_COUNT; i++) {
        strcat(types, " ");
        strcat(types, data_types[i].name);
    }
    reader_skip_space(reader);
    start = reader->at;
    TRY(reader_name(reader, types, name));
    if (data_type_parse(name, type))
        return DLT_OK;
    reader->at = start;
    return reader_expected(reader, types);
}

dlt_status reader_enter(struct reader *reader) {
    if (++reader->nesting > MAX_NESTING)
        return reader_fail(reader, reader->at, "nested more than %d deep", MAX_NESTING);
    if (++reader->node_count > MAX_BODY_NODES)
        return reader_fail(reader, reader->at, "a body of more than %d parts", MAX_BODY_NODES);
    return DLT_OK;
}

void reader_leave(struct reader *reader) {
    reader->nesting--;
}
