/* Text of indices, as affine_print writes it:
 *
 *     sum    = product { ("+" | "-") product }
 *     product = factor { "*" factor | "/" number | "%" number }
 *     factor = number | axis | "-" factor | "(" sum ")" | "min" "(" sum "," number ")"
 *
 * One side of "*" must be a number. Sizes are bounded here, so that nothing overflows later. */
#include "te/parse_reader.h"

#include "base/plain.h"

#include <string.h>

#define LARGEST (INT64_C(1) << 53)

static dlt_status check_size(struct reader *reader, const char *at, double magnitude,
                             const struct affine *index) {
    if (magnitude > (double)LARGEST)
        return reader_fail(reader, at, "the index grows beyond 2^53");
    if (index->term_count > MAX_INDEX_TERMS)
        return reader_fail(reader, at, "an index of more than %d terms", MAX_INDEX_TERMS);
    return DLT_OK;
}

dlt_status reader_check_index(struct reader *reader, const struct affine *index) {
    return check_size(reader, reader->at, affine_magnitude(index), index);
}

static dlt_status parse_axis(struct reader *reader, const struct affine **index) {
    char name[MAX_NAME], known[2 * MAX_RANK * MAX_NAME] = "";
    const char *start = reader->at;
    TRY(reader_name(reader, "an axis", name));
    for (int i = 0; i < reader->scope_count; i++) {
        if (strcmp(reader->scope[i]->name, name) == 0) {
            *index = affine_variable(reader->expression->arena, reader->scope[i]);
            return DLT_OK;
        }
        strcat(known, i ? " " : "");
        strcat(known, reader->scope[i]->name);
    }
    return reader_fail(reader, start, "%s is not an axis here; the axes are %.200s", name, known);
}

static dlt_status parse_minimum(struct reader *reader, const struct affine **index) {
    int64_t bound;
    TRY(reader_require(reader, "("));
    TRY(parse_index(reader, index));
    TRY(reader_require(reader, ","));
    TRY(reader_integer(reader, "a number", -LARGEST, LARGEST, &bound));
    TRY(reader_require(reader, ")"));
    *index = affine_minimum(reader->expression->arena, *index, bound);
    return DLT_OK;
}

static dlt_status parse_factor(struct reader *reader, const struct affine **index) {
    struct arena *arena = reader->expression->arena;
    int64_t number;
    TRY(reader_enter(reader));
    reader_skip_space(reader);
    if (plain_is_digit(*reader->at)) {
        TRY(reader_integer(reader, "a number", 0, LARGEST, &number));
        *index = affine_constant(arena, number);
    } else if (reader_accept(reader, "-")) {
        TRY(parse_factor(reader, index));
        *index = affine_scale(arena, *index, -1);
    } else if (reader_accept(reader, "(")) {
        TRY(parse_index(reader, index));
        TRY(reader_require(reader, ")"));
    } else if (reader_at_word(reader, "min") && reader->at[3] == '(') {
        reader->at += 3;
        TRY(parse_minimum(reader, index));
    } else if (reader_name_length(reader)) {
        TRY(parse_axis(reader, index));
    } else {
        return reader_expected(reader, "an index");
    }
    reader_leave(reader);
    return DLT_OK;
}

static dlt_status multiply(struct reader *reader, const char *at, const struct affine *a,
                           const struct affine *b, const struct affine **product) {
    double magnitude = affine_magnitude(a) * affine_magnitude(b);
    int64_t factor;
    TRY(check_size(reader, at, magnitude, a));
    if (!affine_is_constant(a, &factor)) {
        const struct affine *swapped = a;
        a = b;
        b = swapped;
    }
    if (!affine_is_constant(a, &factor))
        return reader_fail(reader, at, "one side of '*' in an index must be a number");
    *product = affine_scale(reader->expression->arena, b, factor);
    return DLT_OK;
}

static dlt_status parse_product(struct reader *reader, const struct affine **index) {
    struct arena *arena = reader->expression->arena;
    TRY(parse_factor(reader, index));
    for (;;) {
        const struct affine *factor;
        int64_t divisor;
        const char *at;
        reader_skip_space(reader);
        at = reader->at;
        if (reader_accept(reader, "*")) {
            TRY(parse_factor(reader, &factor));
            TRY(multiply(reader, at, *index, factor, index));
        } else if (reader_accept(reader, "/")) {
            TRY(reader_integer(reader, "a divisor", 1, LARGEST, &divisor));
            *index = affine_divide(arena, *index, divisor);
        } else if (reader_accept(reader, "%")) {
            TRY(reader_integer(reader, "a divisor", 1, LARGEST, &divisor));
            *index = affine_remainder(arena, *index, divisor);
        } else {
            return DLT_OK;
        }
    }
}

dlt_status parse_index(struct reader *reader, const struct affine **index) {
    struct arena *arena = reader->expression->arena;
    TRY(parse_product(reader, index));
    for (;;) {
        const struct affine *term;
        const char *at;
        bool minus;
        reader_skip_space(reader);
        at = reader->at;
        minus = reader_accept(reader, "-");
        if (!minus && !reader_accept(reader, "+"))
            return DLT_OK;
        TRY(parse_product(reader, &term));
        *index = minus ? affine_subtract(arena, *index, term) : affine_add(arena, *index, term);
        TRY(check_size(reader, at, affine_magnitude(*index), *index));
    }
}
