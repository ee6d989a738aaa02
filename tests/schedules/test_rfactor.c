/* The step rfactor: partial results of a reduction as a stage, what it refuses, and that the result
 * stays the same however the parts fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/schedules/fixture.h"

#include <stdio.h>

static const char matmul[] = "input a[i=10, k=7] f32 variable\n"
                             "input b[k=7, j=6] f32 parameter\n"
                             "c[i=10, j=6] f32 = sum(k=7) a[i, k] * b[k, j]\n";

static const char convolution[] = "input x[c=5, h=6] f32 variable\n"
                                  "input w[k=4, c=5, r=3] f32 parameter\n"
                                  "input bias[k=4] f32 variable\n"
                                  "conv[k=4, y=6] f32 = sum(c=5, r=3) select(0 <= y + r - 1 < 6, "
                                  "x[c, y + r - 1], 0) * w[k, c, r]\n"
                                  "output[k=4, y=6] f32 = conv[k, y] + bias[k]\n";

static void assert_body(const struct stage *stage, const char *expected) {
    struct text body = {0};
    value_print(&body, stage->body);
    assert_string_equal(text_string(&body), expected);
    text_free(&body);
}

static void test_outer_parts(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    accept(&f, "split c k 4");
    accept(&f, "rfactor c k.o");
    const struct stage *c = schedule_find(f.schedule, "c");
    const struct stage *partial = schedule_find(f.schedule, "c.partial");
    assert_int_equal(f.schedule->stage_count, 2);
    assert_ptr_equal(f.schedule->stages[0], partial);
    assert_loops(partial, "k.o i j k.i");
    assert_false(partial->loops[0].is_reduction);
    assert_true(partial->loops[3].is_reduction);
    assert_int_equal(partial->tensor->layout.elements, 120);
    /* the last part is shorter: a condition of the terms */
    assert_body(partial, "select(-4*k.o - k.i + 6 >= 0, a[i, 4*k.o + k.i] * b[4*k.o + k.i, j], 0)");
    assert_loops(c, "i j k.o");
    assert_body(c, "c.partial[k.o, i, j]");
    assert_int_equal(c->constraint_count, 0);
    assert_same_result(&f);
    /* both are stages like any other */
    accept(&f, "parallel c.partial k.o");
    accept(&f, "split c i 3 shift");
    accept(&f, "split c k.o 1");
    assert_same_result(&f);
    assert_string_equal(schedule_trace(f.schedule), "split c k 4 guard\n"
                                                    "rfactor c k.o\n"
                                                    "parallel c.partial k.o\n"
                                                    "split c i 3 shift\n"
                                                    "split c k.o 1\n");
    fixture_close(&f);
}

/* Inner pieces: accumulators beside each other, attached where the element is needed. */
static void test_inner_parts(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "split conv c 2");
    accept(&f, "rfactor conv c.i");
    accept(&f, "split output y 3");
    accept(&f, "attach conv output y.o");
    accept(&f, "attach conv.partial output y.o");
    const struct stage *partial = schedule_find(f.schedule, "conv.partial");
    assert_loops(partial, "c.i k y c.o r");
    assert_int_equal(partial->box_extent[0], 2);
    assert_int_equal(partial->box_extent[2], 3);
    assert_same_result(&f);
    fixture_close(&f);
}

/* Several loops at once, fused ones, and parts of parts. */
static void test_loops(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "split conv c 3");
    accept(&f, "rfactor conv c.o r");
    assert_loops(schedule_find(f.schedule, "conv"), "k y c.o r");
    assert_loops(schedule_find(f.schedule, "conv.partial"), "c.o r k y c.i");
    assert_same_result(&f);
    fixture_close(&f);
    fixture_open(&f, convolution);
    accept(&f, "fuse conv c r");
    accept(&f, "split conv c.r 4");
    accept(&f, "rfactor conv c.r.i");
    accept(&f, "split conv.partial c.r.o 3");
    accept(&f, "rfactor conv.partial c.r.o.o");
    assert_non_null(schedule_find(f.schedule, "conv.partial.partial"));
    assert_same_result(&f);
    fixture_close(&f);
}

static void try_parts(const char *combiner, const char *term, int extent, int factor, bool outer) {
    struct fixture f;
    char text[400], line[40];
    snprintf(text, sizeof text,
             "input x[i=3, k=%d] f32 variable\n"
             "t[i=3] f32 = %s(k=%d) %s\n",
             extent, combiner, extent, term);
    fixture_open(&f, text);
    snprintf(line, sizeof line, "split t k %d", factor);
    accept(&f, line);
    accept(&f, outer ? "rfactor t k.o" : "rfactor t k.i");
    assert_same_result(&f);
    fixture_close(&f);
}

/* Extents of one, primes, parts that do not divide, more parts than trips; every combiner. */
static void test_extents_and_combiners(void **state) {
    static const int extents[] = {1, 2, 7, 13, 16, 17};
    static const int factors[] = {1, 2, 3, 5, 16, 20};
    (void)state;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            for (int outer = 0; outer < 2; outer++) {
                try_parts("sum", "x[i, k]", extents[i], factors[j], outer);
                try_parts("product", "x[i, k] * 0.5", extents[i], factors[j], outer);
                try_parts("max", "x[i, k] - 9", extents[i], factors[j], outer);
                try_parts("min", "x[i, k] + 9", extents[i], factors[j], outer);
            }
}

