/* Running kernels as a program does: parameters, threads, tensors as they are described, taken and
 * refused. */
#include "tests/runtime/fixture.h"

static void parameters_are_packed(void **state) {
    dlt_kernel_info info;
    dlt_tensor_info tensor;
    (void)state;
    dlt_kernel *kernel = get(WORKLOAD " const=b", 1);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.input_count, 1);
    assert_int_equal(info.parameter_count, 1);
    assert_int_equal(dlt_kernel_tensor(kernel, DLT_ROLE_PARAMETER, 0, &tensor), DLT_OK);
    assert_string_equal(tensor.name, "b");
    run_product(kernel, NULL);
    dlt_kernel_release(kernel);
}

/* What is known before the calls is computed in them, and NULL is no error. */
static void runs_without_packing(const char *workload, const float *expected) {
    float b[8], out[8] = {0};
    int64_t extent = 8;
    dlt_kernel_info info;
    dlt_kernel *kernel = get(workload, 1);
    DLTensor tensors[2] = {matrix(b, (int64_t[2]){0}, 8, 1), matrix(out, (int64_t[2]){0}, 8, 1)};
    DLTensor *inputs[1] = {&tensors[0]};
    for (int i = 0; i < 2; i++)
        tensors[i].ndim = 1, tensors[i].shape = &extent;
    for (int i = 0; i < 8; i++)
        b[i] = (float)i;
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.parameter_count, 0);
    assert_int_equal(info.packed_bytes, 0);
    void *workspace = block(info.workspace_bytes);
    assert_int_equal(dlt_kernel_run(kernel, inputs, &tensors[1], NULL, workspace, NULL), DLT_OK);
    for (int i = 0; i < 8; i++)
        assert_true(out[i] == expected[i]);
    free(workspace);
    dlt_kernel_release(kernel);
}

static void nothing_is_packed_without_parameters(void **state) {
    float sums[8], products[8];
    (void)state;
    for (int i = 0; i < 8; i++) {
        sums[i] = (float)(i + 5 * i + 10);
        products[i] = (float)(i * (i + 1));
    }
    runs_without_packing("expression text='input B[i=8] f32 variable; S[j=8] f32 = sum(r=5) "
                         "index(j + r); out[i=8] f32 = B[i] + S[i]'",
                         sums);
    runs_without_packing("expression text='input B[i=8] f32 variable; input W[i=8] f32 literal "
                         "= {1, 2, 3, 4, 5, 6, 7, 8}; out[i=8] f32 = B[i] * W[i]'",
                         products);
}

static void packing_is_not_left_out(void **state) {
    dlt_kernel *kernel = get(WORKLOAD " const=b", 1);
    dlt_kernel_info info;
    struct problem problem;
    DLTensor *inputs[1] = {&problem.a_tensor};
    (void)state;
    set_up(&problem);
    dlt_kernel_describe(kernel, &info);
    void *workspace = block(info.workspace_bytes);
    assert_true(info.packed_bytes > 0);
    assert_int_equal(dlt_kernel_run(kernel, inputs, &problem.c_tensor, NULL, workspace, NULL),
                     DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(kernel), "packed: is NULL"));
    assert_true(problem.c[0] == -1e6f);
    free(workspace);
    dlt_kernel_release(kernel);
}

static void threads_share_the_work(void **state) {
    dlt_thread_pool *pool;
    dlt_kernel *kernel = get(WORKLOAD, 3);
    (void)state;
    assert_int_equal(dlt_thread_pool_create(3, &pool), DLT_OK);
    assert_int_equal(dlt_thread_pool_threads(pool)->thread_count, 3);
    run_product(kernel, dlt_thread_pool_threads(pool));
    run_product(kernel, NULL);
    dlt_thread_pool_free(pool);
    dlt_kernel_release(kernel);
    assert_int_equal(dlt_thread_pool_create(0, &pool), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(pool), "threads: 0"));
    assert_null(dlt_thread_pool_threads(pool));
    dlt_thread_pool_free(pool);
}

/* One way of being wrong each; `words` is what the message says. */
static void refuse(dlt_kernel *kernel, struct problem *problem, void *workspace,
                   const dlt_threads *threads, const char *words) {
    DLTensor *inputs[2] = {&problem->a_tensor, &problem->b_tensor};
    assert_int_equal(dlt_kernel_run(kernel, inputs, &problem->c_tensor, NULL, workspace, threads),
                     DLT_ERROR_ARGUMENT);
    if (!strstr(dlt_error(kernel), words))
        fail_msg("'%s' is not in '%s'", words, dlt_error(kernel));
    for (int i = 0; i < M * N; i++)
        assert_true(problem->c[i] == -1e6f);
    set_up(problem);
}

