/* Layouts: text, what is refused, offsets against a slow definition, and copies there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/layout.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"n", "c", "h", "w"};
static const int64_t extents[] = {2, 20, 3, 5};

static void expect_text(const char *text, const char *printed, int64_t elements) {
    struct layout layout, again;
    struct error error = {0};
    struct text out = {0};
    assert_int_equal(layout_parse(&layout, text, 4, names, extents, &error), DLT_OK);
    layout_print(&out, &layout, names, extents);
    assert_string_equal(text_string(&out), printed);
    assert_int_equal(layout.elements, elements);
    assert_int_equal(layout_parse(&again, printed, 4, names, extents, &error), DLT_OK);
    assert_true(layout_equal(&layout, &again));
    text_free(&out);
}

static void texts(void **state) {
    struct layout plain, parsed;
    (void)state;
    expect_text("nchw", "n c h w", 600);
    expect_text("  n  h w c ", "n h w c", 600);
    expect_text("n c/16 h w c%16", "n c/16 h w c%16", 2 * 2 * 16 * 15);
    expect_text("n c/8 h w c/2%4 c%2", "n c/8 h w c/2%4 c%2", 2 * 3 * 8 * 15);
    expect_text("n c h w:8", "n c h w:8", 2 * 20 * 3 * 8);
    expect_text("n c%32 h w", "n c%32 h w", 2 * 32 * 15);
    expect_text("n c h:3 w:5", "n c h w", 600);
    assert_int_equal(layout_plain(&plain, 4, extents, NULL), DLT_OK);
    assert_int_equal(layout_parse(&parsed, "nchw", 4, names, extents, NULL), DLT_OK);
    assert_true(layout_equal(&plain, &parsed));
    assert_int_equal(parsed.dimensions[0].stride, 300);
    assert_int_equal(layout_parse(&parsed, "nhwc", 4, names, extents, NULL), DLT_OK);
    assert_false(layout_equal(&plain, &parsed));
    assert_int_equal(layout_parse(&parsed, "", 0, NULL, NULL, NULL), DLT_OK);
    assert_int_equal(parsed.elements, 1);
}

static void expect_used(const char *text, int64_t used) {
    struct layout layout;
    assert_int_equal(layout_parse(&layout, text, 4, names, extents, NULL), DLT_OK);
    assert_int_equal(layout_used(&layout, extents), used);
}

/* Lanes count, gaps between rows do, a gap behind the last row does not. */
static void memory_that_is_used(void **state) {
    (void)state;
    expect_used("nchw", 600);
    expect_used("n c/16 h w c%16", 2 * 2 * 16 * 15);
    expect_used("n c h w:8", 2 * 20 * 3 * 8 - 3);
    expect_used("n:5 c h:4 w:8", (20 + 19) * 4 * 8 + 2 * 8 + 5);
}

static void expect_refused(const char *text, const char *message) {
    struct layout layout;
    struct error error = {0};
    assert_int_equal(layout_parse(&layout, text, 4, names, extents, &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, message))
        fail_msg("'%s' gives '%s', expected '%s'", text, error.message, message);
}

static void refusals(void **state) {
    (void)state;
    expect_refused("nchx", "'x' is not an axis; the axes are n c h w");
    expect_refused("n c h", "axis w has no place");
    expect_refused("", "axis n has no place");
    expect_refused("n c h w w", "the pieces of axis w do not give");
    expect_refused("n c/16 h w", "the pieces of axis c do not give");
    expect_refused("n c/16 h w c%8", "the pieces of axis c do not give");
    expect_refused("n c/8 h w c%16", "the pieces of axis c do not give");
    expect_refused("n c%16 h w", "the pieces of axis c do not give");
    expect_refused("n c%1 h w", "the pieces of axis c do not give");
    expect_refused("n c%0 h w", "must be a number from 1");
    expect_refused("n c/0 h w", "must be a number from 1");
    expect_refused("n c/99999999999999999999 h w", "must be a number from 1");
    expect_refused("n c h w:4", "extent 4 of a dimension of w, it must be at least 5");
    expect_refused("n c h w;", "expected '/', '%', ':' or a space");
    expect_refused("n c h w+", "expected '/', '%', ':' or a space");
    expect_refused("n c:2000000000 h:2000000000 w", "elements, at most");
    expect_refused("n c%2 c/2%2 c/4%2 c/8%2 c/16%2 c/32%2 c/64%2 c/128%2 c/256%2 c/512%2 c/1024%2 "
                   "c/2048%2 c/4096%2 c/8192%2 h w",
                   "more than 16 dimensions");
}

static int64_t value_of(const void *subscripts, const struct variable *variable) {
    return ((const int64_t *)subscripts)[variable->id];
}

/* Every element has its own place; the index form and both copies agree on it. */
static void check_offsets(const char *text) {
    struct variable axes[4];
    const struct affine *subscripts[4], *offset;
    struct arena arena;
    struct layout layout;
    int *plain = malloc(600 * sizeof *plain), *back = malloc(600 * sizeof *back), *stored;
    int64_t at[4], filled = 0;
    arena_initialise(&arena);
    assert_int_equal(layout_parse(&layout, text, 4, names, extents, NULL), DLT_OK);
    stored = malloc((size_t)layout.elements * sizeof *stored);
    for (int i = 0; i < 600; i++)
        plain[i] = i + 1;
    layout_store(&layout, 4, extents, 4, plain, stored);
    layout_load(&layout, 4, extents, 4, stored, back);
    assert_memory_equal(plain, back, 600 * sizeof *plain);
    for (int axis = 0; axis < 4; axis++) {
        axes[axis] = (struct variable){names[axis], axis, 0, extents[axis]};
        subscripts[axis] = affine_variable(&arena, &axes[axis]);
    }
    offset = layout_offset(&arena, &layout, subscripts);
    for (int i = 0; i < 600; i++) {
        at[0] = i / 300, at[1] = i / 15 % 20, at[2] = i / 5 % 3, at[3] = i % 5;
        assert_int_equal(affine_evaluate(offset, value_of, at), layout_offset_of(&layout, at));
        assert_int_equal(stored[layout_offset_of(&layout, at)], i + 1);
    }
    for (int64_t i = 0; i < layout.elements; i++)
        filled += stored[i] != 0;
    assert_int_equal(filled, 600);
    free(plain), free(back), free(stored);
    arena_free(&arena);
}

static void offsets(void **state) {
    (void)state;
    check_offsets("nchw");
    check_offsets("whcn");
    check_offsets("n c/16 h w c%16");
    check_offsets("c%3 n c/3 h/2 w:9 h%2");
    check_offsets("n c/8 h w c/2%4 c%2");
    check_offsets("n c/7:4 h w c%7:8");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(memory_that_is_used),
        cmocka_unit_test(refusals),
        cmocka_unit_test(offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
