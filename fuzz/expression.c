/* Expressions: what is read and checked prints to a text that reads back to the same text; nothing
 * else is taken. */
#include "fuzz/fuzz.h"

#include "te/collapse.h"
#include "te/expression.h"

/* Reads, checks and prints; false if it was refused. */
static bool print(const char *text, struct text *printed) {
    struct expression *expression;
    struct error error = {.status = DLT_OK};
    struct arena arena;
    bool good;
    arena_initialise(&arena);
    arena.limit = 64 << 20;
    if (arena_recover(&arena)) {
        arena_free(&arena);
        return false;
    }
    good = expression_parse(&arena, text, &expression, &error) == DLT_OK &&
           expression_check(expression, &error) == DLT_OK;
    require(good || error.message[0]);
    if (good) {
        expression_print(printed, expression);
        require(expression_check(expression_collapse(&arena, expression), &error) == DLT_OK);
    }
    arena_free(&arena);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = text_of(data, size);
    struct text first = {0}, second = {0};
    if (print(text, &first)) {
        require(print(text_string(&first), &second));
        require(strcmp(text_string(&first), text_string(&second)) == 0);
    }
    text_free(&first);
    text_free(&second);
    free(text);
    return 0;
}
