/* The checker, whole and sampled, on outputs that are right, slightly off and wrong in one place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/check.h"
#include "measure/elements.h"
#include "measure/inputs.h"
#include "te/reference.h"
#include "te/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A task with its inputs, its checker, and an output computed term by term in single precision. */
struct fixture {
    struct task *task;
    struct input_set inputs;
    struct checker *checker;
    const struct tensor *result;
    float *right, *output;
};

static void open_fixture(struct fixture *fixture, const char *key, int m, int n, int k) {
    static const enum placement place[] = {PLACE_AT_END};
    struct error error = {0};
    const float *a, *b;
    size_t bytes;
    if (task_create_key(key, &fixture->task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_int_equal(input_set_create(fixture->task->expression, PATTERN_RANDOM, 3, 1, place,
                                      &fixture->inputs, &error),
                     DLT_OK);
    assert_int_equal(checker_create(fixture->task->expression, fixture->inputs.data[PLACE_AT_END],
                                    -1, &fixture->checker, &error),
                     DLT_OK);
    fixture->result = expression_result(fixture->task->expression);
    bytes = tensor_bytes(fixture->result);
    fixture->right = calloc(1, bytes);
    fixture->output = calloc(1, bytes);
    a = fixture->inputs.data[PLACE_AT_END][0], b = fixture->inputs.data[PLACE_AT_END][1];
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t at = layout_offset_of(&fixture->result->layout, (int64_t[]){i, j});
            for (int64_t l = 0; l < k; l++)
                fixture->right[at] += a[i * k + l] * b[l * n + j];
        }
    memcpy(fixture->output, fixture->right, bytes);
}

static void close_fixture(struct fixture *fixture) {
    checker_free(fixture->checker);
    input_set_free(&fixture->inputs);
    task_free(fixture->task);
    free(fixture->right);
    free(fixture->output);
}

static struct comparison compare(struct fixture *fixture, uint64_t seed) {
    struct check_request request = {.seed = seed, .trace = "split output m 6\nsplit output n 32"};
    struct comparison comparison;
    struct error error = {0};
    assert_int_equal(
        checker_compare(fixture->checker, fixture->output, &request, &comparison, &error), DLT_OK);
    return comparison;
}

static void whole_reference(void **state) {
    struct fixture fixture;
    struct comparison comparison;
    (void)state;
    open_fixture(&fixture, "matmul m=7 n=13 k=29 target=c threads=1", 7, 13, 29);
    assert_true(checker_is_complete(fixture.checker));
    comparison = compare(&fixture, 0);
    assert_true(comparison.right && comparison.max_error <= 1 && comparison.max_error > 0);
    for (int i = 0; i < 7 * 13; i++) {
        static const float wrong[] = {0.001f, -1, INFINITY, NAN};
        for (int w = 0; w < 4; w++) {
            fixture.output[i] = fixture.right[i] + wrong[w];
            comparison = compare(&fixture, 0);
            assert_false(comparison.right);
            assert_true(comparison.max_error > 1);
        }
        fixture.output[i] = fixture.right[i];
    }
    assert_true(compare(&fixture, 0).right);
    close_fixture(&fixture);
}

/* One wrong element anywhere is found once a golden output exists, borders even without. */
static void sampled_reference(void **state) {
    enum {
        M = 301,
        N = 259,
        K = 513
    };
    struct fixture fixture;
    int64_t corners[] = {0, N - 1, (int64_t)(M - 1) * N, (int64_t)M * N - 1};
    (void)state;
    open_fixture(&fixture, "matmul m=301 n=259 k=513 target=c threads=1", M, N, K);
    assert_false(checker_is_complete(fixture.checker));
    for (int i = 0; i < 4; i++) {
        fixture.output[corners[i]] += 0.01f;
        assert_false(compare(&fixture, 0).right);
        fixture.output[corners[i]] = fixture.right[corners[i]];
    }
    assert_true(compare(&fixture, 1).right);
    for (int64_t i = 17; i < M * N; i += 7919) {
        fixture.output[i] += 0.01f;
        assert_false(compare(&fixture, (uint64_t)i).right);
        fixture.output[i] = NAN;
        assert_false(compare(&fixture, (uint64_t)i).right);
        fixture.output[i] = fixture.right[i];
    }
    assert_true(compare(&fixture, 2).right);
    close_fixture(&fixture);
}

/* Elements of very long sums: each is evaluated once, and no candidate pays for many. */
static void long_sums(void **state) {
    enum {
        N = 2,
        K = 3000000
    };
    struct fixture fixture;
    (void)state;
    open_fixture(&fixture, "matmul m=1 n=2 k=3000000 target=c threads=1", 1, N, K);
    assert_false(checker_is_complete(fixture.checker));
    for (uint64_t i = 0; i < 5; i++)
        assert_true(compare(&fixture, i).right);
    assert_in_range(checker_evaluated(fixture.checker), 1, N);
    fixture.output[N - 1] += 1e4f; /* the last corner is the first sample */
    assert_false(compare(&fixture, 9).right);
    close_fixture(&fixture);
}

/* In a hurry the sample is smaller, and what is wrong everywhere is found all the same. */
static void hurried(void **state) {
    enum {
        M = 301,
        N = 259,
        K = 513
    };
    struct check_request request = {.seed = 1, .trace = "", .hurried = true};
    struct comparison comparison;
    struct fixture fixture;
    struct error error = {0};
    int64_t few;
    (void)state;
    open_fixture(&fixture, "matmul m=301 n=259 k=513 target=c threads=1", M, N, K);
    assert_int_equal(
        checker_compare(fixture.checker, fixture.output, &request, &comparison, &error), DLT_OK);
    assert_true(comparison.right);
    few = checker_evaluated(fixture.checker);
    close_fixture(&fixture);
    open_fixture(&fixture, "matmul m=301 n=259 k=513 target=c threads=1", M, N, K);
    assert_true(compare(&fixture, 1).right);
    assert_in_range(few, 100, checker_evaluated(fixture.checker) / 2);
    close_fixture(&fixture);
    open_fixture(&fixture, "matmul m=301 n=259 k=513 target=c threads=1", M, N, K);
    memset(fixture.output, 0, sizeof(float) * M * N);
    assert_int_equal(
        checker_compare(fixture.checker, fixture.output, &request, &comparison, &error), DLT_OK);
    assert_false(comparison.right);
    close_fixture(&fixture);
}

/* A wrong output that passed its sample by luck does not stay the measure of others. */
static void golden_by_luck(void **state) {
    enum {
        M = 301,
        N = 259,
        K = 513
    };
    struct fixture fixture;
    int64_t lucky = -1;
    (void)state;
    open_fixture(&fixture, "matmul m=301 n=259 k=513 target=c threads=1", M, N, K);
    for (int64_t i = 1234; i < M * N && lucky < 0; i += 7) {
        fixture.output[i] += 0.01f;
        if (compare(&fixture, 0).right)
            lucky = i;
        else
            fixture.output[i] = fixture.right[i];
    }
    assert_true(lucky >= 0);
    fixture.output[lucky] = fixture.right[lucky];
    assert_true(compare(&fixture, 5).right);
    fixture.output[lucky] += 0.01f;
    assert_false(compare(&fixture, 0).right);
    close_fixture(&fixture);
}

static void padding(void **state) {
    struct fixture fixture;
    struct comparison comparison;
    (void)state;
    open_fixture(&fixture, "matmul m=5 n=7 k=3 ldc=9 target=c threads=1", 5, 7, 3);
    assert_true(tensor_is_padded(fixture.result));
    assert_true(compare(&fixture, 0).right);
    fixture.output[7] = 1e-30f;
    comparison = compare(&fixture, 0);
    assert_false(comparison.right);
    assert_non_null(strstr(comparison.message, "padding of output[0, 7]"));
    close_fixture(&fixture);
}

static void two_runs(void **state) {
    struct fixture fixture;
    struct comparison comparison;
    float second[5 * 7];
    (void)state;
    open_fixture(&fixture, "matmul m=5 n=7 k=3 target=c threads=1", 5, 7, 3);
    memcpy(second, fixture.right, sizeof second);
    assert_true(check_runs_agree(fixture.result, fixture.output, second, &comparison));
    second[9] += 1;
    assert_false(check_runs_agree(fixture.result, fixture.output, second, &comparison));
    assert_non_null(strstr(comparison.message, "output[1, 2] differs between two runs"));
    memset(&fixture.output[9], PREFILL_FIRST, 4);
    memset(&second[9], PREFILL_SECOND, 4);
    assert_false(check_runs_agree(fixture.result, fixture.output, second, &comparison));
    assert_string_equal(comparison.message, "output[1, 2] was left unwritten");
    close_fixture(&fixture);
}

static void element_types(void **state) {
    static const struct {
        enum data_type type;
        double stored, loaded;
    } cases[] = {
        {TYPE_F32, 0.1, 0.1f},
        {TYPE_F64, 0.1, 0.1},
        {TYPE_S32, 1e12, INT32_MAX},
        {TYPE_S32, -2.5, -2},
        {TYPE_S8, 200, 127},
        {TYPE_S8, -129, -128},
        {TYPE_U8, -1, 0},
        {TYPE_U8, 255, 255},
        {TYPE_BF16, 1.00390625, 1.0},
        {TYPE_BF16, 1.01171875, 1.015625},
        {TYPE_BF16, 3e38, 0x1.c4p127},
        {TYPE_BF16, -0.5, -0.5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double place[2] = {0};
        element_store(cases[i].type, place, 1, cases[i].stored);
        assert_true(element_load(cases[i].type, place, 1) == cases[i].loaded);
        assert_true(element_load(cases[i].type, place, 0) == 0);
    }
    for (int type = 0; type < TYPE_COUNT; type++)
        if (data_types[type].is_float) {
            double place;
            memset(&place, PREFILL_FIRST, sizeof place);
            assert_true(isnan(element_load(type, &place, 0)));
        }
}

/* The same seed gives the same bytes; patterns are what they say. */
static void input_patterns(void **state) {
    struct fixture fixture;
    const struct tensor *a;
    float first[5 * 3], second[5 * 3];
    (void)state;
    open_fixture(&fixture, "matmul m=5 n=7 k=3 target=c threads=1", 5, 7, 3);
    a = fixture.task->expression->tensors[0];
    for (int pattern = 0; pattern < PATTERN_COUNT; pattern++) {
        inputs_fill(a, pattern, 1, first);
        inputs_fill(a, pattern, 1, second);
        assert_memory_equal(first, second, sizeof first);
        for (int i = 0; i < 15; i++) {
            assert_true(fabsf(first[i]) <= (pattern == PATTERN_MIXED ? 256 : 1));
            if (pattern == PATTERN_IMPULSES)
                assert_true(first[i] == 0 || fabsf(first[i]) == 1);
        }
        inputs_fill(a, pattern, 2, second);
        if (pattern != PATTERN_IMPULSES)
            assert_memory_not_equal(first, second, sizeof first);
    }
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_reference), cmocka_unit_test(sampled_reference),
        cmocka_unit_test(long_sums),       cmocka_unit_test(hurried),
        cmocka_unit_test(golden_by_luck),  cmocka_unit_test(padding),
        cmocka_unit_test(two_runs),        cmocka_unit_test(element_types),
        cmocka_unit_test(input_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
