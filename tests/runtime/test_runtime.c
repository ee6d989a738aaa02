/* Getting kernels as a program does: where each comes from, and what is refused. */
#include "tests/runtime/fixture.h"

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
    assert_string_equal(info.schedule, ONE_STEP);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(default_when_nothing_is_stored),
        TEST(exact_from_a_record),
        TEST(any_is_the_best_that_is_stored),
        TEST(records_of_others_are_named),
        TEST(a_trace_that_does_not_replay_gives_the_default),
        TEST(adapted_from_the_nearest_workload),
        TEST(bad_workloads_are_refused),
        TEST(a_failed_opening_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
