/* Text form of expressions, one tensor after the other:
 *
 *     "input" name "[" axes "]" type kind ["layout" layout] ["=" "{" numbers "}"]
 *     name "[" axes "]" type ["accumulate"] ["layout" layout] "=" [combiner "(" axes ")"] value
 *
 * where axes are name=extent pairs and a layout runs to the end of the line, to ';' or to '='.
 * White space, line ends and ';' mean nothing elsewhere. Indices are in parse_index.c, values in
 * parse_value.c. */
#include "te/parse_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct declaration {
    char name[MAX_NAME];
    const char *start;
    int rank;
    const struct variable *axes[MAX_RANK];
    enum data_type type;
    char *layout; /* NULL: plain */
};

/* Fails with what a function of the library found wrong at this place. */
static dlt_status fail_with(struct reader *reader, const char *at, const struct error *error) {
    return reader_fail(reader, at, "%.350s", error->message);
}

/* name=extent, ... up to the closing sign; the axes come into scope. */
static dlt_status parse_axes(struct reader *reader, const char *closing, int *count,
                             const struct variable **axes) {
    *count = 0;
    while (!reader_accept(reader, closing)) {
        char name[MAX_NAME];
        const char *start;
        int64_t extent;
        if (*count)
            TRY(reader_require(reader, ","));
        reader_skip_space(reader);
        start = reader->at;
        TRY(reader_name(reader, "an axis", name));
        for (int i = 0; i < reader->scope_count; i++)
            if (strcmp(reader->scope[i]->name, name) == 0)
                return reader_fail(reader, start, "there is an axis %s already", name);
        if (*count == MAX_RANK)
            return reader_fail(reader, start, "more than %d axes", MAX_RANK);
        TRY(reader_require(reader, "="));
        TRY(reader_integer(reader, "an extent", 1, MAX_EXTENT, &extent));
        axes[*count] = expression_axis(reader->expression, name, extent);
        reader->scope[reader->scope_count++] = axes[(*count)++];
    }
    return DLT_OK;
}

/* The rest of the line, or up to '=' or ';', without blanks around it. */
static char *read_layout(struct reader *reader) {
    const char *end;
    char *layout;
    reader_skip_space(reader);
    end = reader->at + strcspn(reader->at, "=;\n");
    layout = arena_format(reader->expression->arena, "%.*s", (int)(end - reader->at), reader->at);
    for (size_t i = strlen(layout); i > 0 && strchr(" \t\r", layout[i - 1]); i--)
        layout[i - 1] = 0;
    reader->at = end;
    return layout;
}

static dlt_status parse_declaration(struct reader *reader, struct declaration *declaration) {
    reader->scope_count = 0;
    reader->node_count = 0;
    reader_skip_space(reader);
    declaration->start = reader->at;
    TRY(reader_name(reader, "a tensor", declaration->name));
    TRY(reader_require(reader, "["));
    TRY(parse_axes(reader, "]", &declaration->rank, declaration->axes));
    return reader_type(reader, &declaration->type);
}

static bool accept_word(struct reader *reader, const char *word) {
    reader_skip_space(reader);
    if (!reader_at_word(reader, word))
        return false;
    reader->at += strlen(word);
    return true;
}

static void parse_layout(struct reader *reader, struct declaration *declaration) {
    declaration->layout = accept_word(reader, "layout") ? read_layout(reader) : NULL;
}

static dlt_status set_layout(struct reader *reader, const struct declaration *declaration,
                             struct tensor *tensor) {
    struct error error;
    if (declaration->layout &&
        expression_set_layout(reader->expression, tensor, declaration->layout, &error))
        return fail_with(reader, declaration->start, &error);
    return DLT_OK;
}

static dlt_status parse_kind(struct reader *reader, enum tensor_kind *kind) {
    static const char *const kinds[] = {"variable", "parameter", "literal"};
    for (int i = 0; i < 3; i++)
        if (accept_word(reader, kinds[i])) {
            *kind = (enum tensor_kind)i;
            return DLT_OK;
        }
    return reader_expected(reader, "'variable', 'parameter' or 'literal'");
}

