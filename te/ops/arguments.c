/* Reading, checking and canonical spelling of a workload's values; see arguments.h. */
#include "te/ops/arguments.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct argument {
    const char *given;     /* as the user wrote it, or the key's default */
    const char *canonical; /* NULL until read */
    bool required_in_text; /* sizes are printed even at their default */
};

struct operator_arguments {
    struct arena *arena;
    const struct operator_definition *definition;
    struct argument values[MAX_OPERATOR_KEYS]; /* one for each of the operator's keys */
};

static int find_key(const struct operator_definition *definition, const char *key) {
    for (int i = 0; definition->keys[i].name; i++)
        if (!strcmp(definition->keys[i].name, key))
            return i;
    return -1;
}

/* The names of all keys, for messages. */
static const char *key_names(struct arena *arena, const struct operator_definition *definition) {
    const char *names = "";
    for (int i = 0; definition->keys[i].name; i++)
        names = arena_format(arena, "%s%s%s", names, i ? " " : "", definition->keys[i].name);
    return names;
}

const char *const *arguments_alternatives(const struct operator_definition *definition,
                                          const char *key) {
    for (const struct operator_alternatives *row = definition->alternatives; row && row->key; row++)
        if (!strcmp(row->key, key))
            return row->values;
    return NULL;
}

/* `any` is several workloads: nothing that could be built. */
static dlt_status refuse_any(struct arena *arena, const char *key, const char *const *values,
                             struct error *error) {
    const char *names = values[0];
    for (int i = 1; values[i]; i++)
        names = arena_format(arena, "%s %s", names, values[i]);
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "%s: 'any' leaves it to the tuner, but one is needed here; it may be one of: "
                     "%s",
                     key, names);
}

dlt_status arguments_create(struct arena *arena, const struct operator_definition *definition,
                            const struct workload *workload, struct operator_arguments **arguments,
                            struct error *error) {
    struct operator_arguments *made = ARENA_NEW(arena, struct operator_arguments);
    made->arena = arena;
    made->definition = definition;
    for (int i = 0; i < workload->argument_count; i++) {
        const struct workload_argument *argument = &workload->arguments[i];
        int row = find_key(definition, argument->key);
        if (row < 0)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s: unknown key '%s'; it may be one of: %s", definition->name,
                             argument->key, key_names(arena, definition));
        if (made->values[row].given)
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: given twice, '%s' and '%s'",
                             argument->key, made->values[row].given, argument->value);
        const char *const *choices = arguments_alternatives(definition, argument->key);
        if (choices && !strcmp(argument->value, "any"))
            return refuse_any(arena, argument->key, choices, error);
        made->values[row].given = arena_format(arena, "%s", argument->value);
    }
    for (int i = 0; definition->keys[i].name; i++)
        if (!made->values[i].given)
            made->values[i].given = definition->keys[i].default_value;
    *arguments = made;
    return DLT_OK;
}

void arguments_print(struct text *text, const struct operator_arguments *arguments) {
    const struct operator_definition *definition = arguments->definition;
    text_append(text, definition->name);
    for (int i = 0; definition->keys[i].name; i++) {
        const struct argument *argument = &arguments->values[i];
        const char *standard = definition->keys[i].default_value;
        if (!argument->canonical)
            continue;
        if (argument->required_in_text || !standard || strcmp(argument->canonical, standard))
            text_format(text, " %s=%s", definition->keys[i].name, argument->canonical);
    }
}

const char *arguments_text(struct operator_arguments *arguments, const char *key) {
    return arguments->values[find_key(arguments->definition, key)].given;
}

void arguments_write_text(struct operator_arguments *arguments, const char *key,
                          const char *value) {
    arguments->values[find_key(arguments->definition, key)].canonical =
        arena_format(arguments->arena, "%s", value);
}

static void write_number(struct operator_arguments *arguments, const char *key, int64_t number) {
    arguments_write_text(arguments, key, arena_format(arguments->arena, "%" PRId64, number));
}

/* ---- numbers ---- */

