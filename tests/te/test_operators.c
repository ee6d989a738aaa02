/* Operators: the expressions they build, their canonical text, and what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/ops/operators.h"

#include <string.h>

#define CONV "conv2d n=1 c=8 h=9 w=10 k=12 r=3 s=3"

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
}

static void refused(const char *text, dlt_status status, const char *part) {
    struct error error = {0};
    struct task *task;
    dlt_status got = task_create_text(text, "c", 1, &task, &error);
    if (got != status || !strstr(error.message, part))
        fail_msg("'%s': status %d, message '%s'; expected %d with '%s'", text, got, error.message,
                 status, part);
}

static void prints(const char *text, const char *expected) {
    struct task *task = create(text);
    struct text printed = {0};
    expression_print(&printed, task->expression);
    assert_string_equal(text_string(&printed), expected);
    text_free(&printed);
    task_free(task);
}

static void matmul_is_a_sum(void **state) {
    (void)state;
    prints("matmul m=3 n=4 k=5", "input a[m=3, k=5] f32 variable\n"
                                 "input b[k=5, n=4] f32 variable\n"
                                 "output[m=3, n=4] f32 = sum(k=5)\n"
                                 "    a[m, k] * b[k, n]\n");
    prints("matmul m=3 n=4 k=5 post=bias,add,relu const=b,bias",
           "input a[m=3, k=5] f32 variable\n"
           "input b[k=5, n=4] f32 parameter\n"
           "input bias[n=4] f32 parameter\n"
           "input residual[m=3, n=4] f32 variable\n"
           "product[m=3, n=4] f32 = sum(k=5)\n"
           "    a[m, k] * b[k, n]\n"
           "output[m=3, n=4] f32 = max(product[m, n] + bias[n] + residual[m, n], 0)\n");
}

static void conv2d_without_padding_has_no_conditions(void **state) {
    (void)state;
    prints("conv2d c=2 h=5 w=6 k=3 r=3 s=2", "input x[n=1, c=2, h=5, w=6] f32 variable\n"
                                             "input weight[k=3, c=2, r=3, s=2] f32 parameter\n"
                                             "output[n=1, k=3, y=3, x=5] f32 = sum(c=2, r=3, s=2)\n"
                                             "    x[0, c, y + r, x + s] * weight[k, c, r, s]\n");
}

static const struct value *image_read(const struct task *task) {
    struct tensor *sum = expression_find(task->expression, "conv");
    return (sum ? sum : expression_result(task->expression))->body->operands[0];
}

static void conditions_only_where_needed(void **state) {
    static const struct {
        const char *text;
        int conditions;
    } cases[] = {
        {CONV " pad=1", 4},
        {CONV " pad=1x0", 2},
        {CONV " pad=1,0,0,0", 1},
        {CONV " pad=0,0,1,0", 1},
        {"conv2d c=1 h=56 w=56 k=1 r=3 s=3 stride=2 pad=1", 2}, /* the last tap is inside */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct task *task = create(cases[i].text);
        assert_int_equal(image_read(task)->operation, OP_SELECT);
        assert_int_equal(image_read(task)->condition_count, cases[i].conditions);
        task_free(task);
    }
}

static void extents(const char *text, int64_t height, int64_t width) {
    struct task *task = create(text);
    const struct tensor *result = expression_result(task->expression);
    assert_string_equal(result->name, "output");
    assert_int_equal(result->axes[2]->extent, height);
    assert_int_equal(result->axes[3]->extent, width);
    task_free(task);
}

static void conv2d_output_extents(void **state) {
    (void)state;
    extents(CONV, 7, 8);
    extents(CONV " pad=1", 9, 10);
    extents(CONV " pad=1 stride=2", 5, 5);
    extents(CONV " pad=2 dilation=2", 9, 10);
    extents(CONV " pad=1,0,2,1 stride=1x3", 10, 3);
    extents(CONV " pad=3", 13, 14); /* as wide as the filter, and wider */
    extents(CONV " pad=0,0,0,7 dilation=2", 5, 13);
    extents("conv2d c=1 h=1 w=1 k=1 r=1 s=1", 1, 1);
    extents("conv2d c=1 h=3 w=3 k=1 r=3 s=3 stride=7", 1, 1);
}

