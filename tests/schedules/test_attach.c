/* Where stages are computed: boxes of attached ones, inlining, packing, layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/schedules/fixture.h"

#include <stdio.h>

static const char convolution[] =
    "input x[c=3, h=6] f32 variable\n"
    "input w[k=5, c=3, r=3] f32 parameter\n"
    "input scale[k=5] f32 parameter\n"
    "input bias[k=5] f32 variable\n"
    "scaled[k=5, c=3, r=3] f32 = w[k, c, r] * scale[k]\n"
    "padded[c=3, h=8] f32 = select(0 <= h - 1 < 6, x[c, h - 1], 0)\n"
    "conv[k=5, y=6] f32 = sum(c=3, r=3) padded[c, y + r] * scaled[k, c, r]\n"
    "output[k=5, y=6] f32 = conv[k, y] + bias[k]\n";

static void test_box(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "split conv y 4");
    accept(&f, "attach padded conv y.o");
    const struct stage *padded = schedule_find(f.schedule, "padded");
    assert_int_equal(padded->attach, ATTACH_LOOP);
    assert_string_equal(padded->consumer->name, "conv");
    assert_int_equal(padded->box_extent[0], 3);
    assert_int_equal(padded->box_extent[1], 6);
    assert_index(padded->box_minimum[1], "4*y.o");
    assert_index(padded->axis_values[1], "4*y.o + h");
    assert_int_equal(padded->constraint_count, 1); /* the last trip reaches beyond h=8 */
    assert_int_equal(padded->layout.elements, 18);
    assert_same_result(&f);
    reject(&f, "split conv y.o 2", DLT_ERROR_REFUSED, "padded is attached");
    reject(&f, "split conv k 2", DLT_ERROR_REFUSED, "padded is attached");
    reject(&f, "reorder conv y.o k", DLT_ERROR_REFUSED, "where a stage is attached");
    reject(&f, "unroll conv k", DLT_ERROR_REFUSED, "padded is attached");
    reject(&f, "tile conv k", DLT_ERROR_REFUSED, "padded is attached inside of the tile");
    reject(&f, "tile conv root", DLT_ERROR_REFUSED, "padded is attached inside of the tile");
    accept(&f, "tile conv y.o");
    accept(&f, "split conv y.i 3");
    accept(&f, "reorder conv c y.i.o");
    accept(&f, "unroll conv r");
    assert_same_result(&f);
    /* back to the root, and there again */
    accept(&f, "attach padded root");
    assert_int_equal(padded->box_extent[1], 8);
    assert_int_equal(padded->constraint_count, 0);
    accept(&f, "attach padded conv k");
    accept(&f, "split padded h 3");
    reject(&f, "attach padded root", DLT_ERROR_REFUSED, "would be lost");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_attach_in_a_chain(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "split output y 4 shift");
    reject(&f, "attach padded output y.o", DLT_ERROR_REFUSED, "stage conv reads it too");
    accept(&f, "attach conv output y.o");
    accept(&f, "attach padded output k"); /* further out than its consumer */
    assert_same_result(&f);
    accept(&f, "attach padded conv c");
    assert_index(schedule_find(f.schedule, "padded")->box_minimum[0], "c");
    assert_int_equal(schedule_find(f.schedule, "padded")->box_extent[0], 1);
    assert_index(schedule_find(f.schedule, "padded")->box_minimum[1], "y + 2*min(2*y.o, 1)");
    assert_same_result(&f);
    reject(&f, "attach conv root", DLT_ERROR_REFUSED, "padded is attached at a loop of it");
    accept(&f, "attach padded output y.o");
    reject(&f, "attach conv root", DLT_ERROR_REFUSED, "reads stage padded");
    reject(&f, "parallel conv k", DLT_ERROR_REFUSED, "only a stage at the root");
    reject(&f, "pack conv k y", DLT_ERROR_REFUSED, "attached at a loop");
    accept(&f, "parallel output k");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_attach_refusals(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    reject(&f, "attach output conv k", DLT_ERROR_REFUSED, "is the result");
    reject(&f, "attach output inline", DLT_ERROR_REFUSED, "is the result");
    reject(&f, "attach conv inline", DLT_ERROR_REFUSED, "is a reduction (sum)");
    reject(&f, "attach conv conv k", DLT_ERROR_REFUSED, "its own loop");
    reject(&f, "attach conv output z", DLT_ERROR_ARGUMENT, "not a loop of stage output");
    reject(&f, "attach conv nowhere", DLT_ERROR_ARGUMENT, "neither inline nor root");
    reject(&f, "attach conv scaled k", DLT_ERROR_REFUSED, "stage output reads it too");
    accept(&f, "unroll output k");
    reject(&f, "attach conv output y", DLT_ERROR_REFUSED, "loop k of output is unrolled");
    accept(&f, "tile conv root");
    reject(&f, "attach padded conv k", DLT_ERROR_REFUSED, "inside of the tile");
    fixture_close(&f);
    /* reads that no box of constant size holds */
    fixture_open(&f, "input x[n=8] f32 variable\n"
                     "p[n=8] f32 = x[n]\n"
                     "q[n=4] f32 = p[n] + p[2*n + 1]\n");
    reject(&f, "attach p q n", DLT_ERROR_REFUSED, "axis n: the reads of it move apart");
    fixture_close(&f);
}

