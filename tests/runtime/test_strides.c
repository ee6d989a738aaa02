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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(leading_dimensions),
        TEST(strides_of_batches),
        TEST(added_to_again_and_again),
        TEST(blocks_of_one_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
