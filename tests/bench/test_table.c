/* Ratios, summaries, tables and JSON of made-up rows; the rule of baselines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/baseline.h"
#include "bench/table.h"
#include "machine/description.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ROWS = 3
};

struct fixture {
    struct task *tasks[ROWS];
    struct bench_row rows[ROWS];
};

static struct bench_entry entry(const char *name, double median_us) {
    return (struct bench_entry){
        .name = (char *)name, .median_us = median_us, .minimum_us = median_us, .process_count = 5};
}

static struct bench_entry failure(const char *name, dlt_status status, const char *message) {
    return (struct bench_entry){.name = (char *)name, .status = status, .message = (char *)message};
}

static void assert_near(double have, double want) {
    if (!(fabs(have - want) < 1e-9))
        fail_msg("%.12g, not %.12g", have, want);
}

static int set_up(void **state) {
    static const char *const texts[ROWS] = {"matmul m=2 n=3 k=4", "matmul m=5 n=5 k=5",
                                            "matmul m=6 n=6 k=6"};
    struct fixture *fixture = calloc(1, sizeof *fixture);
    for (int i = 0; i < ROWS; i++) {
        assert_int_equal(task_create_text(texts[i], "c", 1, &fixture->tasks[i], NULL), DLT_OK);
        fixture->rows[i] = (struct bench_row){.task = fixture->tasks[i], .peak_gflops = 100};
    }
    fixture->rows[0].entry_count = 4;
    fixture->rows[0].entries[0] = entry("dltune", 10);
    fixture->rows[0].entries[1] = entry("one", 20);
    fixture->rows[0].entries[2] = entry("two", 15);
    fixture->rows[0].entries[3] = failure("three", DLT_ERROR_WRONG, "it is wrong");
    fixture->rows[1].entry_count = 3;
    fixture->rows[1].entries[0] = entry("dltune", 8);
    fixture->rows[1].entries[1] = failure("one", DLT_ERROR_REFUSED, "it does not");
    fixture->rows[1].entries[2] = entry("two", 6);
    fixture->rows[2].entry_count = 2;
    fixture->rows[2].entries[0] = entry("dltune", 8);
    fixture->rows[2].entries[1] = failure("four", DLT_ERROR_NOT_FOUND, "not installed (four-dev)");
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < ROWS; i++)
        task_free(fixture->tasks[i]);
    free(fixture);
    return 0;
}

static void test_ratios(void **state) {
    struct fixture *fixture = *state;
    struct bench_summary summary = bench_summarise("suite", fixture->rows, ROWS);
    assert_string_equal(bench_best_peer(&fixture->rows[0])->name, "two");
    assert_near(bench_ratio(&fixture->rows[0]), 1.5);
    assert_near(bench_ratio(&fixture->rows[1]), 0.75);
    assert_null(bench_best_peer(&fixture->rows[2]));
    assert_near(bench_ratio(&fixture->rows[2]), 0);
    assert_int_equal(summary.rows, 3);
    assert_int_equal(summary.compared, 2);
    assert_near(summary.geometric_mean, sqrt(1.5 * 0.75));
    assert_near(summary.worst, 0.75);
    assert_ptr_equal(summary.worst_row, &fixture->rows[1]);
}

static void test_ratio_of_failure(void **state) {
    struct fixture *fixture = *state;
    struct bench_summary summary;
    for (int i = 0; i < ROWS; i++)
        fixture->rows[i].entries[0] = failure("dltune", DLT_ERROR_WRONG, "the element is wrong");
    summary = bench_summarise("suite", fixture->rows, ROWS);
    assert_int_equal(summary.compared, 0);
    assert_near(summary.geometric_mean, 0);
}

static void test_table(void **state) {
    struct fixture *fixture = *state;
    struct text text = {0};
    bench_print_table(&text, "suite.txt", fixture->rows, ROWS);
    assert_string_equal(text_string(&text),
                        "suite.txt           dltune us    peak        one        two   ratio\n"
                        "matmul m=2 n=3 k=4         10    0.0%         20         15   1.500\n"
                        "matmul m=5 n=5 k=5          8    0.0%          -          6   0.750\n"
                        "matmul m=6 n=6 k=6          8    0.1%          -          -       -\n"
                        "geometric mean 1.061, worst 0.750 (matmul m=5 n=5 k=5), 2 of 3 compared\n"
                        "matmul m=2 n=3 k=4: three: wrong: it is wrong\n"
                        "four: not installed (four-dev)\n");
    text_free(&text);
}

static void test_json(void **state) {
    struct fixture *fixture = *state;
    cJSON *object = bench_row_to_json(&fixture->rows[0]);
    const cJSON *peers = cJSON_GetObjectItem(object, "peers"), *second, *absent;
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(object, "task")),
                        "matmul m=2 n=3 k=4 target=c threads=1");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(object, "status")), "ok");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(object, "best_peer")), "two");
    assert_near(cJSON_GetObjectItem(object, "ratio")->valuedouble, 1.5);
    assert_int_equal(cJSON_GetArraySize(peers), 2);
    second = cJSON_GetArrayItem(peers, 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "name")), "two");
    assert_near(cJSON_GetObjectItem(second, "median_us")->valuedouble, 15);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(second, "impl")), "");
    absent = cJSON_GetArrayItem(cJSON_GetObjectItem(object, "peers_absent"), 0);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(absent, "name")), "three");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(absent, "status")), "wrong");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(absent, "message")),
                        "it is wrong");
    cJSON_Delete(object);
}

/* ---- baselines ---- */

