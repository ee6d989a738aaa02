/* Models: they learn, survive bytes, and refuse bytes of others; quality is what its header
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "costmodel/model.h"
#include "costmodel/quality.h"

enum {
    ROWS = 400
};

static float features[ROWS * FEATURE_COUNT], targets[ROWS];

/* A time that two features decide. */
static void fill(void) {
    struct random random;
    random_seed(&random, 7);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < FEATURE_COUNT; j++)
            features[i * FEATURE_COUNT + j] = (float)random_unit(&random);
        targets[i] = features[i * FEATURE_COUNT + 3] > 0.5f ? 1.0f : 0.0f;
        targets[i] += features[i * FEATURE_COUNT + 10];
    }
}

static struct cost_model *train(enum cost_model_objective objective) {
    struct cost_model_options options = {.objective = objective};
    static const unsigned groups[] = {ROWS / 2};
    struct cost_model_rows rows = {.count = ROWS / 2,
                                   .features = features,
                                   .targets = targets,
                                   .group_count = 1,
                                   .groups = groups};
    struct cost_model *model;
    struct error error;
    if (cost_model_train(&rows, &options, &model, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return model;
}

/* On the half that it has not seen. */
static double accuracy(const struct cost_model *model) {
    float scores[ROWS / 2];
    double times[ROWS / 2], guesses[ROWS / 2];
    assert_int_equal(
        cost_model_predict(model, ROWS / 2, features + ROWS / 2 * FEATURE_COUNT, scores, NULL),
        DLT_OK);
    for (int i = 0; i < ROWS / 2; i++) {
        times[i] = (double)targets[ROWS / 2 + i];
        guesses[i] = (double)scores[i];
    }
    return quality_of(ROWS / 2, times, guesses).pairwise;
}

static void test_learns(void **state) {
    (void)state;
    for (int objective = MODEL_REGRESSION; objective <= MODEL_RANKING; objective++) {
        struct cost_model *model = train((enum cost_model_objective)objective);
        assert_true(accuracy(model) > 0.8);
        cost_model_free(model);
    }
}

static void test_same_rows_same_bytes(void **state) {
    struct cost_model *a = train(MODEL_REGRESSION), *b = train(MODEL_REGRESSION);
    struct text x = {0}, y = {0};
    (void)state;
    assert_int_equal(cost_model_save(a, &x, NULL), DLT_OK);
    assert_int_equal(cost_model_save(b, &y, NULL), DLT_OK);
    assert_int_equal(x.length, y.length);
    assert_memory_equal(x.data, y.data, x.length);
    text_free(&x);
    text_free(&y);
    cost_model_free(a);
    cost_model_free(b);
}

static void test_bytes(void **state) {
    struct cost_model *model = train(MODEL_REGRESSION), *loaded;
    struct text bytes = {0};
    struct error error;
    float before[8], after[8];
    char wanted[80];
    (void)state;
    assert_int_equal(cost_model_save(model, &bytes, NULL), DLT_OK);
    assert_int_equal(cost_model_load(bytes.data, bytes.length, &loaded, &error), DLT_OK);
    assert_int_equal(cost_model_predict(model, 8, features, before, NULL), DLT_OK);
    assert_int_equal(cost_model_predict(loaded, 8, features, after, NULL), DLT_OK);
    assert_memory_equal(before, after, sizeof before);
    cost_model_free(loaded);
    cost_model_free(model);

    bytes.data[16]++; /* the version of the features */
    assert_int_equal(cost_model_load(bytes.data, bytes.length, &loaded, &error), DLT_ERROR_REFUSED);
    assert_null(loaded);
    snprintf(wanted, sizeof wanted, "version %d of the features, this is version %d",
             FEATURE_VERSION + 1, FEATURE_VERSION);
    assert_non_null(strstr(error.message, wanted));
    bytes.data[16]--;
    bytes.data[0] = 'x';
    assert_int_equal(cost_model_load(bytes.data, bytes.length, &loaded, &error),
                     DLT_ERROR_ARGUMENT);
    bytes.data[0] = 'd';
    assert_int_equal(cost_model_load(bytes.data, 10, &loaded, &error), DLT_ERROR_ARGUMENT);
    assert_int_not_equal(cost_model_load(bytes.data, 40, &loaded, &error), DLT_OK);
    assert_null(loaded);
    text_free(&bytes);
}

static void test_nothing_to_train_on(void **state) {
    struct cost_model_options options = {0};
    struct cost_model_rows rows = {0};
    struct cost_model *model;
    struct error error;
    (void)state;
    assert_int_equal(cost_model_train(&rows, &options, &model, &error), DLT_ERROR_ARGUMENT);
    assert_null(model);
}

static void test_quality(void **state) {
    const double times[] = {0, 1, 2, 1.001}, right[] = {5, 6, 7, 6};
    const double wrong[] = {3, 2, 1, 2.5}, equal[] = {1, 1, 1, 1};
    struct quality q = quality_of(4, times, right);
    (void)state;
    assert_float_equal(q.pairwise, 1, 0); /* the pair 0.1 % apart does not count */
    assert_float_equal(q.peak1, 1, 0);
    q = quality_of(4, times, wrong);
    assert_float_equal(q.pairwise, 0, 0);
    assert_float_equal(q.peak1, exp(-2), 1e-12);
    assert_float_equal(q.peak5, 1, 0); /* all four are asked for */
    q = quality_of(4, times, equal);
    assert_float_equal(q.pairwise, 0.5, 0);
    q = quality_of(0, times, equal);
    assert_float_equal(q.pairwise, 1, 0);
}

static int set_up(void **state) {
    (void)state;
    fill();
    return 0;
}

int main(void) {
    const struct CMUnitTest trees[] = {
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_same_rows_same_bytes),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_nothing_to_train_on),
    };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_quality),
    };
    int failed = cmocka_run_group_tests(others, NULL, NULL);
    return cost_model_available() ? failed + cmocka_run_group_tests(trees, set_up, NULL) : failed;
}
