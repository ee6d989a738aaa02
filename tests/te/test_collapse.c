/* What schedules are of: which axes merge, which are separated into steps and phases, and that the
 * same is computed in the same places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/collapse.h"
#include "te/phases.h"
#include "te/reference.h"
#include "te/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRANSPOSE "conv2d_transpose n=1 c=4 h=3 w=4 k=6"

struct collapse_case {
    const char *workload;
    const char *axes; /* of the collapsed result, "name=extent ..." */
};

static const struct collapse_case cases[] = {
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=1 s=1", "n=1 k=6 yx=35"},
    {"conv2d n=2 c=4 h=5 w=7 k=6 r=1 s=1", "n=2 k=6 yx=35"},
    {"conv2d n=2 c=4 h=5 w=7 k=6 r=1 s=1 layout=nhwc", "nyx=70 k=6"},
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=1 s=1 post=bias,relu", "n=1 k=6 yx=35"},
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=1 s=1 stride=2", "n=1 k=6 y=3 x=4"},
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=3 s=3 pad=1", "n=1 k=6 y=5 x=7"},
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=1 s=1 post=add,relu", "n=1 k=6 yx=35"},
    {"matmul m=5 n=6 k=7", "m=5 n=6"},
    {"batch_matmul b=3 m=5 n=6 k=7", "b=3 m=5 n=6"},
    {"matmul m=5 n=6 k=7 ldc=8 accumulate=1 post=bias", "m=5 n=6"},
    {"conv2d n=2 c=4 h=5 w=7 k=6 r=1 s=1 layout=nhwc accumulate=1", "nyx=70 k=6"},
    /* one step of the output is one element of the input */
    {TRANSPOSE " r=4 s=4 stride=2 pad=1", "n=1 k=6 y=3 y.phase=2 x=4 x.phase=2"},
    {TRANSPOSE " r=3 s=3 stride=2 pad=1,1,0,0 post=bias,add,relu layout=nhwc",
     "n=1 k=6 y=3 y.phase=2 x=4 x.phase=2"},
    {TRANSPOSE " r=3 s=3 stride=2 pad=1,1,0,0 layout=n,c/4,h,w,c%4 accumulate=1 post=relu",
     "n=1 k=6 y=3 y.phase=2 x=4 x.phase=2"},
    {TRANSPOSE " r=5 s=4 stride=3x2 pad=1,1,1,0 dilation=1x2",
     "n=1 k=6 y=3 y.phase=3 x=6 x.phase=2"},
    {TRANSPOSE " r=2 s=2 stride=6 dilation=4", "n=1 k=6 y=17 x=23"},
    {TRANSPOSE " r=4 s=4 stride=6 dilation=4", "n=1 k=6 y=25 x=31"},
    {TRANSPOSE " r=3 s=3 stride=2 pad=1", "n=1 k=6 y=3 y.phase=2 x=4 x.phase=2"},
    {TRANSPOSE " r=3 s=3 pad=1", "n=1 k=6 y=3 x=4"},
    {"conv2d_transpose n=1 c=4 h=3 w=4 k=6 r=1 s=1 groups=2", "n=1 k=2 k.phase=3 yx=12"},
    {"conv2d n=1 c=4 h=5 w=7 k=6 r=3 s=3 groups=2", "n=1 k=6 y=3 x=5"},
};

static void print_axes(struct text *text, const struct tensor *tensor) {
    for (int i = 0; i < tensor->rank; i++)
        text_format(text, "%s%s=%lld", i ? " " : "", tensor->axes[i]->name,
                    (long long)tensor->axes[i]->extent);
}

static float *random_data(const struct tensor *tensor, unsigned *seed) {
    float *data = malloc(sizeof *data * (size_t)tensor->layout.elements);
    for (int64_t i = 0; i < tensor->layout.elements; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        data[i] = (float)(int)(*seed >> 8) / 8388608.f - 1;
    }
    return data;
}

struct place {
    const struct tensor *tensor;
    const int64_t *subscripts;
};

static int64_t subscript_of(const void *context, const struct variable *variable) {
    const struct place *place = context;
    int axis = 0;
    while (place->tensor->axes[axis] != variable)
        axis++;
    return place->subscripts[axis];
}

/* Whether the element lies in the tensor's domain. */
static bool exists(const struct tensor *tensor, const int64_t *subscripts) {
    const struct place place = {tensor, subscripts};
    for (int i = 0; i < tensor->domain_count; i++)
        if (affine_evaluate(tensor->domain[i], subscript_of, &place) < 0)
            return false;
    return true;
}

/* All elements of the result, each where it lies in memory. */
static void evaluate(const struct expression *expression, const void *const *inputs,
                     double *values) {
    struct reference *reference;
    const struct tensor *result = expression_result(expression);
    int64_t subscripts[MAX_RANK] = {0}, count = 1;
    assert_int_equal(reference_create(expression, inputs, &reference, NULL), DLT_OK);
    for (int i = 0; i < result->rank; i++)
        count *= result->axes[i]->extent;
    for (int64_t number = 0; number < count; number++) {
        struct reference_element element;
        int64_t rest = number;
        for (int i = result->rank - 1; i >= 0; i--) {
            subscripts[i] = rest % result->axes[i]->extent;
            rest /= result->axes[i]->extent;
        }
        if (!exists(result, subscripts))
            continue;
        assert_int_equal(reference_evaluate(reference, subscripts, &element, NULL), DLT_OK);
        values[layout_offset_of(&result->layout, subscripts)] = element.value;
    }
    reference_free(reference);
}