static dlt_status parse_literal(struct reader *reader, struct tensor *tensor) {
    int64_t count = 1;
    double *numbers;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->axes[i]->extent;
    TRY(reader_require(reader, "="));
    TRY(reader_require(reader, "{"));
    if ((size_t)count > strlen(reader->at))
        return reader_fail(reader, reader->at, "expected %lld numbers, the text ends before",
                           (long long)count);
    numbers = ARENA_ARRAY(reader->expression->arena, double, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        if (i)
            TRY(reader_require(reader, ","));
        TRY(reader_number(reader, &numbers[i]));
        numbers[i] = data_type_constant(tensor->type, numbers[i]);
    }
    TRY(reader_require(reader, "}"));
    tensor->literal = numbers;
    return DLT_OK;
}

static dlt_status parse_input(struct reader *reader) {
    struct declaration declaration;
    struct tensor *tensor;
    enum tensor_kind kind = TENSOR_VARIABLE;
    struct error error;
    TRY(parse_declaration(reader, &declaration));
    TRY(parse_kind(reader, &kind));
    parse_layout(reader, &declaration);
    if (expression_input(reader->expression, kind, declaration.name, declaration.type,
                         declaration.rank, declaration.axes, &tensor, &error))
        return fail_with(reader, declaration.start, &error);
    TRY(set_layout(reader, &declaration, tensor));
    return kind == TENSOR_LITERAL ? parse_literal(reader, tensor) : DLT_OK;
}

/* A combiner is told from an operation of the same name by the axis=extent that follows. */
static dlt_status parse_combiner(struct reader *reader, enum combiner *combiner, int *rank,
                                 const struct variable **axes) {
    *combiner = COMBINE_NONE;
    *rank = 0;
    reader_skip_space(reader);
    for (int i = COMBINE_SUM; i < COMBINER_COUNT; i++) {
        struct reader ahead = *reader;
        char name[MAX_NAME];
        if (!reader_at_word(reader, combiners[i].name))
            continue;
        ahead.at += strlen(combiners[i].name);
        if (!reader_accept(&ahead, "(") || reader_name(&ahead, "", name) ||
            !reader_accept(&ahead, "="))
            continue;
        *combiner = (enum combiner)i;
        reader->at += strlen(combiners[i].name);
        TRY(reader_require(reader, "("));
        return parse_axes(reader, ")", rank, axes);
    }
    return DLT_OK;
}

static dlt_status parse_computed(struct reader *reader) {
    const struct variable *reduction_axes[MAX_RANK];
    struct declaration declaration;
    struct tensor *tensor;
    const struct value *body;
    enum combiner combiner;
    struct error error;
    int reduction_rank;
    bool accumulate;
    TRY(parse_declaration(reader, &declaration));
    accumulate = accept_word(reader, "accumulate");
    parse_layout(reader, &declaration);
    TRY(reader_require(reader, "="));
    reader->type = declaration.type;
    TRY(parse_combiner(reader, &combiner, &reduction_rank, reduction_axes));
    TRY(parse_value(reader, &body));
    if (body->type != declaration.type)
        return reader_fail(reader, reader->at, "tensor %s is declared %s, but its body is %s",
                           declaration.name, data_types[declaration.type].name,
                           data_types[body->type].name);
    if (expression_computed(reader->expression, declaration.name, declaration.rank,
                            declaration.axes, reduction_rank, reduction_axes, combiner, body,
                            &tensor, &error))
        return fail_with(reader, declaration.start, &error);
    tensor->accumulate = accumulate;
    return set_layout(reader, &declaration, tensor);
}

/* "input" is a keyword where a name follows it, not '['. */
static bool accept_input(struct reader *reader) {
    struct reader ahead = *reader;
    if (!reader_at_word(reader, "input"))
        return false;
    ahead.at += strlen("input");
    reader_skip_space(&ahead);
    if (!reader_name_length(&ahead))
        return false;
    reader->at = ahead.at;
    return true;
}

dlt_status expression_parse(struct arena *arena, const char *text, struct expression **expression,
                            struct error *error) {
    struct reader reader = {.expression = expression_create(arena), .text = text, .at = text};
    reader_skip_space(&reader);
    do {
        dlt_status status = accept_input(&reader) ? parse_input(&reader) : parse_computed(&reader);
        if (status)
            return error_set(error, status, "%s", reader.error.message);
        reader_skip_space(&reader);
    } while (*reader.at);
    *expression = reader.expression;
    return DLT_OK;
}
