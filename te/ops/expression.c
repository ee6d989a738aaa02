/* expression: work that is told as a tensor expression itself instead of by an operator's sizes, so
 * that it is tuned, stored, found and exported like any other. In a workload its tensors stand on
 * one line, with ';' between them. (Up to version 4 of the database's schema ';' stood for every
 * line end of the text form, also behind the head of a reduction. It is still read.) */
#include "te/ops/arguments.h"

#include <string.h>

static const struct operator_key keys[] = {
    {"text", "tensors as `dltune explain --show expression` prints them, with ; between them",
     NULL},
    {NULL, NULL, NULL},
};

/* The lines of a text as one: "; " for a line end, `within` for one inside of a tensor, which the
 * text form follows with blanks. */
static char *join_lines(struct arena *arena, const char *text, const char *within) {
    char *joined = arena_allocate(arena, 2 * strlen(text) + 1), *out = joined;
    while (*text) {
        if (*text != '\n') {
            *out++ = *text++;
            continue;
        }
        const char *between = text[1] == ' ' ? within : "; ";
        text += strspn(text, " \n\t\r");
        if (*text)
            out = stpcpy(out, between);
    }
    *out = 0;
    return joined;
}

/* A line for each tensor, so that messages can say which. */
static char *split_lines(struct arena *arena, const char *text) {
    char *split = arena_format(arena, "%s", text);
    for (char *c = split; *c; c++)
        if (*c == ';')
            *c = '\n';
    return split;
}

static dlt_status write_canonical(struct operator_arguments *arguments,
                                  const struct expression *expression, struct error *error) {
    struct arena *arena = expression->arena;
    struct text printed = {0};
    char *line;
    /* The hash is of the older text, so that names in exported libraries stay what they were. */
    expression_print(&printed, expression);
    if (printed.failed) {
        text_free(&printed);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    line = join_lines(arena, text_string(&printed), " ");
    text_free(&printed);
    arguments_write_text(arguments, "text", arena_format(arena, "\"%s\"", line));
    return DLT_OK;
}

static dlt_status build_expression(struct operator_arguments *arguments,
                                   struct expression *expression, struct error *error) {
    const char *text = arguments_text(arguments, "text");
    struct expression *parsed;
    if (!text)
        return error_set(error, DLT_ERROR_ARGUMENT, "text: missing; expression needs it (%s)",
                         keys[0].help);
    if (strpbrk(text, "\"'"))
        return error_set(error, DLT_ERROR_ARGUMENT, "text: has a quote, which no expression has");
    if (expression_parse(expression->arena, split_lines(expression->arena, text), &parsed, error) !=
            DLT_OK ||
        expression_check(parsed, error) != DLT_OK)
        return error_prefix(error, "text");
    *expression = *parsed;
    return write_canonical(arguments, parsed, error);
}

const struct operator_definition expression_definition = {
    .name = "expression",
    .help = "a tensor expression as text",
    .keys = keys,
    .build = build_expression,
};