static void check_case(const struct collapse_case *c) {
    struct task *task;
    struct text axes = {0};
    const void *inputs[8];
    float *data[8];
    double *plain, *merged;
    int count = 0;
    int64_t elements;
    unsigned seed = 1;
    assert_int_equal(task_create_text(c->workload, "c", 1, &task, NULL), DLT_OK);
    print_axes(&axes, expression_result(task->collapsed));
    assert_string_equal(text_string(&axes), c->axes);
    text_free(&axes);
    for (int i = 0; i < task->expression->tensor_count; i++)
        if (task->expression->tensors[i]->kind != TENSOR_COMPUTED ||
            (i + 1 == task->expression->tensor_count && expression_accumulates(task->expression))) {
            data[count] = random_data(task->expression->tensors[i], &seed);
            inputs[count] = data[count];
            count++;
        }
    elements = expression_result(task->expression)->layout.elements;
    assert_int_equal(expression_result(task->collapsed)->layout.elements, elements);
    plain = calloc((size_t)elements, sizeof *plain);
    merged = calloc((size_t)elements, sizeof *merged);
    evaluate(task->expression, inputs, plain);
    evaluate(task->collapsed, inputs, merged);
    assert_memory_equal(plain, merged, sizeof *plain * (size_t)elements);
    free(plain);
    free(merged);
    while (count)
        free(data[--count]);
    task_free(task);
}

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

/* What has no remainder or is read in two ways, in whichever order, stays in one. */
static void test_kept_whole(void **state) {
    static const char *const texts[] = {
        "input a[i=8] f32 variable\n"
        "b[i=16] f32 = a[i / 2]\n",
        "input a[i=8] f32 variable\n"
        "b[i=2] f32 = a[i % 2] + a[(i + 1) % 2]\n",
        "input a[i=200] f32 variable\n"
        "b[i=200] f32 = a[i % 100]\n",
        "input a[i=8] f32 variable\n"
        "b[i=16] f32 = a[i % 2]\n"
        "c[i=16] f32 = b[i] + b[15 - i]\n",
        "input a[i=8] f32 variable\n"
        "b[i=16] f32 = a[i % 2]\n"
        "c[i=16] f32 = b[15 - i] + b[i]\n",
        "input a[i=8] f32 variable\n"
        "b[i=16] f32 = a[i % 2]\n"
        "c[i=16] f32 = a[i % 2] + b[i]\n"
        "d[i=16] f32 = b[15 - i] + c[i]\n",
        "input a[i=8] f32 variable\n"
        "b[i=16] f32 layout i/4 i%4 = a[i % 2]\n",
    };
    static const char separated[] = "input a[i=8] f32 variable\n"
                                    "b[i=4, i.phase=2] f32 = a[i + 2*i.phase] * 2\n"
                                    "c[i=4, i.phase=2] f32 = b[i, i.phase] + a[2*i + i.phase]\n";
    struct expression *expression;
    struct arena arena;
    struct error error;
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (expression_parse(&arena, texts[i], &expression, &error) != DLT_OK)
            fail_msg("%s", error.message);
        assert_ptr_equal(expression_separate(&arena, expression), expression);
    }
    if (expression_parse(&arena,
                         "input a[i=8] f32 variable\n"
                         "b[i=8] f32 = a[i / 2 + 2*(i % 2)] * 2\n"
                         "c[i=8] f32 = b[i] + a[i]\n",
                         &expression, &error) != DLT_OK)
        fail_msg("%s", error.message);
    struct text text = {0};
    expression_print(&text, expression_separate(&arena, expression));
    assert_string_equal(text_string(&text), separated);
    text_free(&text);
    arena_free(&arena);
}

/* Axes that two tensors order differently in memory, or that something uses alone, stay apart. */
static void test_kept_apart(void **state) {
    static const char *const texts[] = {
        "input a[i=3, j=4] f32 variable\n"
        "b[i=3, j=4] f32 = a[i, j] + index(i)\n",
        "input a[i=3, j=4] f32 variable layout j i\n"
        "b[i=3, j=4] f32 = a[i, j] + 1\n",
        "input a[i=3, j=4] f32 variable\n"
        "input c[j=4] f32 variable\n"
        "b[i=3, j=4] f32 = a[i, j] + c[j]\n",
        "input a[i=4, j=4] f32 variable\n"
        "b[i=4, j=4] f32 = a[i, j] + a[j, i]\n",
    };
    struct arena arena;
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct expression *expression;
        struct error error;
        if (expression_parse(&arena, texts[i], &expression, &error) != DLT_OK)
            fail_msg("%s", error.message);
        assert_ptr_equal(expression_collapse(&arena, expression), expression);
    }
    arena_free(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_kept_apart),
        cmocka_unit_test(test_kept_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
