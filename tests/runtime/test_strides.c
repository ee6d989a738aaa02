/* Strided tensors at the public interface: taken where they are what the workload says, refused by
 * the name of the axis otherwise; and outputs that are added to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "dltune/dltune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_INPUTS = 3
};

static char path[64];
static dlt_runtime *runtime;

static int open_runtime(void **state) {
    struct database *database;
    struct error error;
    int file;
    (void)state;
    strcpy(path, "/tmp/dltune-strides-XXXXXX.db");
    file = mkstemps(path, 3);
    if (file < 0 || close(file) != 0 ||
        database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK)
        return -1;
    database_close(database);
    return dlt_runtime_open(path, NULL, &runtime) == DLT_OK ? 0 : -1;
}

static int close_runtime(void **state) {
    char name[80];
    (void)state;
    dlt_runtime_close(runtime);
    snprintf(name, sizeof name, "%s-wal", path);
    remove(name);
    snprintf(name, sizeof name, "%s-shm", path);
    remove(name);
    return remove(path);
}

/* A kernel with tensors as it describes them, every float of them 1, gaps included. */
struct call {
    dlt_kernel *kernel;
    int input_count;
    dlt_tensor_info info[MAX_INPUTS + 1]; /* the output's last */
    DLTensor tensors[MAX_INPUTS + 1], *inputs[MAX_INPUTS];
    void *workspace;
};

