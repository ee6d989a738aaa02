/* Identifiers of tasks: programs have them in their source, so none may ever change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/identifier.h"
#include "te/task.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *workload;
    int threads;
    const char *identifier;
} frozen[] = {
    {"matmul m=17 n=64 k=31", 1, "matmul_m17_n64_k31_4890d9b2"},
    {"matmul m=17 n=64 k=31 post=relu", 1, "matmul_m17_n64_k31_post_relu_1af18ba0"},
    {"matmul m=17 n=64 k=31 post=bias,relu", 1, "matmul_m17_n64_k31_post_bias_relu_8e697a22"},
    {"matmul m=17 n=64 k=31 accumulate=1", 1, "matmul_m17_n64_k31_accumulate1_1bf63141"},
    {"matmul m=17 n=64 k=31 const=b", 1, "matmul_m17_n64_k31_const_b_4705e545"},
    {"matmul m=17 n=64 k=31 const=a", 1, "matmul_m17_n64_k31_const_a_7aed9211"},
    {"matmul m=17 n=64 k=31 lda=40", 1, "matmul_m17_n64_k31_lda40_932d6131"},
    {"matmul m=17 n=64 k=31 ldb=100 ldc=72", 1, "matmul_m17_n64_k31_ldb100_ldc72_e86b5edc"},
    {"matmul m=1 n=1 k=1", 1, "matmul_m1_n1_k1_2ae75e19"},
    {"matmul m=100000 n=200000 k=300000 lda=300000 ldb=200000 ldc=500000 const=none accumulate=1 "
     "post=bias,relu",
     1, "matmul_m100000_n200000_k300000_ldc500000_accumulate1_1bd904bb"},
    {"batch_matmul b=12 m=128 n=128 k=64", 1, "batch_matmul_b12_m128_n128_k64_1d5ffd3f"},
    {"batch_matmul b=12 m=128 n=128 k=64 post=add", 1,
     "batch_matmul_b12_m128_n128_k64_post_add_9b481cec"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_564e1a78"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3", 1, "conv2d_n1_c64_h56_w56_k64_r3_s3_34567d12"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 post=bias,relu", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_post_bias_relu_93e6c6e1"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 post=bias,add,relu", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_61e01c0f"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 layout=nhwc", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_layout_nhwc_5a69f9d5"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 layout=n,c/16,h,w,c%16", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_2ea5342a"},
    {"conv2d n=2 c=64 h=56 w=56 k=64 r=1 s=5 stride=2 groups=32", 1,
     "conv2d_n2_c64_h56_w56_k64_r1_s5_stride2_groups32_34e56f49"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 dilation=2", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_dilation2_f11961c4"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=0,1,2,1 stride=1x2", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_stride1x2_pad0_1_2_1_3a2a21a3"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 const=none", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_const_none_5b531bba"},
    {"conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 accumulate=1", 1,
     "conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_accumulate1_75930404"},
    {"conv2d_transpose c=512 h=8 w=8 k=256 r=4 s=4 stride=2 pad=1", 1,
     "conv2d_transpose_n1_c512_h8_w8_k256_r4_s4_stride2_pad1_4fd9b4e7"},
    {"conv2d_transpose c=512 h=8 w=8 k=256 r=4 s=4 stride=2 pad=1 output_padding=1", 1,
     "conv2d_transpose_n1_c512_h8_w8_k256_r4_s4_stride2_pad1_a1a1630a"},
    {"expression text='a[i=4] f32 = 1'", 1, "expression_a_ba167e28"},
    {"expression text='input x[n=8] f32 variable; y[n=8] f32 = max(x[n], 0)'", 1,
     "expression_y_0edd9152"},
    {"expression text='input x[n=8] f32 variable; y[n=8] f32 = min(x[n], 0)'", 1,
     "expression_y_48360083"},
    {"expression text='input x[n=8] f32 variable; out.relu[n=8] f32 = max(x[n], 0)'", 1,
     "expression_out_relu_215683f5"},
    {"matmul m=17 n=64 k=31", 2, "matmul_m17_n64_k31_t2_197fd78d"},
    {"matmul m=17 n=64 k=31", 16, "matmul_m17_n64_k31_t16_7808f364"},
    {"matmul m=17 n=64 k=31", 128, "matmul_m17_n64_k31_t128_1fb36cdc"},
    {"matmul m=17 n=64 k=31", 1024, "matmul_m17_n64_k31_t1024_1de13d57"},
};

enum {
    FROZEN = sizeof frozen / sizeof frozen[0]
};

static struct task *make(const char *workload, const char *target, int threads) {
    struct error error;
    struct task *task;
    if (task_create_text(workload, target, threads, &task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return task;
}

/* A case that fails here is an exported function that a program does not find any more. */
static void identifiers_are_frozen(void **state) {
    (void)state;
    for (int i = 0; i < FROZEN; i++) {
        struct task *task = make(frozen[i].workload, "c", frozen[i].threads);
        assert_string_equal(task->identifier, frozen[i].identifier);
        task_free(task);
    }
}

static void identifiers_are_c(void **state) {
    (void)state;
    for (int i = 0; i < FROZEN; i++) {
        const char *identifier = frozen[i].identifier;
        assert_true(isalpha((unsigned char)identifier[0]));
        assert_true(strlen(identifier) <= MAX_IDENTIFIER);
        assert_null(strstr(identifier, "__"));
        for (const char *c = identifier; *c; c++)
            assert_true(isalnum((unsigned char)*c) || *c == '_');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(frozen[j].identifier, identifier);
    }
}

/* Versions of one kernel share a name; words of any order, and defaults that are spelt out, are the
 * same work. */
static void equal_work_has_one_identifier(void **state) {
    static const char *const same[] = {
        "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1",
        "conv2d pad=1x1 s=3 r=3 k=64 w=56 h=56 c=64 n=1 stride=1",
    };
    struct task *first = make(same[0], "c", 1);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct task *other = make(same[i], "x86-avx2", 1);
        assert_string_equal(other->identifier, first->identifier);
        task_free(other);
    }
    task_free(first);
}

static void long_names_are_cut(void **state) {
    char text[256], name[64];
    (void)state;
    memset(name, 'r', sizeof name - 1);
    name[sizeof name - 1] = 0;
    snprintf(text, sizeof text, "expression text='%.47s[i=4] f32 = 1'", name);
    struct task *task = make(text, "c", 3);
    assert_int_equal(strlen(task->identifier), MAX_IDENTIFIER);
    assert_memory_equal(task->identifier, "expression_rrrr", 15);
    assert_non_null(strstr(task->identifier, "r_t3_"));
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifiers_are_frozen),
        cmocka_unit_test(identifiers_are_c),
        cmocka_unit_test(equal_work_has_one_identifier),
        cmocka_unit_test(long_names_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
