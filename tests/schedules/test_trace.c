/* Traces: lines into steps and back, and what is wrong with a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/schedules/fixture.h"
static const char pipeline[] = "input x[n=20, m=9] f32 variable\n"
                               "input w[m=9] f32 parameter\n"
                               "p[n=20, m=9] f32 = x[n, m] * w[m]\n"
                               "q[n=20] f32 = sum(m=9) p[n, m]\n"
                               "r[n=18] f32 = q[n] + q[n + 2]\n";

static const char every_step[] = "pack x m n:24\n"
                                 "layout p m n\n"
                                 "split r n 4 guard\n"
                                 "attach q r n.o\n"
                                 "attach p q n\n"
                                 "attach x.packed root\n"
                                 "split q m 2 guard\n"
                                 "fuse q m.o m.i\n"
                                 "split x.packed n 6 shift\n"
                                 "reorder x.packed n.o n.i m\n"
                                 "vectorize x.packed n.i\n"
                                 "unroll x.packed m\n"
                                 "tile x.packed root\n"
                                 "tile r n.o\n"
                                 "parallel r n.o\n";

static void test_every_step(void **state) {
    struct fixture f, g;
    struct text first = {0}, second = {0};
    (void)state;
    fixture_open(&f, pipeline);
    fixture_open(&g, pipeline);
    assert_int_equal(schedule_replay(f.schedule, every_step, &f.error), DLT_OK);
    assert_string_equal(schedule_trace(f.schedule), every_step);
    assert_same_result(&f);
    assert_int_equal(schedule_replay(g.schedule, schedule_trace(f.schedule), &g.error), DLT_OK);
    schedule_print(&first, f.schedule);
    schedule_print(&second, g.schedule);
    assert_string_equal(text_string(&first), text_string(&second));
    assert_non_null(strstr(text_string(&first), "stage q at r n.o, layout n\n"));
    assert_non_null(strstr(text_string(&first), "    for n.o < 5 parallel\n    tile\n"));
    text_free(&first);
    text_free(&second);
    fixture_close(&f);
    fixture_close(&g);
}

/* Spaces, tabs, empty lines, a missing last line end and carriage returns do not matter. */
static void test_spelling(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, pipeline);
    assert_int_equal(schedule_replay(f.schedule,
                                     "\n  split\tr  n 6 shift \r\n\n layout p   mn\nlayout q n:32",
                                     &f.error),
                     DLT_OK);
    assert_string_equal(schedule_trace(f.schedule), "split r n 6\nlayout p m n\nlayout q n:32\n");
    fixture_close(&f);
}

static void test_bad_lines(void **state) {
    struct fixture f;
    char line[400] = "layout p";
    (void)state;
    fixture_open(&f, pipeline);
    reject(&f, "splice r n 2", DLT_ERROR_ARGUMENT, "splice is none of split, fuse, reorder");
    reject(&f, "split", DLT_ERROR_ARGUMENT, "0 words follow it; it wants STAGE LOOP FACTOR");
    reject(&f, "split r n", DLT_ERROR_ARGUMENT, "2 words follow");
    reject(&f, "split r n 2 guard now", DLT_ERROR_ARGUMENT, "5 words follow");
    reject(&f, "fuse r n", DLT_ERROR_ARGUMENT, "wants STAGE OUTER INNER");
    reject(&f, "attach q", DLT_ERROR_ARGUMENT, "STAGE CONSUMER LOOP");
    reject(&f, "attach q r n.o n.i", DLT_ERROR_ARGUMENT, "4 words follow");
    reject(&f, "tile q", DLT_ERROR_ARGUMENT, "STAGE root");
    reject(&f, "unroll q", DLT_ERROR_ARGUMENT, "1 words follow");
    reject(&f, "tile q x", DLT_ERROR_ARGUMENT, "tile q x: loop: x is not a loop");
    for (int i = 0; i < 64; i++)
        strcat(line, " n%2");
    reject(&f, line, DLT_ERROR_ARGUMENT, "more than 64 words");
    accept(&f, "");
    accept(&f, "  \t ");
    fixture_close(&f);
}

/* A replay says which line failed; those before it stay. */
static void test_replay_fails(void **state) {
    struct fixture f;
    (void)state;
    fixture_open(&f, pipeline);
    assert_int_equal(
        schedule_replay(f.schedule, "split r n 6\n\nsplit r n 3\nunroll r n.i\n", &f.error),
        DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(f.error.message, "line 3: split r n: loop: n is not a loop"));
    assert_string_equal(schedule_trace(f.schedule), "split r n 6\n");
    assert_int_equal(schedule_replay(f.schedule, "parallel r n.i", &f.error), DLT_ERROR_REFUSED);
    assert_int_equal(schedule_replay(f.schedule, "parallel r n.i", NULL), DLT_ERROR_REFUSED);
    fixture_close(&f);
}

/* Out of memory anywhere leaves through the recovery point, and nothing is lost. */
static void test_starved(void **state) {
    struct arena arena;
    struct fixture f;
    static volatile size_t limit;
    (void)state;
    fixture_open(&f, pipeline);
    for (limit = 4096; limit < 400000; limit += 977) {
        static struct schedule *volatile schedule;
        schedule = NULL;
        arena_initialise(&arena);
        arena.limit = limit;
        if (arena_recover(&arena) == 0) {
            schedule = schedule_create(&arena, f.expression);
            assert_int_equal(schedule_replay(schedule, every_step, NULL), DLT_OK);
        }
        schedule_free(schedule);
        arena_free(&arena);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_step), cmocka_unit_test(test_spelling),
        cmocka_unit_test(test_bad_lines),  cmocka_unit_test(test_replay_fails),
        cmocka_unit_test(test_starved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
