/* Results written over inputs: a residual may be the output, nothing else may. */
#include "tests/runtime/fixture.h"

enum {
    MOST = 4096 /* floats of any tensor here */
};

static float blocks[4][MOST], apart[MOST], packed_parameter[MOST];

struct call {
    dlt_kernel *kernel;
    dlt_kernel_info info;
    dlt_tensor_info forms[4], output_form;
    DLTensor tensors[4], output;
    DLTensor *inputs[4];
    void *workspace, *packed;
};

static DLTensor tensor_of(dlt_tensor_info *info, float *data) {
    return (DLTensor){.data = data,
                      .device = {kDLCPU, 0},
                      .ndim = info->rank,
                      .dtype = info->type,
                      .shape = info->shape,
                      .strides = info->strides};
}

/* Inputs of small whole numbers, so that sums are exact. */
static void fill(struct call *call) {
    for (int i = 0; i < call->info.input_count; i++)
        for (int e = 0; e < MOST; e++)
            blocks[i][e] = (float)((e * 7 + i * 3) % 11 - 5);
}

static void open_call(struct call *call, const char *workload, int threads) {
    *call = (struct call){.kernel = get(workload, threads)};
    dlt_kernel_describe(call->kernel, &call->info);
    for (int i = 0; i < call->info.input_count; i++) {
        assert_int_equal(dlt_kernel_tensor(call->kernel, DLT_ROLE_INPUT, i, &call->forms[i]),
                         DLT_OK);
        assert_true(call->forms[i].elements <= MOST);
        call->tensors[i] = tensor_of(&call->forms[i], blocks[i]);
        call->inputs[i] = &call->tensors[i];
    }
    assert_int_equal(dlt_kernel_tensor(call->kernel, DLT_ROLE_OUTPUT, 0, &call->output_form),
                     DLT_OK);
    assert_false(call->output_form.in_place);
    assert_true(call->output_form.elements <= MOST);
    call->output = tensor_of(&call->output_form, apart);
    call->workspace = block(call->info.workspace_bytes);
    call->packed = block(call->info.packed_bytes);
    if (call->info.parameter_count) {
        dlt_tensor_info info;
        assert_int_equal(dlt_kernel_tensor(call->kernel, DLT_ROLE_PARAMETER, 0, &info), DLT_OK);
        for (int e = 0; e < MOST; e++)
            packed_parameter[e] = (float)(e * 5 % 7 - 3);
        DLTensor parameter = tensor_of(&info, packed_parameter), *parameters[] = {&parameter};
        assert_int_equal(dlt_kernel_pack(call->kernel, parameters, call->packed), DLT_OK);
    }
    fill(call);
}

static void close_call(struct call *call) {
    free(call->workspace);
    free(call->packed);
    dlt_kernel_release(call->kernel);
}

static dlt_status run_call(struct call *call, const dlt_threads *threads) {
    return dlt_kernel_run(call->kernel, call->inputs, &call->output, call->packed, call->workspace,
                          threads);
}

/* Over its last input, which is the residual. */
static void same_in_place(const char *workload, int threads) {
    struct call call;
    dlt_thread_pool *pool;
    open_call(&call, workload, threads);
    assert_int_equal(dlt_thread_pool_create(threads, &pool), DLT_OK);
    int last = call.info.input_count - 1;
    for (int i = 0; i <= last; i++)
        assert_int_equal(call.forms[i].in_place, i == last);
    if (run_call(&call, dlt_thread_pool_threads(pool)) != DLT_OK)
        fail_msg("%s", dlt_error(call.kernel));
    call.output.data = blocks[last];
    if (run_call(&call, dlt_thread_pool_threads(pool)) != DLT_OK)
        fail_msg("%s: %s", workload, dlt_error(call.kernel));
    assert_memory_equal(blocks[last], apart, (size_t)call.output_form.elements * sizeof(float));
    dlt_thread_pool_free(pool);
    close_call(&call);
}

