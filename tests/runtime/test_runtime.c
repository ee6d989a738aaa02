/* The public interface as a program uses it: getting kernels, where they come from, running them,
 * and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "dltune/dltune.h"
#include "targets/description.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    M = 7,
    N = 5,
    K = 3
};

#define WORKLOAD "matmul m=7 n=5 k=3"
#define KEY      WORKLOAD " target=c threads=1"

static char path[] = "/tmp/dltune-runtime-XXXXXX.db";
static struct error error;
static dlt_runtime *runtime;

static const char *stored_knobs = ""; /* of what is stored next */

static void store(const char *key, const char *host, const char *generator, const char *trace) {
    struct database *database;
    struct record record = {
        .task = key,
        .host = host,
        .generator = generator,
        .trace = trace,
        .knobs = stored_knobs,
        .outcome = "ok",
        .clock = "cpu",
        .layouts = "",
        .median_us = 4.5,
        .verified = true,
    };
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK ||
        database_add(database, &record, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(database);
}

static int open_runtime(void **state) {
    (void)state;
    struct database *database;
    strcpy(path, "/tmp/dltune-runtime-XXXXXX.db");
    int file = mkstemps(path, 3);
    if (file < 0 || close(file) != 0)
        return -1;
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK)
        return -1;
    database_close(database);
    return dlt_runtime_open(path, "c", &runtime) == DLT_OK ? 0 : -1;
}

static int close_runtime(void **state) {
    char name[64];
    (void)state;
    dlt_runtime_close(runtime);
    snprintf(name, sizeof name, "%s-wal", path);
    remove(name);
    snprintf(name, sizeof name, "%s-shm", path);
    remove(name);
    return remove(path);
}

static dlt_kernel *get(const char *workload, int threads) {
    dlt_kernel *kernel;
    if (dlt_runtime_get(runtime, workload, threads, &kernel) != DLT_OK)
        fail_msg("%s", dlt_error(runtime));
    return kernel;
}

/* Matrices whose product is easy to tell, as DLTensors. */
struct problem {
    float a[M * K], b[K * N], c[M * N];
    int64_t a_shape[2], b_shape[2], c_shape[2];
    DLTensor a_tensor, b_tensor, c_tensor;
};

static DLTensor matrix(float *data, int64_t *shape, int64_t rows, int64_t columns) {
    shape[0] = rows, shape[1] = columns;
    return (DLTensor){
        .data = data, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = shape};
}

static void set_up(struct problem *problem) {
    for (int i = 0; i < M * K; i++)
        problem->a[i] = (float)(i % 11 - 5);
    for (int i = 0; i < K * N; i++)
        problem->b[i] = (float)(i % 7 - 3);
    for (int i = 0; i < M * N; i++)
        problem->c[i] = -1e6f;
    problem->a_tensor = matrix(problem->a, problem->a_shape, M, K);
    problem->b_tensor = matrix(problem->b, problem->b_shape, K, N);
    problem->c_tensor = matrix(problem->c, problem->c_shape, M, N);
}

static void is_product(const struct problem *problem) {
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += problem->a[m * K + k] * problem->b[k * N + n];
            if (problem->c[m * N + n] != sum)
                fail_msg("c[%d,%d] is %g, not %g", m, n, (double)problem->c[m * N + n],
                         (double)sum);
        }
}