static void conv2d_canonical_text(void **state) {
    (void)state;
    canonical_is("conv2d s=3 r=3 k=12 w=10 h=9 c=8", CONV);
    canonical_is(CONV " stride=1x1 pad=0,0,0,0 dilation=1 groups=1 layout=nchw post=none "
                      "const=weight dtype=f32",
                 CONV);
    canonical_is(CONV " pad=1,1,1,1", CONV " pad=1");
    canonical_is(CONV " pad=1,2,1,2", CONV " pad=1x2");
    canonical_is(CONV " pad=4,4,5,5 stride=2", CONV " stride=2 pad=4,4,4,5");
    canonical_is(CONV " pad=5,5,4,4 stride=2", CONV " stride=2 pad=5,5,3,5");
    canonical_is(CONV " post=relu,relu,tanh,tanh", CONV " post=relu,relu,tanh,tanh");
    canonical_is(CONV " pad=1,0,2,1", CONV " pad=1,0,2,1");
    canonical_is(CONV " stride=2x1", CONV " stride=2x1");
    canonical_is(CONV " const=none", CONV " const=none");
    canonical_is(CONV " post=bias,add,relu const=bias,weight",
                 CONV " post=bias,add,relu const=weight,bias");
    /* what cannot matter is not said */
    canonical_is("conv2d n=1 c=8 h=9 w=10 k=12 r=1 s=1 dilation=3",
                 "conv2d n=1 c=8 h=9 w=10 k=12 r=1 s=1");
    canonical_is("conv2d n=1 c=8 h=3 w=3 k=12 r=3 s=3 stride=5",
                 "conv2d n=1 c=8 h=3 w=3 k=12 r=3 s=3");
    canonical_is("conv2d n=1 c=8 h=4 w=4 k=12 r=3 s=3 stride=5",
                 "conv2d n=1 c=8 h=4 w=4 k=12 r=3 s=3 stride=2");
    canonical_is("conv2d n=1 c=8 h=4 w=4 k=12 r=3 s=3 stride=5 pad=1,1,0,0",
                 "conv2d n=1 c=8 h=4 w=4 k=12 r=3 s=3 stride=4 pad=1");
    canonical_is("conv2d n=1 c=8 h=9 w=9 k=12 r=5 s=5 stride=3 pad=0,0,4,4",
                 "conv2d n=1 c=8 h=9 w=9 k=12 r=5 s=5 stride=3 pad=0,0,2,2");
    canonical_is("conv2d n=1 c=8 h=56 w=56 k=8 r=3 s=3 stride=2 pad=1,1,0,0",
                 "conv2d n=1 c=8 h=56 w=56 k=8 r=3 s=3 stride=2 pad=1");
    canonical_is("conv2d n=1 c=8 h=56 w=56 k=8 r=3 s=3 stride=2 pad=0,0,1,1",
                 "conv2d n=1 c=8 h=56 w=56 k=8 r=3 s=3 stride=2 pad=0,0,1,1");
}

static void conv2d_layouts(void **state) {
    struct task *task = create(CONV " layout=nhwc post=add");
    const struct tensor *x = expression_find(task->expression, "x");
    const struct tensor *output = expression_result(task->expression);
    const struct tensor *residual = expression_find(task->expression, "residual");
    (void)state;
    assert_int_equal(layout_offset_of(&x->layout, (int64_t[]){0, 5, 2, 3}), (2 * 10 + 3) * 8 + 5);
    assert_int_equal(layout_offset_of(&output->layout, (int64_t[]){0, 5, 2, 3}),
                     (2 * 8 + 3) * 12 + 5);
    assert_true(layout_equal(&output->layout, &residual->layout));
    task_free(task);
    canonical_is(CONV " layout=n,h,w,c", CONV " layout=nhwc");
    canonical_is(CONV " layout='n c h w'", CONV);
    canonical_is(CONV " layout='n c/4 h w c%4'", CONV " layout=n,c/4,h,w,c%4");
    refused(CONV " layout=any", DLT_ERROR_ARGUMENT,
            "layout: 'any' leaves it to the tuner, but one is needed here; it may be one of: nchw");
    refused(CONV " layout=nhw", DLT_ERROR_ARGUMENT, "layout: 'nhw'");
    refused(CONV " layout=nhwz", DLT_ERROR_ARGUMENT, "layout: 'nhwz'");
}