static void residuals_are_overwritten(void **state) {
    static const char *const workloads[] = {
        "matmul m=7 n=19 k=3 post=add",
        "matmul m=37 n=33 k=9 post=bias,relu,add const=b",
        "batch_matmul b=3 m=7 n=19 k=3 post=add",
        "conv2d c=3 h=6 w=5 k=20 r=3 s=3 pad=1 post=add,relu layout=nhwc",
        "conv2d c=16 h=6 w=5 k=23 r=1 s=1 layout=n,c/16,h,w,c%16 post=add",
        "conv2d_transpose c=3 h=6 w=5 k=9 r=4 s=4 stride=2 pad=1 post=add",
        "expression text='input x[i=9, j=33] f32 variable; input r[i=9, j=33] f32 variable;"
        " y[i=9, j=33] f32 = x[i, j] * r[i, j] - r[i, j]; z[i=9, j=33] f32 = y[i, j] + x[i, j]'",
    };
    (void)state;
    for (size_t i = 0; i + 1 < sizeof workloads / sizeof workloads[0]; i++)
        for (int threads = 1; threads <= 3; threads += 2)
            same_in_place(workloads[i], threads);
    struct call call; /* read by more than the result */
    open_call(&call, workloads[sizeof workloads / sizeof workloads[0] - 1], 1);
    assert_int_equal(call.forms[0].in_place + call.forms[1].in_place, 0);
    close_call(&call);
}

/* `shift`: the last trip computes again what the trip before has stored. */
static void what_is_stored_twice_is_not_overwritten(void **state) {
    static const char workload[] = "matmul m=5 n=7 k=3 post=add";
    struct call call;
    (void)state;
    store("matmul m=5 n=7 k=3 post=add target=c threads=1", host_name(), DATABASE_GENERATOR,
          "split output n 4 shift\n");
    open_call(&call, workload, 1);
    assert_int_equal(call.info.origin, DLT_ORIGIN_EXACT);
    assert_int_equal(call.forms[2].in_place, 0);
    assert_int_equal(run_call(&call, NULL), DLT_OK);
    call.output.data = blocks[2];
    assert_int_equal(run_call(&call, NULL), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(call.kernel), "overlaps input residual; it may not share"));
    close_call(&call);
}

static void other_overlaps_are_refused(void **state) {
    static const char *const not_own[] = {
        "matmul m=16 n=16 k=16",
        "expression text='input x[n=9] f32 variable; s[m=1] f32 = sum(n=9) x[n];"
        " y[n=9] f32 = x[n] + s[0]'",
        "expression text='input x[n=9] f32 variable; y[n=9] f32 = x[8 - n]'",
        "expression text='input x[n=9] f32 variable; y[n=9] f32 = sum(k=3) x[n] * 2'",
        "expression text='input x[m=9, n=9] f32 variable layout n m; y[m=9, n=9] f32 = x[m, n]'",
    };
    struct call call;
    (void)state;
    open_call(&call, "matmul m=7 n=19 k=3 post=add", 1);
    call.output.data = blocks[2];
    call.output.byte_offset = 4; /* a part of the residual, and more */
    assert_int_equal(run_call(&call, NULL), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(call.kernel), "that whole tensor, at the same address"));
    close_call(&call);
    for (size_t i = 0; i < sizeof not_own / sizeof not_own[0]; i++) {
        open_call(&call, not_own[i], 1);
        assert_int_equal(call.forms[0].in_place, 0);
        call.output.data = blocks[0];
        assert_int_equal(run_call(&call, NULL), DLT_ERROR_ARGUMENT);
        assert_non_null(strstr(dlt_error(call.kernel), "may not share an element with it"));
        close_call(&call);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(residuals_are_overwritten),
        TEST(what_is_stored_twice_is_not_overwritten),
        TEST(other_overlaps_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