static void open_call(struct call *call, const char *workload) {
    dlt_kernel_info info;
    if (dlt_runtime_get(runtime, workload, 1, &call->kernel) != DLT_OK)
        fail_msg("%s", dlt_error(runtime));
    dlt_kernel_describe(call->kernel, &info);
    assert_int_equal(info.parameter_count, 0);
    call->input_count = info.input_count;
    for (int i = 0; i <= info.input_count; i++) {
        bool is_output = i == info.input_count;
        dlt_tensor_info *tensor = &call->info[i];
        assert_int_equal(dlt_kernel_tensor(call->kernel,
                                           is_output ? DLT_ROLE_OUTPUT : DLT_ROLE_INPUT,
                                           is_output ? 0 : i, tensor),
                         DLT_OK);
        float *data = malloc((size_t)tensor->elements * sizeof *data);
        for (int64_t j = 0; j < tensor->elements; j++)
            data[j] = 1;
        call->tensors[i] = (DLTensor){.data = data,
                                      .device = {kDLCPU, 0},
                                      .ndim = tensor->rank,
                                      .dtype = tensor->type,
                                      .shape = tensor->shape,
                                      .strides = tensor->strides};
        if (!is_output)
            call->inputs[i] = &call->tensors[i];
    }
    size_t bytes = dlt_kernel_workspace_bytes(call->kernel, 1);
    call->workspace = aligned_alloc(DLT_ALIGNMENT, (bytes / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT);
}

static void close_call(struct call *call) {
    for (int i = 0; i <= call->input_count; i++)
        free(call->tensors[i].data);
    free(call->workspace);
    dlt_kernel_release(call->kernel);
}

static dlt_status run(const struct call *call) {
    return dlt_kernel_run(call->kernel, (DLTensor *const *)call->inputs,
                          (DLTensor *)&call->tensors[call->input_count], NULL, call->workspace,
                          NULL);
}

static void runs(const struct call *call) {
    if (run(call) != DLT_OK)
        fail_msg("%s", dlt_error(call->kernel));
}

static void refuses(const struct call *call, const char *words) {
    assert_int_equal(run(call), DLT_ERROR_ARGUMENT);
    if (!strstr(dlt_error(call->kernel), words))
        fail_msg("'%s' is not in '%s'", words, dlt_error(call->kernel));
}

/* Every element of a matrix with these strides is `element`, what lies between rows is 1. */
static void output_is(const struct call *call, float element) {
    const dlt_tensor_info *info = &call->info[call->input_count];
    const float *data = call->tensors[call->input_count].data;
    int64_t rows = info->strides[info->rank - 2];
    for (int64_t i = 0; i < info->elements; i++) {
        float expected = i % rows < info->shape[info->rank - 1] ? element : 1;
        if (data[i] != expected)
            fail_msg("element %d is %g, not %g", (int)i, (double)data[i], (double)expected);
    }
}

static void leading_dimensions(void **state) {
    struct call call;
    int64_t given[2];
    (void)state;
    open_call(&call, "matmul m=19 n=17 k=5 lda=7 ldb=33 ldc=18");
    assert_int_equal(call.info[0].strides[0], 7);
    assert_int_equal(call.info[1].strides[0], 33);
    assert_int_equal(call.info[2].strides[0], 18);
    runs(&call);
    output_is(&call, 5);
    /* compact where the kernel's rows are apart; rows apart otherwise; elements apart */
    call.tensors[0].strides = NULL;
    refuses(&call,
            "input a: the stride of axis m is 5 elements, the kernel's layout `m k:7` has 7");
    call.tensors[0].strides = given;
    memcpy(given, (int64_t[]){8, 1}, sizeof given);
    refuses(&call, "input a: the stride of axis m is 8 elements");
    memcpy(given, (int64_t[]){7, 2}, sizeof given);
    refuses(&call, "input a: the stride of axis k is 2 elements");
    memcpy(given, (int64_t[]){1, 19}, sizeof given); /* transposed */
    refuses(&call, "input a: the stride of axis k is 19 elements");
    close_call(&call);
}

static void strides_of_batches(void **state) {
    struct call call;
    int64_t given[3] = {19 * 7 + 1, 7, 1};
    (void)state;
    open_call(&call, "batch_matmul b=3 m=19 n=17 k=5 lda=7 ldc=20");
    assert_int_equal(call.info[0].strides[0], 19 * 7);
    assert_int_equal(call.info[2].strides[0], 19 * 20);
    runs(&call);
    output_is(&call, 5);
    call.tensors[0].strides = given;
    refuses(&call, "input a: the stride of axis b is 134 elements");
    close_call(&call);
    open_call(&call, "batch_matmul b=1 m=19 n=17 k=5 lda=7 ldc=20");
    call.tensors[0].strides = given; /* of a batch of one they do not matter */
    runs(&call);
    output_is(&call, 5);
    close_call(&call);
}

static void added_to_again_and_again(void **state) {
    static const struct {
        const char *workload;
        float first, second; /* what 1 becomes */
    } cases[] = {
        {"matmul m=19 n=17 k=5 accumulate=1", 6, 11},
        {"matmul m=1 n=1 k=1 accumulate=1", 2, 3},
        {"matmul m=33 n=31 k=1 lda=2 ldb=32 ldc=40 accumulate=1", 2, 3},
        {"matmul m=19 n=17 k=5 ldc=18 accumulate=1 post=bias,relu", 7, 13},
        {"matmul m=7 n=3 k=5 accumulate=1 post=add", 7, 13},
        {"batch_matmul b=4 m=3 n=17 k=5 ldc=18 accumulate=1", 6, 11},
    };
    struct call call;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        open_call(&call, cases[i].workload);
        runs(&call);
        output_is(&call, cases[i].first);
        runs(&call);
        output_is(&call, cases[i].second);
        close_call(&call);
    }
}

/* a, b and the output as blocks of one matrix of 64 columns: what does not share an element is
 * taken, however it is interleaved. */
