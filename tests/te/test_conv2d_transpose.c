/* The transposed convolution: what it builds, its canonical text, what it refuses, and every
 * element against the definition from the input's side, where each element adds its filter to the
 * output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "te/reference.h"
#include "te/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL "conv2d_transpose n=1 c=3 h=4 w=5 k=2 r=4 s=4"

static struct task *create(const char *text) {
    struct error error = {0};
    struct task *task;
    if (task_create_text(text, "c", 1, &task, &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
    return task;
}

static void canonical_is(const char *text, const char *expected) {
    struct task *task = create(text);
    assert_string_equal(task->workload, expected);
    task_free(task);
    task = create(expected); /* and stays so */
    assert_string_equal(task->workload, expected);
    task_free(task);
}

static void refused(const char *text, const char *part) {
    struct error error = {0};
    struct task *task;
    dlt_status got = task_create_text(text, "c", 1, &task, &error);
    if (got != DLT_ERROR_ARGUMENT || !strstr(error.message, part))
        fail_msg("'%s': status %d, message '%s'; expected '%s'", text, got, error.message, part);
}

static void prints(const char *text, const char *expected) {
    struct task *task = create(text);
    struct text printed = {0};
    expression_print(&printed, task->expression);
    assert_string_equal(text_string(&printed), expected);
    text_free(&printed);
    task_free(task);
}

/* Only taps that meet in an element are in the sum. */
static void expressions(void **state) {
    (void)state;
    prints(SMALL " stride=2 pad=1",
           "input x[n=1, c=3, h=4, w=5] f32 variable\n"
           "input weight[c=3, k=2, r=4, s=4] f32 parameter\n"
           "output[n=1, k=2, y=8, x=10] f32 = sum(c=3, r=2, s=2)\n"
           "    select(0 <= -r + (y + 1) / 2 < 4, 0 <= -s + (x + 1) / 2 < 5, "
           "x[0, c, -r + (y + 1) / 2, -s + (x + 1) / 2] * "
           "weight[c, k, 2*r + (y + 1) % 2, 2*s + (x + 1) % 2], 0)\n");
    prints("conv2d_transpose n=1 c=4 h=3 w=3 k=6 r=1 s=1 groups=2",
           "input x[n=1, c=4, h=3, w=3] f32 variable\n"
           "input weight[c=4, k=3, r=1, s=1] f32 parameter\n"
           "output[n=1, k=6, y=3, x=3] f32 = sum(c=2, r=1, s=1)\n"
           "    x[0, c + 2*(k / 3), y, x] * weight[c + 2*(k / 3), k % 3, 0, 0]\n");
}

static void canonical_texts(void **state) {
    (void)state;
    canonical_is(SMALL " stride=02x2 pad=1x1 dilation=1", SMALL " stride=2 pad=1");
    /* cutting and adding behind are one number */
    canonical_is(SMALL " stride=2 pad=1,1,0,0", SMALL " stride=2 pad=1 output_padding=1");
    canonical_is(SMALL " stride=2 pad=1,1,2,2 output_padding=1", SMALL " stride=2 pad=1");
    canonical_is(SMALL " stride=2 pad=0,0,3,3 output_padding=1", SMALL " stride=2 pad=0,0,2,2");
    canonical_is("conv2d_transpose c=3 h=1 w=1 k=2 r=3 s=3 stride=7",
                 "conv2d_transpose n=1 c=3 h=1 w=1 k=2 r=3 s=3");
    canonical_is("conv2d_transpose c=3 h=2 w=2 k=2 r=1 s=3 dilation=2",
                 "conv2d_transpose n=1 c=3 h=2 w=2 k=2 r=1 s=3 dilation=1x2");
}

static void refusals(void **state) {
    (void)state;
    refused(SMALL " output_padding=1", "output_padding: 1 along h is not less than the stride, 1");
    refused(SMALL " stride=1x2 output_padding=0x2", "output_padding: 2 along w is not less than");
    refused(SMALL " output_padding=-1", "output_padding: '-1' is not a number from 0");
    refused(SMALL " pad=4", "pad: 4 and 4 along h leave nothing of the output's 7");
    refused(SMALL " groups=2", "groups: 2 does not divide c=3");
    refused(SMALL " stride=0", "stride: '0' is not a number from 1");
    refused("conv2d_transpose c=3 h=4 w=5 k=2 r=4", "s: missing; conv2d_transpose needs it");
    refused("conv2d_transpose c=1 h=2147483648 w=1 k=1 r=1 s=1 stride=9", "stride: 9 makes");
    refused("conv2d c=1 h=4 w=4 k=1 r=1 s=1 output_padding=0", "unknown key 'output_padding'");
}

struct shape {
    int n, c, h, w, k, r, s, stride[2], before[2], after[2], dilation[2], more[2], groups;
};

static int below(struct random *random, int bound) {
    return (int)random_below(random, (uint64_t)bound);
}

