/* Roofs are positive where a target runs, survive being stored, and bound a task as they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/roofline.h"

#include <math.h>
#include <string.h>

static void close_to(double got, double wanted) {
    if (!(fabs(got - wanted) <= 1e-5 * fabs(wanted)))
        fail_msg("%g, not %g", got, wanted);
}

/* Peak 100e9; L1 200, 100, 250 GB/s for reading, writing, copying, each level below half of it. */
static struct roofs made_up(void) {
    struct roofs roofs = {.bytes = {32768, 1 << 20, 1 << 25}};
    roofs.peak[TYPE_F32] = 100e9;
    for (int level = 0; level < MEMORY_LEVELS; level++) {
        double rate = 1e9 / (1 << level);
        roofs.bandwidth[level][TRAFFIC_READ] = 200 * rate;
        roofs.bandwidth[level][TRAFFIC_WRITE] = 100 * rate;
        roofs.bandwidth[level][TRAFFIC_COPY] = 250 * rate;
    }
    return roofs;
}

static struct roofline of(const char *key, const struct roofs *roofs, double *share) {
    struct task *task;
    struct error error;
    struct roofline roofline;
    if (task_create_key(key, &task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    roofline = roofline_of(task, roofs);
    *share = roofline_share(&roofline, task, 1e-6);
    task_free(task);
    return roofline;
}

static void bounds(void **state) {
    struct roofs roofs = made_up(), none = {0};
    double share;
    (void)state;
    /* 2 * 32^3 operations on three squares of 4 KiB: in L1, bound by arithmetic */
    struct roofline roofline = of("matmul m=32 n=32 k=32 target=c threads=1", &roofs, &share);
    assert_int_equal(roofline.level, 0);
    close_to(roofline.bytes, 3 * 4096);
    close_to(roofline.intensity, 65536. / (3 * 4096));
    assert_false(roofline.by_memory);
    close_to(roofline.roof, 100e9);
    close_to(share, 65536 / 1e-6 / 100e9);
    /* a row times a matrix of 40 MB: in memory, by what is read */
    roofline = of("matmul m=1 n=10000 k=1000 target=c threads=1", &roofs, &share);
    assert_int_equal(roofline.level, CACHE_LEVELS);
    assert_true(roofline.by_memory);
    close_to(roofline.roof, 2e7 / ((4e7 + 4e3) / 25e9));
    /* an outer product: by what is written; half of a copy is writing, and 125 are more than 100 */
    roofline = of("matmul m=100 n=100 k=1 target=c threads=1", &roofs, &share);
    assert_int_equal(roofline.level, 1);
    assert_true(roofline.by_memory);
    close_to(roofline.bytes, 40800);
    assert_true(roofline.roof > 0);
    close_to(roofline.intensity * roofline.bytes / roofline.roof, 40000 / 62.5e9);
    roofline = of("matmul m=32 n=32 k=32 target=c threads=2", &roofs, &share);
    close_to(roofline.roof, 200e9);
    roofline = of("matmul m=32 n=32 k=32 target=c threads=1", &none, &share);
    assert_true(roofline.roof == 0 && share == 0);
}

static void as_text(void **state) {
    struct roofs roofs = made_up(), read = {0};
    struct text text = {0};
    (void)state;
    roofs_print(&text, &roofs);
    assert_non_null(strstr(text_string(&text), "bandwidth l1 copy 2.5e+11\n"));
    roofs_parse(text_string(&text), &read);
    close_to(read.peak[TYPE_F32], roofs.peak[TYPE_F32]);
    for (int level = 0; level < MEMORY_LEVELS; level++)
        for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++)
            close_to(read.bandwidth[level][traffic], roofs.bandwidth[level][traffic]);
    close_to((double)read.bytes[2], (double)(1 << 25));
    text_free(&text);
    memset(&read, 0, sizeof read);
    roofs_parse("bandwidth l9 copy 3\nnonsense\n\npeak f32\npeak f32 7", &read);
    assert_true(read.peak[TYPE_F32] == 7);
    assert_false(roofs_set(&read, "bytes dram", 1));
    assert_false(roofs_set(&read, "peak f33", 1));
    assert_false(roofs_set(&read, "", 1));
    assert_false(roofs_set(&read, "peak f32 of something that has far too long a name", 1));
}

/* Rates exist exactly where a target's code runs. What they are is the machine's. */
static void measured(void **state) {
    static const char *const names[] = {"x86-avx512", "x86-avx2", "c"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        bool has_code = i < 2 && target_runs_here(names[i]);
        for (int traffic = 0; traffic < TRAFFIC_COUNT; traffic++) {
            double rate = measure_bandwidth(names[i], (enum traffic)traffic, 16384);
            assert_true(has_code ? rate > 1e8 && rate < 1e14 : rate == 0);
        }
    }
    assert_true(measure_bandwidth("no such target", TRAFFIC_READ, 16384) == 0);
    assert_true(measure_bandwidth("native", TRAFFIC_READ, 0) == 0);
}

static void measured_for_a_task(void **state) {
    struct roofs roofs = {0};
    struct task *task;
    struct error error;
    int level = -1;
    (void)state;
    assert_int_equal(roofs_measure("no such target", &roofs, &error), DLT_ERROR_ARGUMENT);
    assert_int_equal(
        task_create_key("matmul m=32 n=32 k=32 target=x86-avx2 threads=1", &task, &error), DLT_OK);
    assert_int_equal(roofs_measure_for(task, &roofs, &level, &error), DLT_OK);
    assert_int_equal(level, 0);
    assert_true((roofs.bandwidth[0][TRAFFIC_COPY] > 0) == target_runs_here("x86-avx2"));
    assert_true(roofs.bandwidth[1][TRAFFIC_COPY] == 0);
    task_free(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds),
        cmocka_unit_test(as_text),
        cmocka_unit_test(measured),
        cmocka_unit_test(measured_for_a_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