static void blocks_of_one_matrix(void **state) {
    static const struct {
        int a, b, output; /* offsets */
        const char *refusal;
    } cases[] = {
        {0, 8, 40, NULL},               /* side by side */
        {40, 17, 0, NULL},              /* the output first */
        {0, 640, 8, NULL},              /* b below */
        {0, 8, 640, NULL},              /* the output below */
        {0, 8, 24, "overlaps input b"}, /* 24 is the last column of b */
        {0, 8, 25, NULL},               /* next to it */
        {25, 8, 0, "overlaps input b"}, /* the output's columns are 0 to 16 */
        {16, 64 * 30, 0, "overlaps input a"},
        {17, 64 * 30, 0, NULL},
        {0, 64 * 30, 52, "overlaps input a"}, /* goes on in the next row */
        {0, 64 * 30, 47, NULL},
    };
    float *matrix = calloc(64 * 64, sizeof *matrix);
    struct call call;
    (void)state;
    open_call(&call, "matmul m=7 n=17 k=5 lda=64 ldb=64 ldc=64");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct call blocks = call;
        for (int j = 0; j < 64 * 64; j++)
            matrix[j] = 2;
        for (int j = 0; j < 2; j++)
            blocks.inputs[j] = &blocks.tensors[j];
        blocks.tensors[0].data = matrix + cases[i].a;
        blocks.tensors[1].data = matrix + cases[i].b;
        blocks.tensors[2].data = matrix + cases[i].output;
        if (cases[i].refusal) {
            refuses(&blocks, cases[i].refusal);
            continue;
        }
        runs(&blocks);
        for (int j = 0; j < 64 * 64; j++) {
            int from = j - cases[i].output;
            bool inside = from >= 0 && from / 64 < 7 && from % 64 < 17;
            assert_true(matrix[j] == (inside ? 20 : 2));
        }
    }
    close_call(&call);
    free(matrix);
}

/* ---- kernels for tensors as they lie ---- */

static DLTensor lying(int64_t *shape, int64_t *strides, int rank) {
    return (DLTensor){.device = {kDLCPU, 0},
                      .ndim = rank,
                      .dtype = {kDLFloat, 32, 1},
                      .shape = shape,
                      .strides = strides};
}

