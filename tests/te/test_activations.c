/* Activations of epilogues against their definitions, at numbers where they bend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/reference.h"
#include "te/task.h"

#include <math.h>
#include <stdio.h>

static double relu(double x) {
    return fmax(x, 0);
}

static double relu6(double x) {
    return fmin(fmax(x, 0), 6);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double silu(double x) {
    return x * sigmoid(x);
}

static double gelu(double x) {
    return x / 2 * (1 + erf(x / sqrt(2)));
}

static double hardswish(double x) {
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

static const struct activation {
    const char *name;
    double (*function)(double);
} activations[] = {
    {"relu", relu}, {"relu6", relu6}, {"sigmoid", sigmoid},     {"silu", silu},
    {"tanh", tanh}, {"gelu", gelu},   {"hardswish", hardswish},
};

static const float numbers[] = {-700, -20, -6.5f, -3, -1, -0.25f, 0, 0.25f, 1, 2.5f, 3, 6, 7, 90};
enum {
    NUMBERS = sizeof numbers / sizeof numbers[0]
};

static struct task *create(const char *post) {
    char text[128];
    struct error error = {0};
    struct task *task;
    snprintf(text, sizeof text, "matmul m=%d n=1 k=1 post=%s", (int)NUMBERS, post);
    if (task_create_text(text, "c", 1, &task, &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
    return task;
}

static void test_definitions(void **state) {
    const float one = 1;
    const void *inputs[] = {numbers, &one};
    (void)state;
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        struct task *task = create(activations[i].name);
        struct reference *reference;
        assert_int_equal(reference_create(task->expression, inputs, &reference, NULL), DLT_OK);
        for (int64_t m = 0; m < NUMBERS; m++) {
            const int64_t subscripts[] = {m, 0};
            struct reference_element element;
            double expected = activations[i].function((double)numbers[m]);
            assert_int_equal(reference_evaluate(reference, subscripts, &element, NULL), DLT_OK);
            if (fabs(element.value - expected) > 1e-14 * fmax(1, fabs(expected)))
                fail_msg("%s(%g) is %.17g, not %.17g", activations[i].name, (double)numbers[m],
                         element.value, expected);
            assert_true(isfinite(reference_tolerance(&element, TYPE_F32)));
        }
        reference_free(reference);
        task_free(task);
    }
}

/* In the order that `post` names them. */
static void test_order(void **state) {
    const float one = 1, bias = -2, residual[NUMBERS] = {0};
    const void *inputs[] = {numbers, &one, &bias, residual};
    (void)state;
    struct task *task = create("relu6,bias,silu,add,relu");
    struct reference *reference;
    assert_int_equal(reference_create(task->expression, inputs, &reference, NULL), DLT_OK);
    for (int64_t m = 0; m < NUMBERS; m++) {
        const int64_t subscripts[] = {m, 0};
        struct reference_element element;
        double expected = relu(silu(relu6((double)numbers[m]) - 2));
        assert_int_equal(reference_evaluate(reference, subscripts, &element, NULL), DLT_OK);
        assert_true(fabs(element.value - expected) <= 1e-14);
    }
    reference_free(reference);
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definitions),
        cmocka_unit_test(test_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
