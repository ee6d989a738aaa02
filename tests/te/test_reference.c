/* The reference evaluator against loops written by hand, and its error bounds against what single
 * precision does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/reference.h"
#include "te/task.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_INPUTS = 4
};

struct fixture {
    struct task *task;
    struct reference *reference;
    const char *names[MAX_INPUTS];
    float *data[MAX_INPUTS];
    int count;
};

/* Makes the task and fills its inputs with numbers in [-1, 1). */
static void open_fixture(struct fixture *f, const char *text) {
    struct error error = {0};
    struct random random;
    memset(f, 0, sizeof *f);
    random_seed(&random, 7);
    if (task_create_text(text, "c", 1, &f->task, &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
    for (int i = 0; i < f->task->expression->tensor_count; i++) {
        const struct tensor *tensor = f->task->expression->tensors[i];
        bool previous = tensor == expression_result(f->task->expression) &&
                        expression_accumulates(f->task->expression);
        size_t elements = (size_t)tensor->layout.elements, plain = 1;
        float *values;
        int64_t extents[MAX_RANK];
        if (tensor->kind == TENSOR_COMPUTED && !previous)
            continue;
        for (int j = 0; j < tensor->rank; j++) {
            extents[j] = tensor->axes[j]->extent;
            plain *= (size_t)extents[j];
        }
        values = malloc(plain * sizeof *values);
        for (size_t j = 0; j < plain; j++)
            values[j] = (float)(2 * random_unit(&random) - 1);
        f->names[f->count] = tensor->name;
        f->data[f->count] = malloc(elements * sizeof(float));
        layout_store(&tensor->layout, tensor->rank, extents, sizeof(float), values,
                     f->data[f->count]);
        f->count++;
        free(values);
    }
    if (reference_create(f->task->expression, (const void *const *)f->data, &f->reference,
                         &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
}

static void close_fixture(struct fixture *f) {
    reference_free(f->reference);
    task_free(f->task);
    for (int i = 0; i < f->count; i++)
        free(f->data[i]);
}

static const float *input(const struct fixture *f, const char *name) {
    for (int i = 0; i < f->count; i++)
        if (!strcmp(f->names[i], name))
            return f->data[i];
    fail_msg("no input %s", name);
    return NULL;
}

static struct reference_element evaluate(const struct fixture *f, const int64_t *subscripts) {
    struct reference_element element;
    struct error error = {0};
    if (reference_evaluate(f->reference, subscripts, &element, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return element;
}

static void near(double got, double want) {
    if (!(fabs(got - want) <= 1e-12 * (1 + fabs(want))))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* ---- matmul ---- */

static void matmul_case(const char *text, int m, int n, int k, int lda, int ldb) {
    struct fixture f;
    open_fixture(&f, text);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            const float *a = input(&f, "a"), *b = input(&f, "b");
            struct reference_element element = evaluate(&f, (int64_t[]){i, j});
            double sum = 0, magnitude = 0;
            for (int p = 0; p < k; p++) {
                sum += (double)a[i * lda + p] * b[p * ldb + j];
                magnitude += fabs((double)a[i * lda + p] * b[p * ldb + j]);
            }
            near(element.value, sum);
            near(element.magnitude, magnitude);
            near(element.terms, k);
        }
    near(reference_cost(f.reference), k);
    close_fixture(&f);
}

static void matmul_equals_loops(void **state) {
    (void)state;
    matmul_case("matmul m=1 n=1 k=1", 1, 1, 1, 1, 1);
    matmul_case("matmul m=7 n=13 k=29", 7, 13, 29, 29, 13);
    matmul_case("matmul m=3 n=5 k=4 lda=9 ldb=7", 3, 5, 4, 9, 7);
    matmul_case("matmul m=2 n=3 k=1", 2, 3, 1, 1, 3);
}

/* old + sum, and one rounding more; with an epilogue the bound follows the steps. */
static void accumulated_equals_loops(void **state) {
    struct fixture f;
    (void)state;
    open_fixture(&f, "matmul m=3 n=5 k=4 ldc=7 accumulate=1");
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 5; j++) {
            struct reference_element element = evaluate(&f, (int64_t[]){i, j});
            double old = input(&f, "output")[i * 7 + j], sum = old, magnitude = fabs(old);
            for (int p = 0; p < 4; p++) {
                sum += (double)input(&f, "a")[i * 4 + p] * input(&f, "b")[p * 5 + j];
                magnitude += fabs((double)input(&f, "a")[i * 4 + p] * input(&f, "b")[p * 5 + j]);
            }
            near(element.value, sum);
            near(element.magnitude, magnitude);
            near(element.terms, 4 + 1);
        }
    close_fixture(&f);
    open_fixture(&f, "batch_matmul b=2 m=3 n=5 k=1 lda=2 accumulate=1 post=bias,relu");
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 5; j++) {
                struct reference_element element = evaluate(&f, (int64_t[]){b, i, j});
                double sum = (double)input(&f, "output")[(b * 3 + i) * 5 + j] +
                             (double)input(&f, "a")[(b * 3 + i) * 2] * input(&f, "b")[b * 5 + j] +
                             input(&f, "bias")[j];
                near(element.value, sum > 0 ? sum : 0);
            }
    close_fixture(&f);
}

/* What is combined by another combiner starts from the old element too. */
static void any_combiner_accumulates(void **state) {
    const char *text = "input x[i=3, j=4] f32 variable\n"
                       "y[i=3] f32 accumulate = max(j=4) x[i, j]\n";
    const float x[12] = {1, 2, 3, 4, -1, -2, -3, -4, 0, 0, 0, 7}, old[3] = {5, -9, 7.5f};
    const double expected[3] = {5, -1, 7.5};
    const void *inputs[2] = {x, old};
    struct expression *expression;
    struct reference *reference;
    struct error error = {0};
    struct arena arena;
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    assert_int_equal(expression_parse(&arena, text, &expression, &error), DLT_OK);
    assert_int_equal(reference_create(expression, inputs, &reference, &error), DLT_OK);
    for (int64_t i = 0; i < 3; i++) {
        struct reference_element element;
        assert_int_equal(reference_evaluate(reference, &i, &element, &error), DLT_OK);
        near(element.value, expected[i]);
        assert_true(element.terms == 0);
    }
    reference_free(reference);
    inputs[1] = NULL;
    assert_int_equal(reference_create(expression, inputs, &reference, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "y: no data given for what it held before");
    arena_free(&arena);
}

/* ---- conv2d ---- */

struct conv {
    const char *attributes, *post;
    int n, c, h, w, k, r, s;
    int stride_y, stride_x, top, left, bottom, right, dilation_y, dilation_x, groups;
    bool channels_last;
};

static int at(const struct conv *v, int n, int c, int y, int x, int channels, int height,
              int width) {
    return v->channels_last ? ((n * height + y) * width + x) * channels + c
                            : ((n * channels + c) * height + y) * width + x;
}

static double naive(const struct conv *v, const struct fixture *f, int n, int k, int y, int x,
                    double *magnitude) {
    const float *image = input(f, "x"), *weight = input(f, "weight");
    int group_channels = v->c / v->groups, group = k / (v->k / v->groups);
    double sum = 0;
    *magnitude = 0;
    for (int c = 0; c < group_channels; c++)
        for (int r = 0; r < v->r; r++)
            for (int s = 0; s < v->s; s++) {
                int row = y * v->stride_y + r * v->dilation_y - v->top;
                int column = x * v->stride_x + s * v->dilation_x - v->left;
                double product;
                if (row < 0 || row >= v->h || column < 0 || column >= v->w)
                    continue;
                product =
                    (double)
                        image[at(v, n, group * group_channels + c, row, column, v->c, v->h, v->w)] *
                    weight[((k * group_channels + c) * v->r + r) * v->s + s];
                sum += product;
                *magnitude += fabs(product);
            }
    return sum;
}

static double apply_post(const char *post, double value, double bias, double residual,
                         double *magnitude, double *terms) {
    for (; *post; post++) {
        double operand = *post == 'b' ? bias : *post == 'a' ? residual : 0;
        if (*post == 'r') {
            value = value > 0 ? value : 0;
            continue;
        }
        value += operand;
        *magnitude += fabs(operand);
        *terms += 1;
    }
    return value;
}

static void conv_case(const struct conv *v) {
    struct fixture f;
    char text[256];
    int height = (v->h + v->top + v->bottom - ((v->r - 1) * v->dilation_y + 1)) / v->stride_y + 1;
    int width = (v->w + v->left + v->right - ((v->s - 1) * v->dilation_x + 1)) / v->stride_x + 1;
    snprintf(text, sizeof text, "conv2d n=%d c=%d h=%d w=%d k=%d r=%d s=%d %s", v->n, v->c, v->h,
             v->w, v->k, v->r, v->s, v->attributes);
    open_fixture(&f, text);
    for (int n = 0; n < v->n; n++)
        for (int k = 0; k < v->k; k++)
            for (int y = 0; y < height; y++)
                for (int x = 0; x < width; x++) {
                    struct reference_element element = evaluate(&f, (int64_t[]){n, k, y, x});
                    double terms = v->c / v->groups * v->r * v->s, magnitude;
                    double want = naive(v, &f, n, k, y, x, &magnitude);
                    double bias = strchr(v->post, 'b') ? input(&f, "bias")[k] : 0;
                    double residual =
                        strchr(v->post, 'a')
                            ? input(&f, "residual")[at(v, n, k, y, x, v->k, height, width)]
                            : 0;
                    want = apply_post(v->post, want, bias, residual, &magnitude, &terms);
                    near(element.value, want);
                    near(element.magnitude, magnitude);
                    near(element.terms, terms);
                }
    close_fixture(&f);
}

static void conv2d_equals_loops(void **state) {
    static const struct conv cases[] = {
        {"", "", 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, false},
        {"pad=1", "", 2, 3, 5, 7, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, false},
        {"stride=2 pad=1", "", 1, 3, 8, 7, 2, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, false},
        {"stride=2x1 pad=1,0,2,1", "", 1, 2, 6, 5, 3, 3, 2, 2, 1, 1, 0, 2, 1, 1, 1, 1, false},
        {"pad=2 dilation=2", "", 1, 2, 7, 9, 3, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1, false},
        {"pad=0,2,0,2", "", 1, 5, 4, 6, 3, 1, 5, 1, 1, 0, 2, 0, 2, 1, 1, 1, false},
        {"pad=1 groups=2", "", 1, 4, 5, 5, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, false},
        {"pad=1 groups=5", "", 1, 5, 4, 5, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 5, false},
        {"pad=1 groups=2 layout=nhwc", "", 2, 4, 5, 3, 6, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2, true},
        {"pad=1 post=bias,relu", "br", 1, 3, 5, 5, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, false},
        {"post=bias,add,relu layout=nhwc", "bar", 1, 7, 4, 3, 5, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1,
         true},
        {"pad=1 post=relu,add", "ra", 2, 2, 4, 4, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, false},
        {"post=add,relu,bias", "arb", 1, 3, 3, 3, 2, 2, 2, 1, 1, 0, 0, 0, 0, 1, 1, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        conv_case(&cases[i]);
}

/* ---- blocked layout: the same numbers as plain ---- */

static void layout_does_not_change_the_result(void **state) {
    struct fixture plain, blocked;
    (void)state;
    open_fixture(&plain, "conv2d c=5 h=4 w=6 k=7 r=3 s=3 pad=1 post=add");
    open_fixture(&blocked, "conv2d c=5 h=4 w=6 k=7 r=3 s=3 pad=1 post=add layout=n,c/4,h,w,c%4");
    for (int k = 0; k < 7; k++)
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 6; x++) {
                int64_t at[] = {0, k, y, x};
                near(evaluate(&blocked, at).value, evaluate(&plain, at).value);
            }
    close_fixture(&plain);
    close_fixture(&blocked);
}

/* ---- several stages, division, remainder: a mean over pairs, read again by a softmax ---- */

static void stages_and_divisions(void **state) {
    struct arena arena;
    struct expression *expression;
    struct reference *reference;
    struct error error = {0};
    float x[3 * 8];
    const void *inputs[] = {x};
    const char *text = "input x[m=3, n=8] f32 variable\n"
                       "high[m=3] f32 = max(n=8) x[m, n]\n"
                       "total[m=3] f32 = sum(n=8) exp(x[m, n] - high[m])\n"
                       "output[m=3, n=8] f32 = exp(x[m, (n + 1) % 8] - high[m]) / total[m]\n";
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    if (expression_parse(&arena, text, &expression, &error) != DLT_OK)
        fail_msg("%s", error.message);
    for (int i = 0; i < 24; i++)
        x[i] = (float)(sin(i * 1.7) * 3);
    assert_int_equal(DLT_OK, reference_create(expression, inputs, &reference, &error));
    for (int m = 0; m < 3; m++)
        for (int n = 0; n < 8; n++) {
            struct reference_element element;
            double high = -INFINITY, total = 0;
            for (int i = 0; i < 8; i++)
                high = x[m * 8 + i] > high ? x[m * 8 + i] : high;
            for (int i = 0; i < 8; i++)
                total += exp(x[m * 8 + i] - high);
            assert_int_equal(DLT_OK,
                             reference_evaluate(reference, (int64_t[]){m, n}, &element, &error));
            near(element.value, exp(x[m * 8 + (n + 1) % 8] - high) / total);
            assert_true(element.magnitude >= element.value);
            assert_true(reference_tolerance(&element, TYPE_F32) > element.value * FLT_EPSILON);
            assert_true(reference_tolerance(&element, TYPE_F32) < 1e-3);
        }
    /* itself 1; high 8; total 8 terms and the one high that they share */
    near(reference_cost(reference), 1 + 8 + (8 + 8));
    reference_free(reference);
    arena_free(&arena);
}

/* ---- the tolerance ---- */

/* A pool of sums, padded by minus infinity: a tenth of a percent off is wrong. */
static void padded_maxima_have_a_tolerance(void **state) {
    struct arena arena;
    struct error error;
    struct expression *expression;
    struct reference *reference;
    float x[6 * 4];
    const void *inputs[] = {x};
    static const char text[] =
        "input x[n=6, k=4] f32 variable\n"
        "total[n=6] f32 = sum(k=4) x[n, k]\n"
        "output[n=6] f32 = max(r=3) select(0 <= n + r - 1 < 6, total[n + r - 1], -inf)\n";
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    if (expression_parse(&arena, text, &expression, &error) != DLT_OK)
        fail_msg("%s", error.message);
    for (int i = 0; i < 24; i++)
        x[i] = (float)(1 + sin(i * 1.7) / 2);
    assert_int_equal(DLT_OK, reference_create(expression, inputs, &reference, &error));
    for (int64_t n = 0; n < 6; n++) {
        struct reference_element element;
        assert_int_equal(DLT_OK, reference_evaluate(reference, &n, &element, &error));
        double tolerance = reference_tolerance(&element, TYPE_F32);
        assert_true(tolerance > 0);
        assert_true(tolerance < 1e-3 * element.value);
    }
    reference_free(reference);
    arena_free(&arena);
}

/* Single precision in several orders stays within it; leaving out one typical term does not. */
static void tolerance_tells_right_from_wrong(void **state) {
    enum {
        K = 576
    };
    struct fixture f;
    (void)state;
    open_fixture(&f, "matmul m=16 n=16 k=576");
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            const float *a = input(&f, "a"), *b = input(&f, "b");
            struct reference_element element = evaluate(&f, (int64_t[]){i, j});
            double tolerance = reference_tolerance(&element, TYPE_F32);
            double typical = element.magnitude / K;
            float forward = 0, backward = 0, fused = 0;
            for (int p = 0; p < K; p++) {
                forward += a[i * K + p] * b[p * 16 + j];
                backward += a[i * K + K - 1 - p] * b[(K - 1 - p) * 16 + j];
                fused = fmaf(a[i * K + p], b[p * 16 + j], fused);
            }
            assert_true(fabs(forward - element.value) <= tolerance);
            assert_true(fabs(backward - element.value) <= tolerance);
            assert_true(fabs(fused - element.value) <= tolerance);
            assert_true(typical > 10 * tolerance);
        }
    close_fixture(&f);
}

/* Equal terms round the same way again and again; different ones do not. */
static void equal_terms_have_the_certain_bound(void **state) {
    static const struct {
        const char *text;
        bool is_wide;
    } sums[] = {
        {"input x[a=1] f32 variable\no[a=1] f32 = sum(r=300000) x[a] * 0.1", true},
        {"input x[a=6] f32 variable\no[a=1] f32 = sum(r=300000) x[r % 6] * 0.1", true},
        {"input x[a=1, r=300000] f32 variable\no[a=1] f32 = sum(r=300000) x[a, r] * 0.1", false},
    };
    float *x = malloc(300000 * sizeof *x), sum = 0;
    (void)state;
    for (int i = 0; i < 300000; i++)
        x[i] = 0.27F;
    for (int i = 0; i < 300000; i++)
        sum += x[i] * 0.1F;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        struct arena arena;
        struct error error;
        struct expression *expression;
        struct reference *reference;
        struct reference_element element;
        arena_initialise(&arena);
        assert_int_equal(DLT_OK, expression_parse(&arena, sums[i].text, &expression, &error));
        assert_int_equal(DLT_OK,
                         reference_create(expression, (const void *[]){x}, &reference, &error));
        assert_int_equal(DLT_OK, reference_evaluate(reference, (int64_t[]){0}, &element, &error));
        assert_int_equal(fabs(sum - element.value) <= reference_tolerance(&element, TYPE_F32),
                         sums[i].is_wide);
        reference_free(reference);
        arena_free(&arena);
    }
    free(x);
}

static void tolerance_follows_the_bounds(void **state) {
    struct reference_element element = {.value = 1, .magnitude = 2, .terms = 4};
    double unit = FLT_EPSILON / 2.0;
    (void)state;
    assert_float_equal(reference_tolerance(&element, TYPE_F32) / (2 * 4 * unit), 1, 1e-5);
    element.terms = 10000; /* beyond 64 the probable bound is the smaller */
    assert_float_equal(reference_tolerance(&element, TYPE_F32) / (2 * 8 * 100 * unit), 1, 1e-3);
    element.terms = 1e12;
    assert_true(isfinite(reference_tolerance(&element, TYPE_F32)));
    element.terms = 0;
    assert_float_equal(reference_tolerance(&element, TYPE_F32), 0, 0);
}

static void wrong_arguments_are_refused(void **state) {
    struct fixture f;
    struct reference_element element;
    struct reference *reference;
    struct error error = {0};
    const void *none[MAX_INPUTS] = {0};
    (void)state;
    open_fixture(&f, "matmul m=3 n=5 k=4 post=relu");
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     reference_evaluate(f.reference, (int64_t[]){0, 5}, &element, &error));
    assert_string_equal(error.message, "output: subscript n is 5, not a number from 0 to 4");
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     reference_evaluate(f.reference, (int64_t[]){-1, 0}, &element, &error));
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     reference_create(f.task->expression, none, &reference, &error));
    assert_string_equal(error.message, "a: no data given for this input");
    assert_null(reference);
    reference_free(NULL);
    close_fixture(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_equals_loops),
        cmocka_unit_test(accumulated_equals_loops),
        cmocka_unit_test(any_combiner_accumulates),
        cmocka_unit_test(conv2d_equals_loops),
        cmocka_unit_test(layout_does_not_change_the_result),
        cmocka_unit_test(stages_and_divisions),
        cmocka_unit_test(padded_maxima_have_a_tolerance),
        cmocka_unit_test(tolerance_tells_right_from_wrong),
        cmocka_unit_test(equal_terms_have_the_certain_bound),
        cmocka_unit_test(tolerance_follows_the_bounds),
        cmocka_unit_test(wrong_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