static void *block(size_t bytes) {
    void *memory = aligned_alloc(DLT_ALIGNMENT, (bytes / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT);
    assert_non_null(memory);
    return memory;
}

static void run_product(dlt_kernel *kernel, const dlt_threads *threads) {
    struct problem problem;
    DLTensor *inputs[2] = {&problem.a_tensor, &problem.b_tensor};
    dlt_kernel_info info;
    dlt_kernel_describe(kernel, &info);
    void *workspace =
        block(dlt_kernel_workspace_bytes(kernel, threads ? threads->thread_count : 1));
    void *packed = block(info.packed_bytes);
    set_up(&problem);
    if (info.parameter_count) {
        DLTensor *parameters[1] = {&problem.b_tensor};
        if (dlt_kernel_pack(kernel, parameters, packed) != DLT_OK)
            fail_msg("%s", dlt_error(kernel));
    }
    if (dlt_kernel_run(kernel, inputs, &problem.c_tensor, packed, workspace, threads) != DLT_OK)
        fail_msg("%s", dlt_error(kernel));
    is_product(&problem);
    free(workspace);
    free(packed);
}

static void default_when_nothing_is_stored(void **state) {
    dlt_kernel *kernel = get(WORKLOAD, 1);
    dlt_kernel_info info;
    (void)state;
    dlt_kernel_describe(kernel, &info);
    assert_string_equal(info.task, KEY);
    assert_int_equal(info.origin, DLT_ORIGIN_DEFAULT);
    assert_string_equal(dlt_origin_name(info.origin), "default");
    assert_int_equal(info.verified, 0);
    assert_non_null(strstr(info.reason, "nothing stored for `" KEY "`"));
    assert_string_equal(info.host, "");
    assert_true(info.median_us == 0);
    assert_int_equal(info.input_count, 2);
    assert_int_equal(info.parameter_count, 0);
    assert_int_equal(info.threads, 1);
    run_product(kernel, NULL);
    dlt_kernel_release(kernel);
}

static void exact_from_a_record(void **state) {
    dlt_kernel_info info;
    (void)state;
    store(KEY, host_name(), DATABASE_GENERATOR, "");
    dlt_kernel *kernel = get(WORKLOAD, 1);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_EXACT);
    assert_int_equal(info.verified, 1);
    assert_int_equal(info.is_this_host, 1);
    assert_string_equal(info.host, host_name());
    assert_string_equal(info.reason, "");
    assert_string_equal(info.schedule, "");
    assert_true(info.median_us == 4.5);
    run_product(kernel, NULL);
    dlt_kernel_release(kernel);
}

#define CONVOLUTION "conv2d n=1 c=8 h=4 w=4 k=8 r=1 s=1"

/* layout=any is the layout with the best record, and the first of the operator's if there is none.
 */
static void any_is_the_best_that_is_stored(void **state) {
    dlt_tensor_info output;
    dlt_kernel_info info;
    dlt_kernel *kernel = get(CONVOLUTION " layout=any", 1);
    (void)state;
    dlt_kernel_describe(kernel, &info);
    assert_string_equal(info.task, CONVOLUTION " target=c threads=1");
    assert_int_equal(info.origin, DLT_ORIGIN_DEFAULT);
    dlt_kernel_release(kernel);
    close_runtime(NULL);
    assert_int_equal(open_runtime(NULL), 0);
    store(CONVOLUTION " layout=n,c/8,h,w,c%8 target=c threads=1", host_name(), DATABASE_GENERATOR,
          "");
    kernel = get("conv2d layout=any c=8 h=4 w=4 k=8 r=1 s=1", 1);
    dlt_kernel_describe(kernel, &info);
    assert_string_equal(info.task, CONVOLUTION " layout=n,c/8,h,w,c%8 target=c threads=1");
    assert_int_equal(info.origin, DLT_ORIGIN_EXACT);
    assert_int_equal(dlt_kernel_tensor(kernel, DLT_ROLE_OUTPUT, 0, &output), DLT_OK);
    assert_string_equal(output.layout, "n k/8 y x k%8");
    assert_ptr_equal(get(CONVOLUTION " layout=n,c/8,h,w,c%8", 1), kernel);
    dlt_kernel_release(kernel);
    dlt_kernel_release(kernel);
}

static void records_of_others_are_named(void **state) {
    dlt_kernel_info info;
    (void)state;
    store(KEY, "a machine far away", "0", "");
    dlt_kernel *kernel = get(WORKLOAD, 1);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_EXACT);
    assert_int_equal(info.verified, 0);
    assert_int_equal(info.is_this_host, 0);
    assert_string_equal(info.host, "a machine far away");
    assert_non_null(strstr(info.reason, "host `a machine far away`, generator 0"));
    run_product(kernel, NULL);
    dlt_kernel_release(kernel);
}