/* The product of 4 x 3 and 3 x 5 with these strides; "" for `refusal`: it is right. */
static void strided_product(const int64_t *a, const int64_t *b, const int64_t *c,
                            const char *refusal) {
    int64_t shapes[3][2] = {{4, 3}, {3, 5}, {4, 5}}, strides[3][2];
    const int64_t *given[3] = {a, b, c};
    float data[3][512];
    DLTensor tensors[3], *inputs[] = {&tensors[0], &tensors[1]};
    dlt_kernel *kernel;
    for (int i = 0; i < 3; i++) {
        memcpy(strides[i], given[i], sizeof strides[i]);
        tensors[i] = lying(shapes[i], strides[i], 2);
        tensors[i].data = data[i];
        for (int j = 0; j < 512; j++)
            data[i][j] = (float)(j % 7 - 3);
    }
    dlt_status status = dlt_runtime_get_strided(runtime, "matmul m=4 n=5 k=3", 1, inputs, NULL,
                                                &tensors[2], &kernel);
    if (*refusal) {
        assert_int_equal(status, DLT_ERROR_ARGUMENT);
        assert_null(kernel);
        if (!strstr(dlt_error(runtime), refusal))
            fail_msg("'%s' is not in '%s'", refusal, dlt_error(runtime));
        return;
    }
    if (status != DLT_OK)
        fail_msg("%s", dlt_error(runtime));
    void *workspace = aligned_alloc(
        DLT_ALIGNMENT, (dlt_kernel_workspace_bytes(kernel, 1) / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT);
    if (dlt_kernel_run(kernel, inputs, &tensors[2], NULL, workspace, NULL) != DLT_OK)
        fail_msg("%s", dlt_error(kernel));
    for (int m = 0; m < 4; m++)
        for (int n = 0; n < 5; n++) {
            float sum = 0;
            for (int k = 0; k < 3; k++)
                sum += data[0][m * a[0] + k * a[1]] * data[1][k * b[0] + n * b[1]];
            assert_true(data[2][m * c[0] + n * c[1]] == sum);
            data[2][m * c[0] + n * c[1]] = (float)((m * c[0] + n * c[1]) % 7 - 3);
        }
    for (int j = 0; j < 512; j++) /* nothing else was written */
        assert_true(data[2][j] == (float)(j % 7 - 3));
    free(workspace);
    dlt_kernel_release(kernel);
}

#define STRIDES(...) ((const int64_t[]){__VA_ARGS__})

static void tensors_as_they_lie(void **state) {
    (void)state;
    strided_product(STRIDES(3, 1), STRIDES(5, 1), STRIDES(5, 1), "");
    strided_product(STRIDES(7, 1), STRIDES(64, 1), STRIDES(6, 1), "");
    strided_product(STRIDES(1, 4), STRIDES(1, 3), STRIDES(1, 9), ""); /* transposed */
    strided_product(STRIDES(3, 2), STRIDES(5, 1), STRIDES(5, 1),
                    "a: the stride of axis m is 3, which is no multiple of the 2 of axis k");
    strided_product(STRIDES(6, 2), STRIDES(5, 1), STRIDES(5, 1),
                    "a: its innermost axis, k, has the stride 2; it must be dense, 1");
    strided_product(STRIDES(2, 1), STRIDES(5, 1), STRIDES(5, 1),
                    "a: the stride of axis m is 2, which is no multiple of the 1 of axis k inside "
                    "of it with room for its 3 elements");
    strided_product(STRIDES(3, 1), STRIDES(0, 1), STRIDES(5, 1),
                    "b: the stride of axis k is 0, not a number from 1");
    strided_product(STRIDES(3, 1), STRIDES(5, 1), STRIDES(5, -1),
                    "output: the stride of axis n is -1, not a number from 1");
}

static void lying_workloads(void **state) {
    int64_t x_shape[] = {1, 4, 6, 5}, x_strides[] = {777, 1, 48, 8};
    int64_t y_shape[] = {1, 4, 6, 5}, y_strides[] = {777, 64, 8, 1};
    int64_t b_shape[] = {3, 7, 2}, b_strides[] = {20, 2, 1};
    int64_t column_shape[] = {9, 1}, column_strides[] = {4, 1};
    DLTensor x = lying(x_shape, x_strides, 4), y = lying(y_shape, y_strides, 4), *inputs[] = {&x};
    DLTensor b = lying(b_shape, b_strides, 3), *batches[] = {&b, NULL};
    DLTensor column = lying(column_shape, column_strides, 2);
    dlt_kernel *kernel, *same;
    dlt_kernel_info info;
    dlt_tensor_info tensor;
    (void)state;
    assert_int_equal(dlt_runtime_get_strided(runtime, "conv2d c=4 h=6 w=5 k=4 r=1 s=1 layout=any",
                                             1, inputs, NULL, &y, &kernel),
                     DLT_OK);
    dlt_kernel_tensor(kernel, DLT_ROLE_INPUT, 0, &tensor);
    assert_string_equal(tensor.layout, "n h w:6 c:8");
    dlt_kernel_tensor(kernel, DLT_ROLE_OUTPUT, 0, &tensor);
    assert_string_equal(tensor.layout, "n k y:8 x:8");
    dlt_kernel_describe(kernel, &info);
    assert_non_null(strstr(info.task, "expression text="));
    dlt_kernel_release(kernel);
    /* a column of a wider matrix: its axis of one element is inside of the gap */
    assert_int_equal(
        dlt_runtime_get_strided(runtime, "matmul m=9 n=1 k=3", 1, NULL, NULL, &column, &kernel),
        DLT_OK);
    dlt_kernel_tensor(kernel, DLT_ROLE_OUTPUT, 0, &tensor);
    assert_string_equal(tensor.layout, "m n:4");
    dlt_kernel_release(kernel);
    /* a batch's stride is rows that no index needs */
    assert_int_equal(dlt_runtime_get_strided(runtime, "batch_matmul b=3 m=7 n=4 k=2", 1, batches,
                                             NULL, NULL, &kernel),
                     DLT_OK);
    dlt_kernel_tensor(kernel, DLT_ROLE_INPUT, 0, &tensor);
    assert_string_equal(tensor.layout, "b m:10 k");
    dlt_kernel_release(kernel);
    b_strides[0] = 21;
    assert_int_equal(dlt_runtime_get_strided(runtime, "batch_matmul b=3 m=7 n=4 k=2", 1, batches,
                                             NULL, NULL, &kernel),
                     DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(runtime), "a: the stride of axis b is 21, which is no "
                                               "multiple of the 2 of axis m inside of it"));
    b_shape[1] = 8;
    assert_int_equal(dlt_runtime_get_strided(runtime, "batch_matmul b=3 m=7 n=4 k=2", 1, batches,
                                             NULL, NULL, &kernel),
                     DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(runtime), "a: axis m is 8, the workload's is 7");
    /* strides that are the workload's own */
    b_shape[1] = 7, b_strides[0] = 14;
    assert_int_equal(dlt_runtime_get_strided(runtime, "batch_matmul b=3 m=7 n=4 k=2", 1, batches,
                                             NULL, NULL, &kernel),
                     DLT_OK);
    assert_int_equal(dlt_runtime_get(runtime, "batch_matmul b=3 m=7 n=4 k=2", 1, &same), DLT_OK);
    assert_ptr_equal(kernel, same);
    dlt_kernel_release(kernel);
    dlt_kernel_release(same);
    assert_int_equal(dlt_runtime_get_strided(runtime, NULL, 1, NULL, NULL, NULL, &kernel),
                     DLT_ERROR_ARGUMENT);
    assert_int_equal(dlt_runtime_get_strided(runtime, "matmul m=1", 1, NULL, NULL, NULL, &kernel),
                     DLT_ERROR_ARGUMENT);
}