/* Reads a decimal number that fills `length` bytes; false if it is none or exceeds 64 bits. */
static bool read_number(const char *text, size_t length, int64_t *number) {
    int64_t value = 0;
    bool negative = length > 0 && text[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == length)
        return false;
    for (; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text[i] - '0', &value))
            return false;
    }
    *number = negative ? -value : value;
    return true;
}

/* Reads `count` or fewer numbers with `separator` between them; answers how many, 0 if
 * malformed. */
static int read_numbers(const char *text, char separator, int count, int64_t *numbers) {
    int found = 0;
    for (;;) {
        const char *end = strchr(text, separator);
        size_t length = end ? (size_t)(end - text) : strlen(text);
        if (found == count || !read_number(text, length, &numbers[found]))
            return 0;
        found++;
        if (!end)
            return found;
        text = end + 1;
    }
}

static bool all_between(const int64_t *numbers, int count, int64_t lowest, int64_t highest) {
    for (int i = 0; i < count; i++)
        if (numbers[i] < lowest || numbers[i] > highest)
            return false;
    return true;
}

static dlt_status missing(const struct operator_arguments *arguments, const char *key,
                          struct error *error) {
    const struct operator_definition *definition = arguments->definition;
    return error_set(error, DLT_ERROR_ARGUMENT, "%s: missing; %s needs it (%s)", key,
                     definition->name, definition->keys[find_key(definition, key)].help);
}

dlt_status arguments_number(struct operator_arguments *arguments, const char *key, int64_t lowest,
                            int64_t highest, int64_t *number, struct error *error) {
    const char *given = arguments_text(arguments, key);
    if (!given)
        return missing(arguments, key, error);
    if (!read_number(given, strlen(given), number) || !all_between(number, 1, lowest, highest))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: '%s' is not a number from %" PRId64 " to %" PRId64, key, given,
                         lowest, highest);
    write_number(arguments, key, *number);
    return DLT_OK;
}

dlt_status arguments_size(struct operator_arguments *arguments, const char *key, int64_t *size,
                          struct error *error) {
    arguments->values[find_key(arguments->definition, key)].required_in_text = true;
    return arguments_number(arguments, key, 1, MAX_EXTENT, size, error);
}

dlt_status arguments_at_least(struct operator_arguments *arguments, const char *key, int64_t lowest,
                              int64_t *number, struct error *error) {
    int row = find_key(arguments->definition, key);
    const char *standard = arguments->definition->keys[row].default_value;
    *number = lowest;
    if (arguments->values[row].given != standard)
        TRY(arguments_number(arguments, key, lowest, MAX_EXTENT, number, error));
    if (*number == lowest)
        arguments_write_text(arguments, key, standard);
    return DLT_OK;
}

dlt_status arguments_pair(struct operator_arguments *arguments, const char *key, int64_t lowest,
                          int64_t highest, int64_t pair[2], struct error *error) {
    const char *given = arguments_text(arguments, key);
    int found = given ? read_numbers(given, 'x', 2, pair) : 0;
    if (!given)
        return missing(arguments, key, error);
    if (!found || !all_between(pair, found, lowest, highest))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: '%s' is not a number from %" PRId64 " to %" PRId64
                         ", nor two of them such as 2x1",
                         key, given, lowest, highest);
    if (found == 1)
        pair[1] = pair[0];
    arguments_write_pair(arguments, key, pair);
    return DLT_OK;
}

dlt_status arguments_pads(struct operator_arguments *arguments, const char *key, int64_t pads[4],
                          struct error *error) {
    const char *given = arguments_text(arguments, key);
    int64_t pair[2];
    int found;
    if (!given)
        return missing(arguments, key, error);
    found = read_numbers(given, 'x', 2, pair);
    if (found) {
        pads[0] = pads[2] = pair[0];
        pads[1] = pads[3] = pair[found - 1];
    }
    if ((!found && read_numbers(given, ',', 4, pads) != 4) ||
        !all_between(pads, 4, 0, MAX_ATTRIBUTE))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: '%s' is not a number from 0 to %" PRId64
                         ", nor two such as 2x1, nor four as top,left,bottom,right",
                         key, given, MAX_ATTRIBUTE);
    arguments_write_pads(arguments, key, pads);
    return DLT_OK;
}

