/* A program that took a locale with a decimal comma gets the results that others get, on every
 * target: of activations, of expressions with numbers, stored or not. */
#define _GNU_SOURCE
#include "fixture.h"

#include "machine/description.h"

#include <locale.h>
#include <math.h>

enum {
    COUNT = 8
};

static const char *const targets[] = {"c", "x86-avx2", "x86-avx512"};

/* The locale that the build made; where it could not, the tests are run in what there is. */
static void take_comma(void) {
#ifdef COMMA_FOLDER
    setenv("LOCPATH", COMMA_FOLDER, 1);
    assert_non_null(setlocale(LC_ALL, COMMA_LOCALE));
    assert_string_equal(localeconv()->decimal_point, ",");
#endif
}

static void open_on(const char *target) {
    dlt_runtime_close(runtime);
    if (dlt_runtime_open(path, target, &runtime) != DLT_OK)
        fail_msg("%s: %s", target, dlt_error(runtime));
}

/* The kernel of one variable and one parameter or none, all of f32. */
static void run_kernel(const char *workload, float *x, int x_rank, int64_t *x_shape, float *y,
                       int y_rank, int64_t *y_shape) {
    int64_t shape[2] = {1, COUNT};
    float ones[COUNT];
    DLTensor x_tensor = matrix(x, (int64_t[2]){0}, 1, 1), y_tensor = x_tensor, other = x_tensor;
    DLTensor *inputs[] = {&x_tensor, &other};
    dlt_kernel *kernel = get(workload, 1);
    void *workspace = block(dlt_kernel_workspace_bytes(kernel, 1));
    for (int i = 0; i < COUNT; i++)
        ones[i] = 1;
    x_tensor.ndim = x_rank, x_tensor.shape = x_shape;
    y_tensor.data = y, y_tensor.ndim = y_rank, y_tensor.shape = y_shape;
    other.data = ones, other.ndim = 2, other.shape = shape;
    if (dlt_kernel_run(kernel, inputs, &y_tensor, NULL, workspace, NULL) != DLT_OK)
        fail_msg("%s: %s", workload, dlt_error(kernel));
    free(workspace);
    dlt_kernel_release(kernel);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}
static double gelu(double x) {
    return x / 2 * (1 + erf(x / sqrt(2)));
}
static double hardswish(double x) {
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static void activations_are_right(void **state) {
    static const struct {
        const char *name;
        double (*function)(double);
    } activations[] = {
        {"tanh", tanh}, {"sigmoid", sigmoid}, {"gelu", gelu}, {"hardswish", hardswish}};
    (void)state;
    take_comma();
    for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
        if (!target_runs_here(targets[t]))
            continue;
        open_on(targets[t]);
        for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
            char workload[64];
            float x = 0.5F, y[COUNT] = {0};
            double expected = activations[i].function(0.5);
            snprintf(workload, sizeof workload, "matmul m=1 n=8 k=1 post=%s", activations[i].name);
            run_kernel(workload, &x, 2, (int64_t[]){1, 1}, y, 2, (int64_t[]){1, COUNT});
            for (int n = 0; n < COUNT; n++)
                if (!(fabs((double)y[n] - expected) < 1e-6))
                    fail_msg("%s on %s: %.9g, not %.9g", activations[i].name, targets[t],
                             (double)y[n], expected);
        }
    }
}

/* Bits that no decimal text between an expression and its code may lose. */
static void constants_keep_their_bits(void **state) {
    static const struct {
        const char *text;
        double value;
    } constants[] = {
        {"0.1", 0.1F},          {"0.33333334", 0.33333334F}, {"-0.7", -0.7F},
        {"1e-40", 1e-40F},      {"1e-45", 0x1p-149},         {"3.4028235e+38", 0x1.fffffep127},
        {"inf", INFINITY},      {"-inf", -INFINITY},         {"-0", -0.0},
        {"16777215", 16777215}, {"1.00000012", 0x1.000002p0}};
    (void)state;
    take_comma();
    for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
        if (!target_runs_here(targets[t]))
            continue;
        open_on(targets[t]);
        for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
            char workload[200];
            float x[COUNT], y[COUNT] = {0}, expected = (float)constants[i].value;
            for (int n = 0; n < COUNT; n++)
                x[n] = 1;
            snprintf(workload, sizeof workload,
                     "expression text=\"input x[n=8] f32 variable; y[n=8] f32 = x[n] * %s\"",
                     constants[i].text);
            run_kernel(workload, x, 1, (int64_t[]){COUNT}, y, 1, (int64_t[]){COUNT});
            for (int n = 0; n < COUNT; n++)
                if (memcmp(&y[n], &expected, sizeof expected) != 0)
                    fail_msg("%s on %s: %a, not %a", constants[i].text, targets[t], (double)y[n],
                             (double)expected);
        }
    }
}

static void nan_stays_nan(void **state) {
    float x[COUNT] = {1, 1, 1, 1, 1, 1, 1, 1}, y[COUNT] = {0};
    (void)state;
    take_comma();
    for (size_t t = 0; t < sizeof targets / sizeof targets[0]; t++) {
        if (!target_runs_here(targets[t]))
            continue;
        open_on(targets[t]);
        run_kernel("expression text=\"input x[n=8] f32 variable; y[n=8] f32 = x[n] + nan\"", x, 1,
                   (int64_t[]){COUNT}, y, 1, (int64_t[]){COUNT});
        assert_true(isnan(y[0]) && isnan(y[COUNT - 1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(activations_are_right), TEST(constants_keep_their_bits),
                                       TEST(nan_stays_nan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
