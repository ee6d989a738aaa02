/* Splitting a workload's text into an operator and key=value pairs; see task.h. */
#include "te/task.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT (INT64_C(1) << 31) /* calls of one workload in a network */

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *copy(struct arena *arena, const char *start, size_t length) {
    return arena_format(arena, "%.*s", (int)length, start);
}

/* The length of a word; quotes hold words with spaces together, as in layout="n c/16 h w c%16". */
static size_t word_length(const char *text, bool *unclosed) {
    size_t length = 0;
    char quote = 0;
    for (; text[length] && (quote || !is_space(text[length])); length++) {
        char c = text[length];
        if (quote ? c == quote : c == '"' || c == '\'')
            quote = quote ? 0 : c;
    }
    *unclosed = quote != 0;
    return length;
}

static void strip_quotes(const char **start, size_t *length) {
    char first = *length >= 2 ? **start : 0;
    if ((first == '"' || first == '\'') && (*start)[*length - 1] == first) {
        *start += 1;
        *length -= 2;
    }
}

/* "count=" is about a network, not about the work. */
static dlt_status read_count(const char *value, int64_t *count, struct error *error) {
    char *end;
    long long number = strtoll(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end || number < 1 || number > MAX_COUNT)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "count: '%s' is not a number from 1 to %" PRId64, value, MAX_COUNT);
    *count = number;
    return DLT_OK;
}

static dlt_status add_pair(struct arena *arena, const char *word, size_t length,
                           struct workload *workload, bool *counted, struct error *error) {
    const char *equals = memchr(word, '=', length), *value;
    struct workload_argument argument;
    size_t value_length;
    if (equals && equals > word && equals + 1 == word + length)
        return error_set(error, DLT_ERROR_ARGUMENT, "%.*s: its value is empty",
                         (int)(equals - word), word);
    if (!equals || equals == word)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "workload: '%.*s' is not a key=value pair such as m=128", (int)length,
                         word);
    value = equals + 1;
    value_length = length - (size_t)(value - word);
    strip_quotes(&value, &value_length);
    argument.key = copy(arena, word, (size_t)(equals - word));
    argument.value = copy(arena, value, value_length);
    if (!strcmp(argument.key, "count")) {
        if (*counted)
            return error_set(error, DLT_ERROR_ARGUMENT, "count: given twice");
        *counted = true;
        return read_count(argument.value, &workload->count, error);
    }
    if (workload->argument_count == MAX_WORKLOAD_ARGUMENTS)
        return error_set(error, DLT_ERROR_ARGUMENT, "workload: more than %d key=value pairs",
                         MAX_WORKLOAD_ARGUMENTS);
    workload->arguments[workload->argument_count++] = argument;
    return DLT_OK;
}

dlt_status workload_parse(struct arena *arena, const char *text, struct workload *workload,
                          struct error *error) {
    bool counted = false, unclosed = false;
    memset(workload, 0, sizeof *workload);
    workload->count = 1;
    for (;;) {
        size_t length;
        while (is_space(*text))
            text++;
        if (!*text)
            break;
        length = word_length(text, &unclosed);
        if (unclosed)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "workload: the quote in '%.60s' is not closed", text);
        if (workload->operator_name)
            TRY(add_pair(arena, text, length, workload, &counted, error));
        else if (memchr(text, '=', length))
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "workload: '%.*s' stands where the operator's name belongs",
                             (int)length, text);
        else
            workload->operator_name = copy(arena, text, length);
        text += length;
    }
    if (!workload->operator_name)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "workload: empty; it may be an operator and key=value pairs, such as "
                         "matmul m=128 n=128 k=128");
    return DLT_OK;
}