static void test_parameters_are_packed_ahead(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input w[k=9] f32 parameter\n"
                     "input x[n=4] f32 variable\n"
                     "total[z=1] f32 = sum(k=9) w[k]\n"
                     "y[n=4] f32 = x[n] * total[0]\n");
    accept(&f, "split total k 3");
    accept(&f, "rfactor total k.o");
    assert_true(schedule_find(f.schedule, "total.partial")->packs_ahead);
    assert_true(schedule_find(f.schedule, "total")->packs_ahead);
    assert_same_result(&f);
    fixture_close(&f);
}

/* The layout chosen before is that of the partial results too. */
static void test_layout(void **state) {
    struct fixture f;
    struct text text = {0};
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "layout conv k/4 y k%4");
    accept(&f, "split conv c 2");
    accept(&f, "rfactor conv c.o");
    schedule_print(&text, f.schedule);
    assert_non_null(
        strstr(text_string(&text), "stage conv.partial at root, layout c.o k/4 y k%4\n"));
    accept(&f, "layout conv.partial y c.o k");
    accept(&f, "pack conv.partial k y c.o");
    assert_same_result(&f);
    text_free(&text);
    fixture_close(&f);
}

static void test_refusals(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    reject(&f, "rfactor conv", DLT_ERROR_ARGUMENT, "it wants STAGE LOOP...");
    reject(&f, "rfactor nothing c", DLT_ERROR_ARGUMENT, "nothing does not exist");
    reject(&f, "rfactor conv q", DLT_ERROR_ARGUMENT, "q is not a loop of stage conv");
    reject(&f, "rfactor conv k", DLT_ERROR_REFUSED, "loop k is no reduction loop");
    reject(&f, "rfactor output k", DLT_ERROR_REFUSED, "the stage is no reduction");
    reject(&f, "rfactor conv c c", DLT_ERROR_ARGUMENT, "c is named twice");
    reject(&f, "rfactor conv c r", DLT_ERROR_REFUSED, "no reduction loop would be left");
    accept(&f, "split conv c 2");
    accept(&f, "rfactor conv c.o");
    reject(&f, "rfactor conv c.o", DLT_ERROR_REFUSED, "no reduction loop would be left");
    accept(&f, "split conv c.o 2");
    reject(&f, "rfactor conv c.o.o", DLT_ERROR_REFUSED, "conv.partial exists already");
    fixture_close(&f);
}

/* What was done to the stage before would be lost, or be wrong for the new one. */
static void test_refused_after(void **state) {
    static const struct {
        const char *steps, *words;
    } cases[] = {
        {"attach conv output y", "attached at a loop of output"},
        {"split conv y 2", "loops over its axes were split or fused"},
        {"fuse conv k y\nsplit conv k.y 2", "loop k was split or fused"},
        {"unroll conv c", "loop c is unrolled"},
        {"vectorize conv y", "loop y is unrolled"},
        {"parallel conv k", "loop k is unrolled, vectorised or parallel"},
        {"tile conv k", "the stage has a tile"},
    };
    struct fixture f;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fixture_open(&f, convolution);
        assert_int_equal(schedule_replay(f.schedule, cases[i].steps, &f.error), DLT_OK);
        reject(&f, "rfactor conv r", DLT_ERROR_REFUSED, cases[i].words);
        fixture_close(&f);
    }
    fixture_open(&f, "input x[n=8] f32 variable\n"
                     "p[n=8] f32 = x[n] + 1\n"
                     "s[z=1] f32 = sum(n=8) p[n]\n");
    accept(&f, "split s n 2");
    accept(&f, "attach p s n.o");
    reject(&f, "rfactor s n.i", DLT_ERROR_REFUSED, "stage p is attached at a loop of it");
    fixture_close(&f);
}

static void test_limits(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[a=1, b=2, c=1, d=2, e=1, f=2, g=2, r=2] f32 variable\n"
                     "a_name_that_is_nearly_as_long_as_a_name_may_be[a=1, b=2, c=1, d=2, e=1, f=2, "
                     "g=2] f32 = sum(r=2) x[a, b, c, d, e, f, g, r]\n");
    const char *stage = "a_name_that_is_nearly_as_long_as_a_name_may_be";
    char line[200];
    snprintf(line, sizeof line, "split %s r 1", stage);
    accept(&f, line);
    snprintf(line, sizeof line, "rfactor %s r.o", stage);
    reject(&f, line, DLT_ERROR_REFUSED, "would exceed 47 bytes");
    fixture_close(&f);
    fixture_open(&f, "input x[a=1, b=2, c=1, d=2, e=1, f=2, g=2, r=2] f32 variable\n"
                     "t[a=1, b=2, c=1, d=2, e=1, f=2, g=2] f32 = sum(r=2) "
                     "x[a, b, c, d, e, f, g, r]\n");
    accept(&f, "split t r 1");
    accept(&f, "split t r.o 1");
    reject(&f, "rfactor t r.i r.o.i", DLT_ERROR_REFUSED, "more than 8 axes");
    accept(&f, "rfactor t r.o.i");
    assert_same_result(&f);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outer_parts),
        cmocka_unit_test(test_inner_parts),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_extents_and_combiners),
        cmocka_unit_test(test_parameters_are_packed_ahead),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_refused_after),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