/* Subscripts whose atoms hold loops of both sides. */
static void test_box_of_divisions(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[n=12] f32 variable\n"
                     "p[n=12] f32 = x[n]\n"
                     "q[m=30] f32 = p[(m + 1) / 4] - p[11 - m / 3] + p[m % 12]\n");
    accept(&f, "split q m 5");
    reject(&f, "attach p q m.o", DLT_ERROR_REFUSED, "move apart");
    fixture_close(&f);
    for (int factor = 1; factor <= 31; factor++) {
        char line[64];
        for (int axis = 0; axis < 3; axis++) {
            static const char *const reads[] = {"p[(m + 1) / 4]", "p[11 - m / 3]", "p[m % 12]"};
            char text[256];
            sprintf(text, "input x[n=12] f32 variable\np[n=12] f32 = x[n]\nq[m=30] f32 = %s\n",
                    reads[axis]);
            fixture_open(&f, text);
            sprintf(line, "split q m %d", factor);
            accept(&f, line);
            accept(&f, "attach p q m.o");
            assert_same_result(&f);
            fixture_close(&f);
        }
    }
}

/* A shifted loop of which the attach loop is only a piece. */
static void test_box_of_shifted_pieces(void **state) {
    struct fixture f;
    (void)state;
    for (int extent = 7; extent < 23; extent++) {
        char text[256];
        sprintf(text, "input x[n=%d] f32 variable\np[n=%d] f32 = x[n]\nq[n=%d] f32 = p[n]\n",
                extent, extent, extent);
        fixture_open(&f, text);
        accept(&f, "split q n 3 shift");
        accept(&f, "split q n.o 2");
        accept(&f, "attach p q n.o.o");
        assert_same_result(&f);
        fixture_close(&f);
    }
}

static void test_inline(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    accept(&f, "attach padded inline");
    assert_null(schedule_find(f.schedule, "padded"));
    assert_int_equal(f.schedule->stage_count, 3);
    reject(&f, "attach padded root", DLT_ERROR_ARGUMENT, "padded does not exist");
    reject(&f, "pack padded c h", DLT_ERROR_ARGUMENT, "neither an input nor a stage");
    accept(&f, "attach scaled inline");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_inline_grows_bodies(void **state) {
    struct fixture f;
    struct text text = {0};
    char line[32];
    (void)state;
    text_append(&text, "input x[n=2] f32 variable\np0[n=2] f32 = x[n]\n");
    for (int i = 1; i < 20; i++)
        text_format(&text, "p%d[n=2] f32 = p%d[n] - p%d[1 - n]\n", i, i - 1, i - 1);
    fixture_open(&f, text_string(&text));
    for (int i = 0; i < 10; i++) {
        sprintf(line, "attach p%d inline", i);
        accept(&f, line);
    }
    assert_same_result(&f);
    reject(&f, "attach p10 inline", DLT_ERROR_REFUSED, "more than 4096 operations");
    fixture_close(&f);
    text_free(&text);
}

static void test_pack(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    assert_true(schedule_find(f.schedule, "scaled")->packs_ahead);
    reject(&f, "pack output k y", DLT_ERROR_REFUSED, "is the result");
    reject(&f, "pack nothing k", DLT_ERROR_ARGUMENT, "neither an input nor a stage");
    reject(&f, "pack scaled k c", DLT_ERROR_ARGUMENT, "axis r");
    accept(&f, "pack scaled k/2  c r k%2");
    const struct stage *packed = schedule_find(f.schedule, "scaled.packed");
    assert_non_null(packed);
    assert_true(packed->packs_ahead);
    assert_string_equal(packed->layout_text, "k/2 c r k%2");
    assert_int_equal(packed->layout.elements, 54);
    assert_ptr_equal(f.schedule->stages[2], packed); /* just before its reader */
    reject(&f, "pack scaled k c r", DLT_ERROR_REFUSED, "exists already");
    accept(&f, "pack x hc");
    assert_false(schedule_find(f.schedule, "x.packed")->packs_ahead);
    assert_same_result(&f);
    accept(&f, "split scaled.packed k 2 guard");
    accept(&f, "tile scaled.packed k.o");
    assert_same_result(&f);
    /* attached, it is no longer ahead */
    accept(&f, "attach scaled scaled.packed k.o");
    assert_false(schedule_find(f.schedule, "scaled")->packs_ahead);
    assert_true(packed->packs_ahead);
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_layout(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, convolution);
    reject(&f, "layout output y k", DLT_ERROR_REFUSED, "is the result");
    reject(&f, "layout padded h", DLT_ERROR_ARGUMENT, "axis c");
    accept(&f, "layout padded h/4 c h%4");
    assert_int_equal(schedule_find(f.schedule, "padded")->layout.elements, 24);
    accept(&f, "split conv y 2");
    accept(&f, "reorder conv y.o k");
    accept(&f, "attach padded conv y.o"); /* a box of 4 rows: one block */
    assert_int_equal(schedule_find(f.schedule, "padded")->layout.elements, 12);
    assert_same_result(&f);
    accept(&f, "layout padded hc");
    assert_int_equal(schedule_find(f.schedule, "padded")->layout.dimensions[0].axis, 1);
    assert_same_result(&f);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_box),
        cmocka_unit_test(test_attach_in_a_chain),
        cmocka_unit_test(test_attach_refusals),
        cmocka_unit_test(test_box_of_divisions),
        cmocka_unit_test(test_box_of_shifted_pieces),
        cmocka_unit_test(test_inline),
        cmocka_unit_test(test_inline_grows_bodies),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
