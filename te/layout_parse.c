/* Text of layouts: reading, and checking that every value has exactly one place; see layout.h. */
#include "te/layout.h"

#include "base/plain.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    const char *text, *at;
    int rank;
    const char *const *axis_names;
    const int64_t *extents;
    struct layout *layout;
    struct error *error;
};

static dlt_status unknown_axis(const struct reader *reader, const char *name, int length) {
    char known[256] = "";
    for (int axis = 0; axis < reader->rank; axis++) {
        strncat(known, axis ? " " : "", sizeof known - strlen(known) - 1);
        strncat(known, reader->axis_names[axis], sizeof known - strlen(known) - 1);
    }
    return error_set(reader->error, DLT_ERROR_ARGUMENT,
                     "'%.100s': '%.*s' is not an axis; the axes are %s", reader->text,
                     length < 60 ? length : 60, name, known);
}

static int find_axis(const struct reader *reader, const char *name, size_t length) {
    for (int axis = 0; axis < reader->rank; axis++)
        if (strlen(reader->axis_names[axis]) == length &&
            memcmp(reader->axis_names[axis], name, length) == 0)
            return axis;
    return -1;
}

/* The number after `sign`, if that sign comes next; else `number` stays. */
static dlt_status read_number(struct reader *reader, char sign, int64_t least, int64_t *number) {
    long long value;
    char *end;
    if (*reader->at != sign)
        return DLT_OK;
    reader->at++;
    value = plain_is_digit(*reader->at) ? strtoll(reader->at, &end, 10) : -1;
    if (value < least || value > MAX_EXTENT)
        return error_set(reader->error, DLT_ERROR_ARGUMENT,
                         "'%.100s': after '%c' comes '%.20s', it must be a number from %lld to "
                         "%lld",
                         reader->text, sign, reader->at, (long long)least, (long long)MAX_EXTENT);
    reader->at = end;
    *number = value;
    return DLT_OK;
}

static dlt_status add_dimension(struct reader *reader, int axis, int64_t divisor, int64_t modulus,
                                int64_t extent) {
    struct layout *layout = reader->layout;
    int64_t needed = modulus ? modulus : (reader->extents[axis] + divisor - 1) / divisor;
    if (layout->dimension_count == MAX_LAYOUT_DIMENSIONS)
        return error_set(reader->error, DLT_ERROR_ARGUMENT, "'%.100s': more than %d dimensions",
                         reader->text, MAX_LAYOUT_DIMENSIONS);
    if (extent && extent < needed)
        return error_set(reader->error, DLT_ERROR_ARGUMENT,
                         "'%.100s': extent %lld of a dimension of %s, it must be at least %lld",
                         reader->text, (long long)extent, reader->axis_names[axis],
                         (long long)needed);
    layout->dimensions[layout->dimension_count++] = (struct layout_dimension){
        .axis = axis, .divisor = divisor, .modulus = modulus, .extent = extent ? extent : needed};
    return DLT_OK;
}

static bool is_name_character(char c) {
    return plain_is_alphanumeric(c) || c == '_' || c == '.';
}

static dlt_status read_dimension(struct reader *reader) {
    int64_t divisor = 1, modulus = 0, extent = 0;
    const char *name = reader->at;
    int axis;
    while (is_name_character(*reader->at))
        reader->at++;
    axis = find_axis(reader, name, (size_t)(reader->at - name));
    if (axis < 0)
        return unknown_axis(reader, name, reader->at > name ? (int)(reader->at - name) : 1);
    TRY(read_number(reader, '/', 1, &divisor));
    TRY(read_number(reader, '%', 1, &modulus));
    TRY(read_number(reader, ':', 1, &extent));
    if (*reader->at && *reader->at != ' ')
        return error_set(reader->error, DLT_ERROR_ARGUMENT,
                         "'%.100s': '%.20s' after axis %s, expected '/', '%%', ':' or a space",
                         reader->text, reader->at, reader->axis_names[axis]);
    return add_dimension(reader, axis, divisor, modulus, extent);
}