void arguments_write_pair(struct operator_arguments *arguments, const char *key,
                          const int64_t pair[2]) {
    if (pair[0] == pair[1])
        write_number(arguments, key, pair[0]);
    else
        arguments_write_text(
            arguments, key,
            arena_format(arguments->arena, "%" PRId64 "x%" PRId64, pair[0], pair[1]));
}

void arguments_write_pads(struct operator_arguments *arguments, const char *key,
                          const int64_t pads[4]) {
    if (pads[0] == pads[2] && pads[1] == pads[3])
        arguments_write_pair(arguments, key, pads);
    else
        arguments_write_text(arguments, key,
                             arena_format(arguments->arena,
                                          "%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, pads[0],
                                          pads[1], pads[2], pads[3]));
}

/* ---- names ---- */

static const char *join(struct arena *arena, const char *const *names, int count) {
    const char *joined = "";
    for (int i = 0; i < count; i++)
        joined = arena_format(arena, "%s%s%s", joined, i ? "," : "", names[i]);
    return joined;
}

static int find_name(const char *text, size_t length, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (strlen(names[i]) == length && !memcmp(names[i], text, length))
            return i;
    return -1;
}

dlt_status arguments_list(struct operator_arguments *arguments, const char *key,
                          const char *const *allowed, int allowed_count, int list[MAX_LIST],
                          int *count, struct error *error) {
    const char *given = arguments_text(arguments, key), *next = given;
    const char *names[MAX_LIST];
    *count = 0;
    while (next && strcmp(given, "none")) {
        const char *comma = strchr(next, ',');
        size_t length = comma ? (size_t)(comma - next) : strlen(next);
        int row = find_name(next, length, allowed, allowed_count);
        if (row < 0)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s: '%.*s' in '%s' is not known; it may be none, or a list of: %s",
                             key, (int)length, next, given,
                             join(arguments->arena, allowed, allowed_count));
        if (*count == MAX_LIST)
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: '%s' has more than %d names", key,
                             given, MAX_LIST);
        list[(*count)++] = row;
        next = comma ? comma + 1 : NULL;
    }
    for (int i = 0; i < *count; i++)
        names[i] = allowed[list[i]];
    arguments_write_text(arguments, key, *count ? join(arguments->arena, names, *count) : "none");
    return DLT_OK;
}

dlt_status arguments_set(struct operator_arguments *arguments, const char *key,
                         const char *const *allowed, int allowed_count, bool *chosen,
                         struct error *error) {
    const char *names[MAX_LIST];
    int list[MAX_LIST], count, kept = 0;
    TRY(arguments_list(arguments, key, allowed, allowed_count, list, &count, error));
    memset(chosen, 0, (size_t)allowed_count * sizeof *chosen);
    for (int i = 0; i < count; i++) {
        if (chosen[list[i]])
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: '%s' names %s twice", key,
                             arguments_text(arguments, key), allowed[list[i]]);
        chosen[list[i]] = true;
    }
    for (int i = 0; i < allowed_count; i++)
        if (chosen[i])
            names[kept++] = allowed[i];
    arguments_write_text(arguments, key, kept ? join(arguments->arena, names, kept) : "none");
    return DLT_OK;
}

dlt_status arguments_type(struct operator_arguments *arguments, const char *key,
                          enum data_type *type, struct error *error) {
    const char *given = arguments_text(arguments, key), *names[TYPE_COUNT];
    for (int i = 0; i < TYPE_COUNT; i++)
        names[i] = data_types[i].name;
    if (!data_type_parse(given, type))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: '%s' is not an element type; it may be one of: %s", key, given,
                         join(arguments->arena, names, TYPE_COUNT));
    arguments_write_text(arguments, key, data_types[*type].name);
    return DLT_OK;
}