static void a_trace_that_does_not_replay_gives_the_default(void **state) {
    dlt_kernel_info info;
    (void)state;
    store(KEY, host_name(), DATABASE_GENERATOR, "frobnicate c m\n");
    dlt_kernel *kernel = get(WORKLOAD, 1);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_DEFAULT);
    assert_int_equal(info.verified, 0);
    assert_non_null(strstr(info.reason, "frobnicate"));
    run_product(kernel, NULL);
    dlt_kernel_release(kernel);
}

static void adapted_from_the_nearest_workload(void **state) {
    dlt_kernel_info info, plain;
    (void)state;
    dlt_kernel *kernel = get("matmul m=7 n=5 k=9", 1);
    dlt_kernel_describe(kernel, &plain);
    assert_int_equal(plain.origin, DLT_ORIGIN_DEFAULT);
    stored_knobs = "no.such.knob=3";
    store("matmul m=7 n=5 k=2 target=c threads=1", host_name(), DATABASE_GENERATOR, "");
    store("matmul m=7 n=5 k=4 target=c threads=1", "far away", DATABASE_GENERATOR, "");
    store("matmul m=70 n=50 k=3 target=c threads=1", host_name(), DATABASE_GENERATOR, "");
    store("matmul m=7 n=5 k=3 const=b target=c threads=1", host_name(), DATABASE_GENERATOR, "");
    store("matmul m=7 n=5 k=3 target=c threads=2", host_name(), DATABASE_GENERATOR, "");
    stored_knobs = "";
    store("matmul m=7 n=6 k=3 target=c threads=1", host_name(), DATABASE_GENERATOR, "");
    dlt_kernel *adapted = get(WORKLOAD, 1); /* k=4 is nearer than k=2; n=6 has no knobs */
    dlt_kernel_describe(adapted, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_ADAPTED);
    assert_string_equal(dlt_origin_name(info.origin), "adapted");
    assert_int_equal(info.verified, 0);
    assert_string_equal(info.host, "far away");
    assert_int_equal(info.is_this_host, 0);
    assert_true(info.median_us == 0);
    assert_string_equal(info.reason, "nothing stored for `" KEY "`; adapted from "
                                     "`matmul m=7 n=5 k=4 target=c threads=1`");
    run_product(adapted, NULL);
    dlt_kernel_release(adapted);
    dlt_kernel_release(kernel);
}

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

static void each_kernel_is_made_once(void **state) {
    dlt_kernel *first = get(WORKLOAD, 1), *again = get(WORKLOAD, 1);
    dlt_kernel *other_words = get("matmul k=3  n=5 m=7 count=9", 1);
    dlt_kernel *other = get("matmul m=7 n=5 k=4", 1), *threads = get(WORKLOAD, 2);
    (void)state;
    assert_ptr_equal(first, again);
    assert_ptr_equal(first, other_words);
    assert_ptr_not_equal(first, other);
    assert_ptr_not_equal(first, threads);
    dlt_kernel_release(first);
    dlt_kernel_release(again);
    dlt_kernel_release(other_words);
    dlt_kernel_release(other);
    dlt_kernel_release(threads);
    again = get(WORKLOAD, 1);
    assert_ptr_equal(first, again); /* kept though nobody held it */
    dlt_kernel_release(again);
}

/* More kernels than are kept: the oldest go, those held stay. */
static void the_cache_is_bounded(void **state) {
    dlt_kernel *held = get(WORKLOAD, 1);
    (void)state;
    for (int n = 1; n <= 300; n++) {
        char workload[64];
        snprintf(workload, sizeof workload, "matmul m=1 n=%d k=1", n);
        dlt_kernel_release(get(workload, 1));
    }
    run_product(held, NULL);
    assert_ptr_equal(get(WORKLOAD, 1), held);
    dlt_kernel_release(held);
    dlt_kernel_release(held);
    dlt_kernel_release(get("matmul m=1 n=1 k=1", 1));
}

static void the_program_says_how_many_are_kept(void **state) {
    dlt_kernel *held = get(WORKLOAD, 1), *other;
    (void)state;
    assert_int_equal(dlt_runtime_keep(runtime, 0), DLT_OK);
    run_product(held, NULL);
    dlt_kernel_release(held); /* gone */
    assert_int_equal(dlt_runtime_keep(runtime, 1), DLT_OK);
    held = get(WORKLOAD, 1);
    other = get("matmul m=2 n=2 k=2", 1);
    dlt_kernel_release(held);
    dlt_kernel_release(other); /* the other one goes */
    assert_ptr_equal(get("matmul m=2 n=2 k=2", 1), other);
    dlt_kernel_release(other);
    assert_int_equal(dlt_runtime_keep(runtime, -1), DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(runtime), "kernels: -1 is not a number from 0");
}

