/* Steps on loops one by one: what they make of loops, values and constraints, and what they
 * refuse. */
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

static void test_start(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    assert_int_equal(f.schedule->stage_count, 1);
    assert_null(schedule_find(f.schedule, "a"));
    assert_loops(c, "i j k");
    assert_false(c->loops[1].is_reduction);
    assert_true(c->loops[2].is_reduction);
    assert_int_equal(c->loops[2].variable->extent, 7);
    assert_index(c->axis_values[0], "i");
    assert_int_equal(c->constraint_count, 0);
    assert_false(c->packs_ahead);
    assert_string_equal(schedule_trace(f.schedule), "");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_split_whole(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    accept(&f, "split c i 5 shift");
    accept(&f, "split c i.i 1");
    accept(&f, "split c k 7 guard");
    assert_loops(c, "i.o i.i.o i.i.i j k.o k.i");
    assert_index(c->axis_values[0], "5*i.o + i.i.o");
    assert_int_equal(c->constraint_count, 0);
    /* a tail is named only where there is one */
    assert_string_equal(schedule_trace(f.schedule), "split c i 5\nsplit c i.i 1\nsplit c k 7\n");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_split_guard(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    accept(&f, "split c i 4");
    accept(&f, "split c k 16");
    accept(&f, "split c i.o 2");
    assert_int_equal(c->loops[0].variable->extent, 2);
    assert_int_equal(c->loops[1].variable->extent, 2);
    assert_index(c->axis_values[0], "i.i + 8*i.o.o + 4*i.o.i");
    assert_int_equal(c->constraint_count, 3);
    assert_index(c->constraints[0], "-i.i - 8*i.o.o - 4*i.o.i + 9");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_split_shift(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    accept(&f, "split c i 4 shift");
    assert_index(c->axis_values[0], "i.i + 2*min(2*i.o, 3)");
    assert_int_equal(c->constraint_count, 0);
    reject(&f, "split c j 7 shift", DLT_ERROR_REFUSED, "factor 7 is above the extent 6");
    reject(&f, "split c k 2 shift", DLT_ERROR_REFUSED, "may only guard");
    reject(&f, "parallel c i.o", DLT_ERROR_REFUSED, "overlap");
    reject(&f, "reorder c k i.o", DLT_ERROR_REFUSED, "accumulated twice");
    accept(&f, "reorder c k i.i");
    reject(&f, "split c j 4 shift", DLT_ERROR_REFUSED, "outside of all reduction loops");
    assert_same_result(&f);
    fixture_close(&f);
}

/* Where trips overlap, what is added to would be added to twice. */
static void test_shift_accumulating(void **state) {
    static const char *const texts[] = {
        "input a[i=10, k=4] f32 variable\nc[i=10] f32 accumulate = sum(k=4) a[i, k]\n",
        "input a[i=10] f32 variable\nc[i=10] f32 = previous + a[i]\n",
    };
    struct fixture f;
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture_open(&f, texts[i]);
        reject(&f, "split c i 4 shift", DLT_ERROR_REFUSED,
               "and c accumulates: elements would be added twice");
        accept(&f, "split c i 4 guard");
        accept(&f, "parallel c i.o");
        fixture_close(&f);
    }
}

static void test_split_round(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[k=10] f32 variable layout k:12\n"
                     "input y[k=10] f32 variable\n"
                     "t[k=10] f32 = x[k] * 2\n"
                     "u[k=10] f32 = t[k] + 1\n"
                     "v[k=10] f32 = u[k] + y[k]\n"
                     "w[k=10] f32 = v[k]\n");
    reject(&f, "split t k 4 round", DLT_ERROR_REFUSED, "has room for 10");
    accept(&f, "layout t k/4 k%4");
    accept(&f, "split t k 4 round");
    assert_true(schedule_find(f.schedule, "t")->overruns);
    assert_int_equal(schedule_find(f.schedule, "t")->constraint_count, 0);
    reject(&f, "layout t k", DLT_ERROR_REFUSED, "rounded up");
    reject(&f, "pack x k:13", DLT_ERROR_REFUSED, "rounded up");
    accept(&f, "layout u k:15");
    reject(&f, "split u k 5 round extra", DLT_ERROR_ARGUMENT, "words follow");
    reject(&f, "split u k 7 round", DLT_ERROR_REFUSED, "t would be read outside");
    accept(&f, "split u k 6 round");
    accept(&f, "layout v k:12");
    reject(&f, "split v k 4 round", DLT_ERROR_REFUSED, "y would be read outside");
    reject(&f, "split w k 4 round", DLT_ERROR_REFUSED, "is the result");
    reject(&f, "attach t inline", DLT_ERROR_REFUSED, "changed already");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_split_round_of_pieces(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[k=10] f32 variable layout k:64\n"
                     "s[k=10] f32 = x[k] + 1\n"
                     "t[k=10] f32 = sum(r=3) s[k]\n"
                     "w[k=10] f32 = t[k]\n");
    accept(&f, "layout s k:64");
    accept(&f, "layout t k:64");
    reject(&f, "split t r 2 round", DLT_ERROR_REFUSED, "may only guard");
    accept(&f, "split t k 5");
    reject(&f, "split t k.i 2 round", DLT_ERROR_REFUSED, "nor its outermost piece");
    accept(&f, "split t k.o 4 round");
    assert_index(schedule_find(f.schedule, "t")->axis_values[0], "k.i + 5*k.o.i");
    reject(&f, "attach s inline", DLT_ERROR_REFUSED, "rounded up");
    /* the box holds what the overrun reads, though beyond the tensor nothing is computed */
    accept(&f, "attach s t k.o.o");
    assert_int_equal(schedule_find(f.schedule, "s")->box_extent[0], 20);
    assert_int_equal(schedule_find(f.schedule, "s")->constraint_count, 1);
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_split_refusals(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    reject(&f, "split d i 2", DLT_ERROR_ARGUMENT, "there are c");
    reject(&f, "split c x 2", DLT_ERROR_ARGUMENT, "which has i, j, k");
    reject(&f, "split c i 0", DLT_ERROR_ARGUMENT, "factor: 0 is not a number from 1");
    reject(&f, "split c i -3", DLT_ERROR_ARGUMENT, "factor: -3 is not");
    reject(&f, "split c i 2x", DLT_ERROR_ARGUMENT, "factor: 2x is not");
    reject(&f, "split c i 2147483649", DLT_ERROR_ARGUMENT, "2147483648");
    reject(&f, "split c i 99999999999999999999", DLT_ERROR_ARGUMENT, "factor");
    reject(&f, "split c i 2147483648", DLT_ERROR_REFUSED, "far past its end");
    reject(&f, "split c i 2 sideways", DLT_ERROR_ARGUMENT, "none of guard, shift, round");
    accept(&f, "vectorize c j");
    accept(&f, "parallel c i");
    accept(&f, "unroll c k");
    reject(&f, "split c j 2", DLT_ERROR_REFUSED, "only a serial loop");
    reject(&f, "split c i 2", DLT_ERROR_REFUSED, "only a serial loop");
    reject(&f, "split c k 2", DLT_ERROR_REFUSED, "only a serial loop");
    fixture_close(&f);
}

static void test_split_to_the_limits(void **state) {
    struct fixture f;
    char line[256], loop[256] = "i";
    int loops = 3;
    (void)state;
    fixture_open(&f, matmul);
    for (; loops < MAX_LOOPS; loops++) {
        sprintf(line, "split c %s 1", loop);
        accept(&f, line);
        strcat(loop, ".o");
    }
    reject(&f, "split c j 2", DLT_ERROR_REFUSED, "32 loops already");
    assert_same_result(&f);
    fixture_close(&f);
    /* names double with each fusion of a split loop */
    fixture_open(&f, matmul);
    strcpy(loop, "i");
    for (bool fits = true; fits;) {
        char fused[256], split[128];
        snprintf(split, sizeof split, "split c %.100s 2", loop);
        snprintf(fused, sizeof fused, "%.100s.o.%.100s.i", loop, loop);
        snprintf(line, sizeof line, "fuse c %.100s.o %.100s.i", loop, loop);
        accept(&f, split);
        fits = strlen(fused) < 128;
        if (fits)
            accept(&f, line);
        else
            reject(&f, line, DLT_ERROR_REFUSED, "127 bytes");
        strcpy(loop, fused);
    }
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_fuse(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    reject(&f, "fuse c j i", DLT_ERROR_REFUSED, "not the one just inside");
    reject(&f, "fuse c i i", DLT_ERROR_REFUSED, "not the one just inside");
    reject(&f, "fuse c j k", DLT_ERROR_REFUSED, "both or neither");
    reject(&f, "fuse c i k", DLT_ERROR_REFUSED, "reorder them first");
    accept(&f, "fuse c i j");
    assert_loops(c, "i.j k");
    assert_index(c->axis_values[0], "i.j / 6");
    assert_index(c->axis_values[1], "i.j % 6");
    accept(&f, "split c i.j 7");
    accept(&f, "parallel c i.j.o");
    reject(&f, "fuse c i.j.o i.j.i", DLT_ERROR_REFUSED, "only a serial loop");
    assert_same_result(&f);
    fixture_close(&f);
    fixture_open(&f, "input x[i=2147483648] f32 variable\n"
                     "y[i=2147483648] f32 = sum(k=2147483648) x[k]\n");
    accept(&f, "split y i 32768");
    accept(&f, "fuse y i.o i.i");
    fixture_close(&f);
}

static void test_reorder(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    const struct stage *c = schedule_find(f.schedule, "c");
    accept(&f, "split c i 4");
    accept(&f, "reorder c k i.i i.o");
    assert_loops(c, "k i.i j i.o");
    assert_same_result(&f);
    reject(&f, "reorder c k k", DLT_ERROR_ARGUMENT, "named twice");
    reject(&f, "reorder c k i", DLT_ERROR_ARGUMENT, "which has k, i.i, j, i.o");
    reject(&f, "reorder c k", DLT_ERROR_ARGUMENT, "words follow");
    accept(&f, "reorder c i.i k");
    accept(&f, "parallel c i.i");
    reject(&f, "reorder c j i.i", DLT_ERROR_REFUSED, "stay outermost");
    accept(&f, "tile c k");
    reject(&f, "reorder c j k", DLT_ERROR_REFUSED, "encloses the tile");
    accept(&f, "reorder c i.o j");
    assert_loops(c, "i.i k i.o j");
    assert_same_result(&f);
    fixture_close(&f);
}

static void test_marks(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, matmul);
    reject(&f, "parallel c j", DLT_ERROR_REFUSED, "not the outermost, which is i");
    accept(&f, "vectorize c j");
    reject(&f, "vectorize c i", DLT_ERROR_REFUSED, "loop j of the stage is vectorised already");
    reject(&f, "unroll c j", DLT_ERROR_REFUSED, "has to be serial");
    reject(&f, "tile c j", DLT_ERROR_REFUSED, "has to enclose it");
    accept(&f, "tile c i");
    reject(&f, "tile c root", DLT_ERROR_REFUSED, "has a tile already");
    reject(&f, "unroll c i", DLT_ERROR_REFUSED, "outside of the tile");
    reject(&f, "split c i 2", DLT_ERROR_REFUSED, "encloses the tile");
    accept(&f, "parallel c i");
    accept(&f, "unroll c k");
    fixture_close(&f);
    fixture_open(&f, matmul);
    accept(&f, "reorder c k i");
    reject(&f, "parallel c k", DLT_ERROR_REFUSED, "reduction loop");
    reject(&f, "prefetch c", DLT_ERROR_REFUSED, "has no tile yet");
    reject(&f, "prefetch c i", DLT_ERROR_ARGUMENT, "2 words follow it; it wants STAGE");
    reject(&f, "prefetch d", DLT_ERROR_ARGUMENT, "does not exist");
    accept(&f, "tile c root");
    accept(&f, "prefetch c");
    reject(&f, "prefetch c", DLT_ERROR_REFUSED, "prefetches already");
    accept(&f, "reorder c i k");
    reject(&f, "parallel c i", DLT_ERROR_REFUSED, "the whole stage is a tile");
    assert_null(schedule_find(f.schedule, "c")->tile_loop);
    assert_true(schedule_find(f.schedule, "c")->has_tile);
    fixture_close(&f);
}

/* Rows lie further apart, and everything outside of them follows. */
static void test_pad(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[c=3, h=5, w=20] f32 variable\n"
                     "input p[w=20] f32 parameter\n"
                     "y[c=3, h=5, w=20] f32 = x[c, h, w] * p[w]\n"
                     "z[w=20] f32 = sum(c=3, h=5) y[c, h, w]\n");
    const struct stage *y = schedule_find(f.schedule, "y");
    reject(&f, "pad z w 1", DLT_ERROR_REFUSED, "z is the result");
    reject(&f, "pad x c 1", DLT_ERROR_ARGUMENT, "does not exist");
    reject(&f, "pad y k 1", DLT_ERROR_ARGUMENT, "k is none of the layout's; they are c h w");
    reject(&f, "pad y c/16 1", DLT_ERROR_ARGUMENT, "c/16 is none");
    reject(&f, "pad y w 1", DLT_ERROR_REFUSED, "innermost");
    reject(&f, "pad y c 0", DLT_ERROR_ARGUMENT, "1 to 64");
    reject(&f, "pad y c 65", DLT_ERROR_ARGUMENT, "1 to 64");
    reject(&f, "pad y c one", DLT_ERROR_ARGUMENT, "lines: one is not a number from 1 to 64");
    reject(&f, "pad y c", DLT_ERROR_ARGUMENT, "it wants STAGE DIMENSION LINES");
    accept(&f, "pad y c 1");
    assert_int_equal(y->layout.dimensions[0].stride, 5 * 20 + 16);
    assert_int_equal(y->layout.elements, 3 * (5 * 20 + 16));
    reject(&f, "pad y c 2", DLT_ERROR_REFUSED, "dimension c is padded already");
    accept(&f, "pad y h 2"); /* the rows inside, under those that are padded already */
    assert_int_equal(y->layout.dimensions[1].stride, 20 + 32);
    assert_int_equal(y->layout.dimensions[0].stride, 5 * (20 + 32) + 16);
    assert_int_equal(y->layout.elements, 3 * (5 * (20 + 32) + 16));
    reject(&f, "attach y z w", DLT_ERROR_REFUSED, "padded already");
    assert_same_result(&f);
    assert_string_equal(schedule_trace(f.schedule), "pad y c 1\npad y h 2\n");
    accept(&f, "layout y h c w"); /* replaces all of it */
    assert_int_equal(y->layout.elements, 3 * 5 * 20);
    accept(&f, "layout y c/2 h w c%2");
    accept(&f, "pad y c/2 1");
    assert_int_equal(y->layout.dimensions[0].stride, 5 * 20 * 2 + 16);
    assert_same_result(&f);
    accept(&f, "pack x w c h"); /* copies of inputs, and the partial results of what is padded */
    accept(&f, "pad x.packed c 3");
    accept(&f, "attach y inline");
    accept(&f, "rfactor z c");
    assert_same_result(&f);
    fixture_close(&f);
}

/* Attached: rows of the box. Partial results have a buffer of their own. */
static void test_pad_attached(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, "input x[c=3, h=6] f32 variable\n"
                     "s[c=3] f32 = sum(h=6) x[c, h]\n"
                     "y[c=3, h=6] f32 = x[c, h] * s[c]\n"
                     "z[c=3, h=4] f32 = y[c, h] + y[c, h + 2]\n");
    accept(&f, "attach y z c");
    accept(&f, "pad y c 1");
    assert_int_equal(schedule_find(f.schedule, "y")->layout.elements, 6 + 16);
    assert_same_result(&f);
    fixture_close(&f);
    fixture_open(&f, "input x[c=3, h=6, w=4] f32 variable\n"
                     "s[c=3, h=6] f32 = sum(w=4) x[c, h, w]\n"
                     "z[h=6] f32 = sum(c=3) s[c, h]\n");
    accept(&f, "pad s c 1");
    accept(&f, "split s w 2");
    accept(&f, "rfactor s w.o");
    assert_int_equal(schedule_find(f.schedule, "s.partial")->layout.elements, 2 * 3 * 6);
    assert_int_equal(schedule_find(f.schedule, "s")->layout.elements, 3 * (6 + 16));
    assert_same_result(&f);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_split_whole),
        cmocka_unit_test(test_pad),
        cmocka_unit_test(test_pad_attached),
        cmocka_unit_test(test_split_guard),
        cmocka_unit_test(test_split_shift),
        cmocka_unit_test(test_shift_accumulating),
        cmocka_unit_test(test_split_guard),
        cmocka_unit_test(test_shift_accumulating),
        cmocka_unit_test(test_split_round),
        cmocka_unit_test(test_split_round_of_pieces),
        cmocka_unit_test(test_split_refusals),
        cmocka_unit_test(test_split_to_the_limits),
        cmocka_unit_test(test_fuse),
        cmocka_unit_test(test_reorder),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