/* "nchw": every letter an axis of its own. */
static bool is_compact(const struct reader *reader) {
    const char *c = reader->text;
    if (strlen(c) < 2 || find_axis(reader, c, strlen(c)) >= 0)
        return false;
    while (plain_is_letter(*c))
        c++;
    if (*c)
        return false;
    for (int axis = 0; axis < reader->rank; axis++)
        if (strlen(reader->axis_names[axis]) != 1)
            return false;
    return true;
}

static dlt_status read_compact(struct reader *reader) {
    for (; *reader->at; reader->at++) {
        int axis = find_axis(reader, reader->at, 1);
        if (axis < 0)
            return unknown_axis(reader, reader->at, 1);
        TRY(add_dimension(reader, axis, 1, 0, 0));
    }
    return DLT_OK;
}

/* The pieces of an axis from the finest must follow each other: the first takes the remainder, each
 * next divides by what the ones before it cover, and the last covers the whole extent. */
static dlt_status check_axis(const struct reader *reader, int axis) {
    const struct layout *layout = reader->layout;
    const char *name = reader->axis_names[axis];
    int64_t covered = 1;
    int pieces = 0, used = 0;
    bool complete = false;
    for (int i = 0; i < layout->dimension_count; i++)
        pieces += layout->dimensions[i].axis == axis;
    while (used < pieces && !complete) {
        const struct layout_dimension *piece = NULL;
        for (int i = 0; i < layout->dimension_count && !piece; i++)
            if (layout->dimensions[i].axis == axis && layout->dimensions[i].divisor == covered)
                piece = &layout->dimensions[i];
        if (!piece)
            break;
        used++;
        complete = piece->modulus == 0;
        if (piece->modulus == 1) /* else it would be found again */
            break;
        covered *= piece->modulus;
        if (covered > MAX_EXTENT)
            complete = true;
    }
    complete = complete || (covered >= reader->extents[axis] && used > 0);
    if (pieces == 0)
        return error_set(reader->error, DLT_ERROR_ARGUMENT, "'%.100s': axis %s has no place in it",
                         reader->text, name);
    if (used < pieces || !complete)
        return error_set(reader->error, DLT_ERROR_ARGUMENT,
                         "'%.100s': the pieces of axis %s do not give each of its %lld values one "
                         "place; write them like %s/16 and %s%%16",
                         reader->text, name, (long long)reader->extents[axis], name, name);
    return DLT_OK;
}

static dlt_status set_strides(const struct reader *reader) {
    struct layout *layout = reader->layout;
    double elements = 1;
    for (int i = 0; i < layout->dimension_count; i++)
        elements *= (double)layout->dimensions[i].extent;
    if (elements > (double)MAX_ELEMENTS)
        return error_set(reader->error, DLT_ERROR_ARGUMENT,
                         "'%.100s': %.0f elements, at most %lld are possible", reader->text,
                         elements, (long long)MAX_ELEMENTS);
    layout->elements = 1;
    for (int i = layout->dimension_count - 1; i >= 0; i--) {
        layout->dimensions[i].stride = layout->elements;
        layout->elements *= layout->dimensions[i].extent;
    }
    return DLT_OK;
}

dlt_status layout_parse(struct layout *layout, const char *text, int rank,
                        const char *const *axis_names, const int64_t *extents,
                        struct error *error) {
    struct layout parsed = {0};
    struct reader reader = {text, text, rank, axis_names, extents, &parsed, error};
    if (is_compact(&reader)) {
        TRY(read_compact(&reader));
    } else {
        while (*reader.at == ' ')
            reader.at++;
        while (*reader.at) {
            TRY(read_dimension(&reader));
            while (*reader.at == ' ')
                reader.at++;
        }
    }
    for (int axis = 0; axis < rank; axis++)
        TRY(check_axis(&reader, axis));
    TRY(set_strides(&reader));
    *layout = parsed;
    return DLT_OK;
}