enum {
    GETTERS = 8,
    SHAPES = 6
};

static void *get_all(void *context) {
    dlt_kernel **kernels = context;
    for (int i = 0; i < SHAPES; i++) {
        char workload[64];
        snprintf(workload, sizeof workload, "matmul m=%d n=5 k=3", i + 2);
        if (dlt_runtime_get(runtime, workload, 1, &kernels[i]) != DLT_OK)
            return NULL;
    }
    for (int i = 0; i < 100; i++)
        run_product(kernels[M - 2], NULL);
    dlt_kernel *none;
    if (dlt_runtime_get(runtime, "nonsense", 1, &none) != DLT_ERROR_ARGUMENT ||
        !strstr(dlt_error(runtime), "nonsense"))
        return NULL;
    return kernels;
}

static void many_threads_get_the_same_kernels(void **state) {
    static dlt_kernel *kernels[GETTERS][SHAPES];
    pthread_t threads[GETTERS];
    (void)state;
    for (int i = 0; i < GETTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_all, kernels[i]), 0);
    for (int i = 0; i < GETTERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    for (int i = 0; i < GETTERS; i++)
        for (int s = 0; s < SHAPES; s++) {
            assert_ptr_equal(kernels[i][s], kernels[0][s]);
            dlt_kernel_release(kernels[i][s]);
        }
}

static void bad_workloads_are_refused(void **state) {
    dlt_kernel *kernel = (void *)1;
    (void)state;
    assert_int_equal(dlt_runtime_get(runtime, "conv9d n=1", 1, &kernel), DLT_ERROR_ARGUMENT);
    assert_null(kernel);
    assert_non_null(strstr(dlt_error(runtime), "conv9d"));
    assert_int_equal(dlt_runtime_get(runtime, "matmul m=7 n=5", 1, &kernel), DLT_ERROR_ARGUMENT);
    assert_int_equal(dlt_runtime_get(runtime, WORKLOAD, 0, &kernel), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(runtime), "threads: 0"));
    assert_int_equal(dlt_runtime_get(runtime, NULL, 1, &kernel), DLT_ERROR_ARGUMENT);
    assert_string_equal(dlt_error(runtime), "workload: is NULL");
}

static void a_failed_opening_says_why(void **state) {
    dlt_runtime *failed;
    dlt_kernel *kernel;
    (void)state;
    assert_int_equal(dlt_runtime_open("/nowhere/none.db", "c", &failed), DLT_ERROR_DATABASE);
    assert_non_null(strstr(dlt_error(failed), "/nowhere/none.db: there is no such database"));
    assert_int_equal(dlt_runtime_get(failed, WORKLOAD, 1, &kernel), DLT_ERROR_DATABASE);
    dlt_runtime_close(failed);
    assert_int_equal(dlt_runtime_open(path, "pdp11", &failed), DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(dlt_error(failed), "pdp11"));
    dlt_runtime_close(failed);
    dlt_runtime_close(NULL);
    dlt_kernel_release(NULL);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(default_when_nothing_is_stored),
        TEST(exact_from_a_record),
        TEST(any_is_the_best_that_is_stored),
        TEST(records_of_others_are_named),
        TEST(a_trace_that_does_not_replay_gives_the_default),
        TEST(adapted_from_the_nearest_workload),
        TEST(parameters_are_packed),
        TEST(threads_share_the_work),
        TEST(each_kernel_is_made_once),
        TEST(the_cache_is_bounded),
        TEST(the_program_says_how_many_are_kept),
        TEST(many_threads_get_the_same_kernels),
        TEST(bad_workloads_are_refused),
        TEST(a_failed_opening_says_why),
        TEST(tensors_that_do_not_fit_are_refused),
        TEST(strides_that_fit_are_taken),
        TEST(tensors_are_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