static void matmul_leading_dimensions(void **state) {
    struct task *task = create("matmul m=3 n=4 k=5 lda=8 ldb=4 ldc=6 post=relu");
    const struct tensor *a = expression_find(task->expression, "a");
    const struct tensor *b = expression_find(task->expression, "b");
    const struct tensor *output = expression_result(task->expression);
    (void)state;
    assert_int_equal(layout_offset_of(&a->layout, (int64_t[]){2, 3}), 2 * 8 + 3);
    assert_int_equal(layout_offset_of(&b->layout, (int64_t[]){2, 3}), 2 * 4 + 3);
    assert_int_equal(layout_offset_of(&output->layout, (int64_t[]){2, 3}), 2 * 6 + 3);
    assert_string_equal(task->workload, "matmul m=3 n=4 k=5 lda=8 ldc=6 post=relu");
    task_free(task);
    refused("matmul m=3 n=4 k=5 lda=4", DLT_ERROR_ARGUMENT, "lda: '4' is not a number from 5");
}

/* A sum alone starts from what the output holds; with an epilogue the steps come after. */
static void accumulating_is_any_operators(void **state) {
    (void)state;
    prints("matmul m=3 n=4 k=5 ldc=6 accumulate=1",
           "input a[m=3, k=5] f32 variable\n"
           "input b[k=5, n=4] f32 variable\n"
           "output[m=3, n=4] f32 accumulate layout m n:6 = sum(k=5)\n"
           "    a[m, k] * b[k, n]\n");
    prints("conv2d n=2 c=3 h=5 w=5 k=4 r=1 s=1 accumulate=1 post=bias,relu",
           "input x[n=2, c=3, h=5, w=5] f32 variable\n"
           "input weight[k=4, c=3, r=1, s=1] f32 parameter\n"
           "input bias[k=4] f32 variable\n"
           "conv[n=2, k=4, y=5, x=5] f32 = sum(c=3, r=1, s=1)\n"
           "    x[n, c, y, x] * weight[k, c, 0, 0]\n"
           "output[n=2, k=4, y=5, x=5] f32 = max(previous + conv[n, k, y, x] + bias[k], 0)\n");
    canonical_is("matmul accumulate=01 k=5 n=4 m=3 post=relu",
                 "matmul m=3 n=4 k=5 accumulate=1 post=relu");
    canonical_is("matmul m=3 n=4 k=5 accumulate=0", "matmul m=3 n=4 k=5");
    canonical_is(CONV " accumulate=1", CONV " accumulate=1");
    refused("matmul m=3 n=4 k=5 accumulate=2", DLT_ERROR_ARGUMENT,
            "accumulate: '2' is not a number from 0 to 1");
    refused(CONV " accumulate=yes", DLT_ERROR_ARGUMENT, "accumulate: 'yes' is not a number");
    refused("matmul m=3 n=4 k=0 accumulate=1", DLT_ERROR_ARGUMENT, "k: '0' is not a number from 1");
}

static void batches_lie_side_by_side(void **state) {
    const char *text = "batch_matmul b=6 m=3 n=4 k=5 lda=8 ldb=7 ldc=9 post=bias,add const=b";
    struct task *task = create(text);
    const struct tensor *a = expression_find(task->expression, "a");
    const struct tensor *b = expression_find(task->expression, "b");
    const struct tensor *output = expression_result(task->expression);
    (void)state;
    assert_string_equal(task->workload, text);
    assert_int_equal(layout_offset_of(&a->layout, (int64_t[]){5, 2, 3}), (5 * 3 + 2) * 8 + 3);
    assert_int_equal(layout_offset_of(&b->layout, (int64_t[]){5, 2, 3}), (5 * 5 + 2) * 7 + 3);
    assert_int_equal(layout_offset_of(&output->layout, (int64_t[]){5, 2, 3}), (5 * 3 + 2) * 9 + 3);
    assert_int_equal(b->kind, TENSOR_PARAMETER);
    task_free(task);
    prints("batch_matmul b=6 m=3 n=4 k=5 post=bias",
           "input a[b=6, m=3, k=5] f32 variable\n"
           "input b[b=6, k=5, n=4] f32 variable\n"
           "input bias[n=4] f32 variable\n"
           "product[b=6, m=3, n=4] f32 = sum(k=5)\n"
           "    a[b, m, k] * b[b, k, n]\n"
           "output[b=6, m=3, n=4] f32 = product[b, m, n] + bias[n]\n");
    canonical_is("batch_matmul k=5 n=4 m=3 b=1 lda=5 ldc=4", "batch_matmul b=1 m=3 n=4 k=5");
    refused("batch_matmul m=3 n=4 k=5", DLT_ERROR_ARGUMENT, "b: missing; batch_matmul needs it");
    refused("batch_matmul b=0 m=3 n=4 k=5", DLT_ERROR_ARGUMENT, "b: '0' is not a number from 1");
    refused("batch_matmul b=2 m=3 n=4 k=5 ldc=3", DLT_ERROR_ARGUMENT,
            "ldc: '3' is not a number from 4");
    refused("matmul b=2 m=3 n=4 k=5", DLT_ERROR_ARGUMENT, "unknown key 'b'");
}

