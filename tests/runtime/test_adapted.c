/* Kernels of shapes that nobody tuned, on the machine's own target: which neighbour serves, when
 * the default is better, and that there is a default. */
#include "tests/runtime/fixture.h"

static dlt_runtime *native;
static struct target_description target;

/* The key of a workload on this machine's target. */
static const char *key_of(const char *workload) {
    static char key[256];
    snprintf(key, sizeof key, "%s target=%s threads=1", workload, target.name);
    return key;
}

static int open_native(void **state) {
    if (open_runtime(state) != 0 || target_describe("native", &target, &error) != DLT_OK)
        return -1;
    return dlt_runtime_open(path, NULL, &native) == DLT_OK ? 0 : -1;
}

static int close_native(void **state) {
    dlt_runtime_close(native);
    return close_runtime(state);
}

static void store_knobs(const char *workload, const char *knobs) {
    stored_knobs = knobs;
    store(key_of(workload), host_name(), DATABASE_GENERATOR, "");
    stored_knobs = "";
}

static dlt_kernel *get_native(const char *workload, dlt_kernel_info *info) {
    dlt_kernel *kernel;
    if (dlt_runtime_get(native, workload, 1, &kernel) != DLT_OK)
        fail_msg("%s", dlt_error(native));
    dlt_kernel_describe(kernel, info);
    return kernel;
}

static void expect_origin(const char *workload, dlt_origin origin, const char *reason) {
    dlt_kernel_info info;
    dlt_kernel *kernel = get_native(workload, &info);
    if (info.origin != origin || !strstr(info.reason, reason))
        fail_msg("%s: %s, %s", workload, dlt_origin_name(info.origin), info.reason);
    dlt_kernel_release(kernel);
}

static void neighbours_may_differ_in_stride_and_groups(void **state) {
    (void)state;
    store_knobs("conv2d n=1 c=32 h=16 w=16 k=32 r=3 s=3 stride=2 pad=1", "unroll.c=1");
    expect_origin("conv2d c=32 h=16 w=16 k=32 r=3 s=3 pad=1", DLT_ORIGIN_ADAPTED, "stride=2");
    expect_origin("conv2d c=32 h=16 w=16 k=32 r=3 s=3 stride=2 pad=1 groups=32", DLT_ORIGIN_ADAPTED,
                  "stride=2");
    expect_origin("conv2d c=32 h=16 w=16 k=32 r=3 s=3 pad=1 layout=nhwc", DLT_ORIGIN_DEFAULT,
                  "nothing stored");
    expect_origin("conv2d c=32 h=16 w=16 k=32 r=3 s=3 pad=1 post=relu", DLT_ORIGIN_DEFAULT,
                  "nothing stored");
}

/* Six rows and six of thirteen leave one, which costs nearly as much as another six. */
static void a_tile_that_fits_badly_is_left(void **state) {
    (void)state;
    store_knobs("matmul m=12 n=64 k=64", target.vector_registers < 32
                                             ? "vector=n vectors=2 tile.m=6"
                                             : "vector=n vectors=4 tile.m=6");
    expect_origin("matmul m=24 n=64 k=64", DLT_ORIGIN_ADAPTED, "adapted from `matmul m=12 ");
    expect_origin("matmul m=13 n=64 k=64", DLT_ORIGIN_DEFAULT, "nothing stored");
    store_knobs("matmul m=26 n=512 k=64", ""); /* farther, and without knobs no neighbour */
    expect_origin("matmul m=13 n=63 k=64", DLT_ORIGIN_DEFAULT, "nothing stored");
}

static void every_layout_has_a_default(void **state) {
    static const char *const layouts[] = {"nchw",
                                          "nhwc",
                                          "n,c/4,h,w,c%4",
                                          "n,c/8,h,w,c%8",
                                          "n,c/12,h,w,c%12",
                                          "n,c/16,h,w,c%16",
                                          "n,c/24,h,w,c%24",
                                          "n,c/32,h,w,c%32"};
    (void)state;
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        char workload[128];
        dlt_kernel_info info;
        snprintf(workload, sizeof workload, "conv2d c=96 h=6 w=7 k=96 r=3 s=3 pad=1 layout=%s",
                 layouts[i]);
        dlt_kernel *kernel = get_native(workload, &info);
        if (!*info.schedule)
            fail_msg("%s: the plain loops", workload);
        dlt_kernel_release(kernel);
    }
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_native, close_native)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(neighbours_may_differ_in_stride_and_groups),
        TEST(a_tile_that_fits_badly_is_left),
        TEST(every_layout_has_a_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