/* What is stored for rows without gaps serves rows with gaps. */
static void records_serve_strided_tensors(void **state) {
    struct database *database;
    struct error error;
    dlt_kernel_info info;
    dlt_kernel *kernel;
    int64_t shape[] = {64, 64}, strides[] = {100, 1};
    DLTensor a = lying(shape, strides, 2), *inputs[] = {&a, NULL};
    struct record record = {.task = "matmul m=64 n=64 k=64 target=c threads=1",
                            .host = "elsewhere",
                            .generator = DATABASE_GENERATOR,
                            .trace = "unroll output n\n",
                            .knobs = "no.such.knob=3",
                            .outcome = "ok",
                            .clock = "cpu",
                            .layouts = "",
                            .median_us = 4.5,
                            .verified = true};
    (void)state;
    dlt_runtime_close(runtime);
    assert_int_equal(database_open(path, DATABASE_WRITE, &database, &error), DLT_OK);
    assert_int_equal(database_add(database, &record, &error), DLT_OK);
    database_close(database);
    assert_int_equal(dlt_runtime_open(path, "c", &runtime), DLT_OK);
    assert_int_equal(
        dlt_runtime_get_strided(runtime, "matmul m=64 n=64 k=64", 1, inputs, NULL, NULL, &kernel),
        DLT_OK);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_ADAPTED);
    assert_non_null(strstr(info.reason, "adapted from `matmul m=64 n=64 k=64 target=c threads=1`"));
    dlt_kernel_release(kernel);
    assert_int_equal(dlt_runtime_get(runtime, "matmul m=64 n=64 k=64 ldc=80", 1, &kernel), DLT_OK);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_ADAPTED);
    dlt_kernel_release(kernel);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(leading_dimensions),
        TEST(strides_of_batches),
        TEST(added_to_again_and_again),
        TEST(blocks_of_one_matrix),
        TEST(tensors_as_they_lie),
        TEST(lying_workloads),
        TEST(records_serve_strided_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