static void wrong_values_are_refused(void **state) {
    static const struct {
        const char *text, *part;
    } cases[] = {
        {"conv2d h=9 w=10 k=12 r=3 s=3", "c: missing; conv2d needs it (input channels)"},
        {"conv2d c=0 h=9 w=10 k=12 r=3 s=3", "c: '0' is not a number from 1 to"},
        {"conv2d c=-8 h=9 w=10 k=12 r=3 s=3", "c: '-8' is not a number from 1 to"},
        {"conv2d c=8x h=9 w=10 k=12 r=3 s=3", "c: '8x' is not a number"},
        {"conv2d c=1e3 h=9 w=10 k=12 r=3 s=3", "c: '1e3' is not a number"},
        {"conv2d c=2147483649 h=1 w=1 k=1 r=1 s=1", "c: '2147483649' is not a number"},
        {"conv2d c=99999999999999999999 h=1 w=1 k=1 r=1 s=1", "c: '99999999999999999999'"},
        {"matmul m=2000000 n=1 k=2000000", "a: "},
        {CONV " stride=0", "stride: '0' is not a number from 1 to 65535"},
        {CONV " stride=1x", "stride: '1x'"},
        {CONV " stride=1x2x3", "stride: '1x2x3'"},
        {CONV " stride=1,2", "stride: '1,2'"},
        {CONV " dilation=-1", "dilation: '-1'"},
        {CONV " pad=-1", "pad: '-1'"},
        {CONV " pad=1,2", "pad: '1,2'"},
        {CONV " pad=1,2,3", "pad: '1,2,3'"},
        {CONV " pad=1,2,1,2,1", "pad: '1,2,1,2,1'"},
        {CONV " dilation=5x1", "r: 3 with dilation 5 spans 11, more than the padded input's 9"},
        {CONV " groups=3", "groups: 3 does not divide c=8"},
        {CONV " groups=8", "groups: 8 does not divide k=12"},
        {CONV " groups=0", "groups: '0'"},
        {CONV " post=bias,melu", "post: 'melu' in 'bias,melu' is not known"},
        {CONV " post=bias,", "post: '' in 'bias,' is not known"},
        {CONV " post=bias,relu,bias", "post: 'bias,relu,bias' has bias twice"},
        {CONV " post=add,relu,add", "post: 'add,relu,add' has add twice"},
        {CONV " const=bias", "const: 'bias' in 'bias' is not known; it may be none, or a list of"},
        {CONV " const=weight,weight", "const: 'weight,weight' names weight twice"},
        {CONV " const=x,weight", "const: 'x,weight' are all inputs"},
        {CONV " dtype=f99", "dtype: 'f99' is not an element type"},
        {CONV " strid=1", "conv2d: unknown key 'strid'; it may be one of: n c h w k r s stride"},
        {CONV " stride=1 stride=1", "stride: given twice, '1' and '1'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused(cases[i].text, DLT_ERROR_ARGUMENT, cases[i].part);
}

static void every_key_has_help(void **state) {
    (void)state;
    for (int i = 0; operator_definitions[i]; i++) {
        const struct operator_definition *definition = operator_definitions[i];
        assert_ptr_equal(operator_find(definition->name), definition);
        for (int j = 0; definition->keys[j].name; j++)
            assert_true(definition->keys[j].help && *definition->keys[j].help);
    }
    assert_null(operator_find("conv"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_is_a_sum),
        cmocka_unit_test(conv2d_without_padding_has_no_conditions),
        cmocka_unit_test(conditions_only_where_needed),
        cmocka_unit_test(conv2d_output_extents),
        cmocka_unit_test(conv2d_canonical_text),
        cmocka_unit_test(conv2d_layouts),
        cmocka_unit_test(matmul_leading_dimensions),
        cmocka_unit_test(accumulating_is_any_operators),
        cmocka_unit_test(batches_lie_side_by_side),
        cmocka_unit_test(wrong_values_are_refused),
        cmocka_unit_test(every_key_has_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