static char baseline_path[] = "/tmp/dltune-baseline-XXXXXX";

static void write_baseline(const char *text) {
    FILE *file = fopen(baseline_path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* The first row as a baseline with this time, spread and peak, then it compared with one now. */
static struct baseline_comparison compare(struct fixture *fixture, double spread, double now_us,
                                          double now_peak) {
    struct bench_baseline *baseline;
    struct baseline_comparison comparison;
    struct bench_row row = fixture->rows[0];
    cJSON *object;
    char *line;
    row.entries[0].spread = spread;
    object = bench_row_to_json(&row);
    line = cJSON_PrintUnformatted(object);
    write_baseline(line);
    free(line);
    cJSON_Delete(object);
    assert_int_equal(bench_baseline_read(baseline_path, &baseline, NULL), DLT_OK);
    row.entries[0].spread = 0;
    row.entries[0].median_us = now_us;
    row.peak_gflops = now_peak;
    comparison = bench_baseline_compare(baseline, &row);
    assert_int_equal(bench_baseline_compare(baseline, &fixture->rows[1]).verdict, BASELINE_ABSENT);
    bench_baseline_free(baseline);
    return comparison;
}

static void test_baseline_rule(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        double spread, now_us, now_peak;
        enum baseline_verdict verdict;
    } cases[] = {
        {0, 10, 100, BASELINE_SAME},         {0, 10.29, 100, BASELINE_SAME},
        {0, 10.31, 100, BASELINE_SLOWER},    {0, 9.69, 100, BASELINE_FASTER},
        {0, 9.71, 100, BASELINE_SAME},       {0.05, 10.49, 100, BASELINE_SAME},
        {0.05, 10.51, 100, BASELINE_SLOWER}, {0, 11, 90, BASELINE_SAME}, /* the clock moved */
        {0, 11, 95, BASELINE_SLOWER},        {0, 9, 111, BASELINE_SAME},
        {0, 11, 0, BASELINE_SLOWER}, /* no peak measured: the time alone */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct baseline_comparison comparison =
            compare(fixture, cases[i].spread, cases[i].now_us, cases[i].now_peak);
        if (comparison.verdict != cases[i].verdict)
            fail_msg("case %zu: %d", i, (int)comparison.verdict);
        assert_near(comparison.before_us, 10);
    }
}

static void test_baseline_failure_is_slower(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(compare(fixture, 0, 0, 100).verdict, BASELINE_SLOWER);
}

static void test_baseline_files(void **state) {
    struct bench_baseline *baseline;
    struct error error;
    (void)state;
    assert_int_equal(bench_baseline_read("/no/such/file", &baseline, &error), DLT_ERROR_SYSTEM);
    assert_non_null(strstr(error.message, "/no/such/file"));
    write_baseline("\n{\"suite\":\"x\",\"rows\":1}\nnonsense\n");
    assert_int_equal(bench_baseline_read(baseline_path, &baseline, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, ":3: not a line of a benchmark's JSON"));
    write_baseline("{\"task\":\"x\",\"host\":\"another\",\"median_us\":1}\n");
    assert_int_equal(bench_baseline_read(baseline_path, &baseline, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "of another host, 'another'"));
    write_baseline("\n{\"suite\":\"x\",\"rows\":1}\n"); /* against nothing everything would pass */
    assert_int_equal(bench_baseline_read(baseline_path, &baseline, &error), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "has no workload"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ratios, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ratio_of_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_rule, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_baseline_failure_is_slower, set_up, tear_down),
        cmocka_unit_test(test_baseline_files),
    };
    int file = mkstemp(baseline_path), failures;
    if (file < 0)
        return 1;
    close(file);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(baseline_path);
    return failures;
}