static void tensors_that_do_not_fit_are_refused(void **state) {
    struct problem problem;
    dlt_kernel *kernel = get(WORKLOAD, 1);
    int64_t strides[2] = {K + 1, 1};
    void *workspace = block(dlt_kernel_workspace_bytes(kernel, 1));
    dlt_threads threads = {NULL, 0, NULL};
    (void)state;
    set_up(&problem);
    problem.a_tensor.ndim = 3;
    refuse(kernel, &problem, workspace, NULL, "input a: has 3 axes, the kernel's has 2");
    problem.b_shape[1] = N + 1;
    refuse(kernel, &problem, workspace, NULL, "input b: axis n is 6, the kernel's is 5");
    problem.a_tensor.strides = strides;
    refuse(kernel, &problem, workspace, NULL, "the stride of axis m is 4 elements");
    problem.c_tensor.dtype.bits = 64;
    refuse(kernel, &problem, workspace, NULL, "its elements are float of 64 bits");
    problem.c_tensor.device.device_type = kDLCUDA;
    refuse(kernel, &problem, workspace, NULL, "not in the CPU's memory");
    problem.a_tensor.data = NULL;
    refuse(kernel, &problem, workspace, NULL, "input a: its data is NULL");
    problem.a_tensor.shape = NULL;
    refuse(kernel, &problem, workspace, NULL, "input a: its shape is NULL");
    problem.b_tensor.byte_offset = 2;
    refuse(kernel, &problem, workspace, NULL, "input b: its data is not aligned to 4 bytes");
    problem.a_tensor.data = problem.c;
    refuse(kernel, &problem, workspace, NULL, "overlaps input a");
    refuse(kernel, &problem, workspace, &threads, "threads: ");
    assert_int_equal(dlt_kernel_run(kernel, NULL, &problem.c_tensor, NULL, workspace, NULL),
                     DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(kernel), "inputs: is NULL, but the kernel has 2");
    free(workspace);
    dlt_kernel_release(kernel);
}

static void strides_that_fit_are_taken(void **state) {
    struct problem problem;
    dlt_kernel *kernel = get("matmul m=1 n=5 k=3", 1);
    int64_t strides[2] = {777, 1}; /* of an axis of one element */
    float c[N] = {0};
    int64_t shape[2];
    DLTensor row = matrix(c, shape, 1, N);
    void *workspace = block(dlt_kernel_workspace_bytes(kernel, 1));
    (void)state;
    set_up(&problem);
    problem.a_shape[0] = 1;
    problem.a_tensor.strides = strides;
    problem.a_tensor.byte_offset = 2 * K * sizeof(float);
    DLTensor *inputs[2] = {&problem.a_tensor, &problem.b_tensor};
    if (dlt_kernel_run(kernel, inputs, &row, NULL, workspace, NULL) != DLT_OK)
        fail_msg("%s", dlt_error(kernel));
    for (int n = 0; n < N; n++) {
        float sum = 0;
        for (int k = 0; k < K; k++)
            sum += problem.a[2 * K + k] * problem.b[k * N + n];
        assert_true(c[n] == sum);
    }
    free(workspace);
    dlt_kernel_release(kernel);
}

static void tensors_are_described(void **state) {
    dlt_tensor_info info;
    dlt_kernel *kernel = get("conv2d c=3 h=6 w=5 k=4 r=3 s=3 layout=nhwc", 1);
    const int64_t shape[] = {1, 3, 6, 5}, strides[] = {90, 1, 15, 3};
    (void)state;
    assert_int_equal(dlt_kernel_tensor(kernel, DLT_ROLE_INPUT, 0, &info), DLT_OK);
    assert_string_equal(info.name, "x");
    assert_string_equal(info.layout, "n h w c");
    assert_int_equal(info.rank, 4);
    assert_int_equal(info.elements, 90);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(info.shape[i], shape[i]);
        assert_int_equal(info.strides[i], strides[i]);
    }
    assert_int_equal(dlt_kernel_tensor(kernel, DLT_ROLE_INPUT, 1, &info), DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(kernel), "index: there is no input 1, the kernel has 1 of them");
    assert_int_equal(dlt_kernel_tensor(kernel, DLT_ROLE_OUTPUT, 0, &info), DLT_OK);
    assert_int_equal(dlt_kernel_tensor(kernel, (dlt_role)7, 0, &info), DLT_ERROR_ARGUMENT);
    dlt_kernel_release(kernel);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(parameters_are_packed),
        TEST(nothing_is_packed_without_parameters),
        TEST(packing_is_not_left_out),
        TEST(threads_share_the_work),
        TEST(tensors_that_do_not_fit_are_refused),
        TEST(strides_that_fit_are_taken),
        TEST(tensors_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