static void random_shape(struct random *random, struct shape *p) {
    p->groups = 1 + below(random, 2);
    p->n = 1 + below(random, 2);
    p->c = p->groups * (1 + below(random, 3));
    p->k = p->groups * (1 + below(random, 3));
    p->h = 1 + below(random, 5);
    p->w = 1 + below(random, 5);
    p->r = 1 + below(random, 5);
    p->s = 1 + below(random, 5);
    for (int i = 0; i < 2; i++) {
        p->stride[i] = 1 + below(random, 6);
        p->dilation[i] = 1 + below(random, 6);
        p->before[i] = below(random, 4);
        p->after[i] = below(random, 4);
        p->more[i] = below(random, p->stride[i] > p->dilation[i] ? p->stride[i] : p->dilation[i]);
    }
}

/* Numbers in [-1, 1). */
static float *numbers(struct random *random, int64_t count) {
    float *data = malloc((size_t)count * sizeof *data);
    for (int64_t i = 0; i < count; i++)
        data[i] = (float)(2 * random_unit(random) - 1);
    return data;
}

/* Each element of x adds its filter; what falls beside the output is lost. */
static void scatter(const struct shape *p, const float *x, const float *weight, int height,
                    int width, double *output) {
    int channels = p->c / p->groups, filters = p->k / p->groups;
    for (int i = 0; i < p->n * p->c * p->h * p->w; i++)
        for (int j = 0; j < filters * p->r * p->s; j++) {
            int w = i % p->w, h = i / p->w % p->h, c = i / p->w / p->h % p->c;
            int n = i / p->w / p->h / p->c;
            int k = c / channels * filters + j / p->s / p->r;
            int row = h * p->stride[0] + j / p->s % p->r * p->dilation[0] - p->before[0];
            int column = w * p->stride[1] + j % p->s * p->dilation[1] - p->before[1];
            if (row >= 0 && row < height && column >= 0 && column < width)
                output[((n * p->k + k) * height + row) * width + column] +=
                    (double)x[i] * weight[c * filters * p->r * p->s + j];
        }
}

static void compare(struct task *task, const struct shape *p, const float *x, const float *weight) {
    const struct tensor *result = expression_result(task->expression);
    int height = (int)result->axes[2]->extent, width = (int)result->axes[3]->extent;
    double *expected = calloc((size_t)(p->n * p->k * height * width), sizeof *expected);
    const void *inputs[] = {x, weight};
    struct reference *reference;
    struct error error = {0};
    int64_t at = 0;
    if (reference_create(task->expression, inputs, &reference, &error))
        fail_msg("%s: %s", task->workload, error.message);
    scatter(p, x, weight, height, width, expected);
    for (int64_t n = 0; n < p->n; n++)
        for (int64_t k = 0; k < p->k; k++)
            for (int64_t y = 0; y < height; y++)
                for (int64_t z = 0; z < width; z++) {
                    struct reference_element element;
                    int64_t subscripts[] = {n, k, y, z};
                    assert_int_equal(reference_evaluate(reference, subscripts, &element, &error),
                                     DLT_OK);
                    if (fabs(element.value - expected[at]) > 1e-12)
                        fail_msg("%s: [%d, %d, %d, %d] is %g, not %g", task->workload, (int)n,
                                 (int)k, (int)y, (int)z, element.value, expected[at]);
                    at++;
                }
    reference_free(reference);
    free(expected);
}

static void elements(void **state) {
    int tried = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct error error = {0};
        struct random random;
        struct shape p;
        struct task *task;
        char text[512];
        random_seed(&random, seed);
        random_shape(&random, &p);
        snprintf(text, sizeof text,
                 "conv2d_transpose n=%d c=%d h=%d w=%d k=%d r=%d s=%d stride=%dx%d pad=%d,%d,%d,%d "
                 "dilation=%dx%d output_padding=%dx%d groups=%d",
                 p.n, p.c, p.h, p.w, p.k, p.r, p.s, p.stride[0], p.stride[1], p.before[0],
                 p.before[1], p.after[0], p.after[1], p.dilation[0], p.dilation[1], p.more[0],
                 p.more[1], p.groups);
        if (task_create_text(text, "c", 1, &task, &error) != DLT_OK) {
            if (!strstr(error.message, "leave nothing"))
                fail_msg("%s: %s", text, error.message);
            continue;
        }
        float *x = numbers(&random, p.n * p.c * p.h * p.w);
        float *weight = numbers(&random, p.c * (p.k / p.groups) * p.r * p.s);
        for (int i = 0; i < 2; i++) /* the outputs that these make */
            assert_int_equal(expression_result(task->expression)->axes[2 + i]->extent,
                             ((i ? p.w : p.h) - 1) * p.stride[i] +
                                 ((i ? p.s : p.r) - 1) * p.dilation[i] + 1 + p.more[i] -
                                 p.before[i] - p.after[i]);
        compare(task, &p, x, weight);
        free(x);
        free(weight);
        task_free(task);
        tried++;
    }
    assert_true(tried > 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions),
        cmocka_unit_test(canonical_texts),
        cmocka_unit_test(refusals),
        cmocka_unit_test(elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
