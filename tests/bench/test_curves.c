/* Curves of searches: written and read back, medians, and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/dltune-curves-XXXXXX";
static struct error error;

static int make_file(void **state) {
    int file = mkstemp(path);
    (void)state;
    return file < 0 ? -1 : close(file);
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

/* Three seeds of two strategies; the second never comes near. */
static void fill(struct curves *curves) {
    static const int64_t reached[] = {9, 4, 30};
    *curves = (struct curves){0};
    for (int seed = 0; seed < 3; seed++) {
        struct curve *curve = curves_add(curves, "matmul m=2", "model", seed, 40);
        assert_true(curve_append(curve, 2, 200) && curve_append(curve, reached[seed], 101));
        curve = curves_add(curves, "matmul m=2", "random", seed, 40);
        assert_true(curve_append(curve, 1, 150 + seed));
    }
    assert_true(curve_append(curves_add(curves, "matmul m=2", "best", 0, 0), 1, 100));
}

static void check(const struct curves *curves) {
    assert_int_equal(curves->count, 7);
    assert_int_equal(curves->task_count, 1);
    assert_int_equal(curves->strategy_count, 2); /* "best" is none */
    assert_true(curves_best(curves, "matmul m=2") == 100);
    assert_int_equal(curves_median_needed(curves, "matmul m=2", "model", 100, 0.02), 9);
    assert_int_equal(curves_median_needed(curves, "matmul m=2", "model", 100, 1), 2);
    assert_int_equal(curves_median_needed(curves, "matmul m=2", "random", 100, 0.02), 41);
    assert_int_equal(curves_median_needed(curves, "matmul m=2", "grid", 100, 0.02), -1);
    assert_true(isinf(curves_median_at(curves, "matmul m=2", "model", 1)));
    assert_true(curves_median_at(curves, "matmul m=2", "model", 8) == 200);
    assert_true(curves_median_at(curves, "matmul m=2", "model", 9) == 101);
    assert_true(curves_median_at(curves, "matmul m=2", "random", 40) == 151);
}

static void written_and_read_back(void **state) {
    struct curves curves, again;
    (void)state;
    fill(&curves);
    check(&curves);
    assert_int_equal(curves_write(&curves, path, &error), DLT_OK);
    assert_int_equal(curves_read(&again, path, &error), DLT_OK);
    check(&again);
    curves_free(&curves);
    curves_free(&again);
}

static void other_files_are_refused(void **state) {
    static const char *const lines[] = {"nothing\n", "t\tmodel\t0\t5\t1:2 x\n", "t\tmodel\t0\n",
                                        "t\tmodel\t0\t5\t1;2\n"};
    struct curves curves;
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        FILE *file = fopen(path, "w");
        fprintf(file, "t\tmodel\t0\t5\t1:2\n%s", lines[i]);
        fclose(file);
        assert_int_equal(curves_read(&curves, path, &error), DLT_ERROR_ARGUMENT);
        assert_non_null(strstr(error.message, ":2: not a curve"));
        curves_free(&curves);
    }
    assert_int_equal(curves_read(&curves, "/nowhere/curves", &error), DLT_ERROR_NOT_FOUND);
}

static void too_many_names_are_refused(void **state) {
    struct curves curves = {0};
    char name[16];
    (void)state;
    for (int i = 0; i < MAX_CURVE_TASKS; i++) {
        snprintf(name, sizeof name, "t%d", i);
        assert_non_null(curves_add(&curves, name, "model", 0, 1));
    }
    assert_null(curves_add(&curves, "another", "model", 0, 1));
    assert_non_null(curves_add(&curves, "t3", "model", 1, 1));
    curves_free(&curves);
}

/* A picture has a line for each strategy and says what is what; names are escaped. */
static void a_picture(void **state) {
    static char text[1 << 17];
    struct curves curves;
    FILE *file;
    int lines = 0;
    (void)state;
    fill(&curves);
    assert_int_equal(curves_plot(&curves, path, "a < b & c", &error), DLT_OK);
    file = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    assert_true(!strncmp(text, "<svg ", 5) && strstr(text, "</svg>"));
    assert_non_null(strstr(text, "a &lt; b &amp; c"));
    assert_non_null(strstr(text, ">trials<"));
    for (const char *at = text; (at = strstr(at, "<polyline")); at++)
        lines++;
    assert_int_equal(lines, 2);
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    curves_free(&curves);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_and_read_back),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(too_many_names_are_refused),
        cmocka_unit_test(a_picture),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
