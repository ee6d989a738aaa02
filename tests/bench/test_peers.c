/* Peers against the reference on odd shapes; reading problems; comparing samples; timing in turn.
 * A peer that is not installed or does not compute a shape is passed over, a wrong one is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/peers.h"
#include "bench/worker/contest.h"
#include "bench/worker/sample.h"
#include "measure/inputs.h"
#include "machine/description.h"

#include <stdlib.h>
#include <string.h>

static const char *native(void) {
    struct target_description description;
    assert_int_equal(target_describe("native", &description, NULL), DLT_OK);
    return description.name;
}

static struct task *make_task(const char *workload) {
    struct error error;
    struct task *task;
    if (task_create_text(workload, native(), 1, &task, &error) != DLT_OK)
        fail_msg("%s: %s", workload, error.message);
    return task;
}

/* ---- results ---- */

/* A workload, and the peers that compute it where they are installed. */
struct shape {
    const char *workload, *computed_by;
};

static const struct shape shapes[] = {
    {"matmul m=1 n=1 k=1", "onednn-plain openblas libxsmm"},
    {"matmul m=7 n=13 k=29", "onednn-plain openblas libxsmm"},
    {"matmul m=31 n=1 k=67", "onednn-plain openblas libxsmm"},
    {"matmul m=1 n=61 k=17", "onednn-plain openblas libxsmm"},
    {"matmul m=5 n=61 k=17 lda=19 ldb=64 ldc=70", "openblas libxsmm"},
    {"matmul m=97 n=101 k=103", "onednn-plain openblas"},
    {"matmul m=13 n=37 k=41 const=b", "onednn-plain openblas xnnpack"},
    {"matmul m=13 n=37 k=41 lda=50 ldc=40 const=b post=bias,relu", "openblas xnnpack"},
    {"matmul m=9 n=33 k=21 post=bias", "onednn-plain openblas"},
    {"matmul m=9 n=33 k=21 post=relu", "onednn-plain openblas"},
    {"matmul m=9 n=33 k=21 post=bias,add,relu", "onednn-plain"},
    {"conv2d c=3 h=11 w=13 k=5 r=3 s=3 pad=1", "onednn-plain"},
    {"conv2d c=3 h=11 w=13 k=5 r=3 s=3 pad=1 layout=nhwc", "onednn-plain xnnpack"},
    {"conv2d n=2 c=29 h=7 w=9 k=17 r=1 s=5 pad=0,2,0,1 layout=nhwc post=bias,relu",
     "onednn-plain xnnpack"},
    {"conv2d n=2 c=12 h=13 w=17 k=8 r=3 s=2 stride=2x1 pad=1,0,2,1 dilation=1x2 groups=4",
     "onednn-plain"},
    {"conv2d n=2 c=12 h=13 w=17 k=8 r=3 s=2 stride=2x1 pad=1,0,2,1 dilation=1x2 groups=4 "
     "layout=nhwc",
     "onednn-plain xnnpack"},
    {"conv2d c=19 h=9 w=9 k=19 r=3 s=3 pad=1 groups=19 layout=nhwc", "onednn-plain xnnpack"},
    {"conv2d c=20 h=6 w=6 k=7 r=3 s=3 layout=n,c/16,h,w,c%16 post=bias,relu", "onednn-own xnnpack"},
    {"conv2d c=20 h=6 w=6 k=7 r=3 s=3 layout=n,c/16,h,w,c%16 post=bias,add,relu", "onednn-own"},
    {"conv2d c=32 h=6 w=6 k=32 r=3 s=3 post=add,relu", "onednn-plain onednn-reorder"},
    {"conv2d c=960 h=1 w=1 k=24 r=1 s=1", "onednn-plain xnnpack"},
    {"batch_matmul b=3 m=7 n=13 k=29", "onednn-plain openblas libxsmm"},
    {"batch_matmul b=2 m=7 n=13 k=29 lda=31 ldb=15 ldc=14", "openblas libxsmm"},
    {"batch_matmul b=3 m=1 n=13 k=29", "openblas libxsmm"},
    {"batch_matmul b=3 m=97 n=101 k=103 const=b post=bias,relu", "onednn-plain openblas"},
    {"conv2d_transpose c=16 h=7 w=9 k=32 r=4 s=4 stride=2 pad=1", "onednn-plain"},
    {"conv2d_transpose n=2 c=16 h=7 w=5 k=16 r=3 s=2 stride=2x1 pad=1,0,1,1 output_padding=1x0 "
     "layout=nhwc post=bias",
     "onednn-plain"},
    {"conv2d_transpose c=32 h=5 w=6 k=32 r=3 s=3 stride=2 pad=1 groups=2", ""},
};

static bool is_computed_by(const struct shape *shape, const char *name) {
    const char *found = strstr(shape->computed_by, name);
    return found && strcspn(found, " ") == strlen(name);
}

static void judge(const struct shape *shape, const struct contestant *contestant) {
    const struct peer *peer = peer_find(contestant->name);
    if (contestant->status == DLT_OK || !peer)
        return; /* dltune's own kernels have tests elsewhere */
    if (!peer->create)
        assert_int_equal(contestant->status, DLT_ERROR_NOT_FOUND);
    else if (contestant->status != DLT_ERROR_REFUSED || is_computed_by(shape, contestant->name))
        fail_msg("%s: %s: %s: %s", shape->workload, contestant->name,
                 dlt_status_name(contestant->status), contestant->message);
}

static void test_results(void **state) {
    static const struct interleave_limits once = {
        .batch_us = 0, .least_rounds = 1, .most_rounds = 1};
    (void)state;
    if (!strcmp(native(), "c"))
        skip(); /* the libraries want vectors */
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct task *task = make_task(shapes[i].workload);
        struct contest_request request = {.task = task, .peers = true, .limits = &once};
        struct contest contest;
        struct error error;
        if (contest_run(&request, &contest, &error) != DLT_OK)
            fail_msg("%s: %s", shapes[i].workload, error.message);
        for (int c = 0; c < contest.count; c++)
            judge(&shapes[i], &contest.contestants[c]);
        contest_free(&contest);
        task_free(task);
    }
}

static void test_skipped(void **state) {
    static const struct interleave_limits once = {
        .batch_us = 0, .least_rounds = 1, .most_rounds = 1};
    static const char *const skipped[] = {"openblas", "onednn-own"};
    struct task *task = make_task("matmul m=3 n=4 k=5");
    struct contest_request request = {
        .task = task, .peers = true, .limits = &once, .skipped = skipped, .skipped_count = 2};
    struct contest contest;
    (void)state;
    assert_int_equal(contest_run(&request, &contest, NULL), DLT_OK);
    assert_string_equal(contest.contestants[0].name, "dltune");
    for (int c = 0; c < contest.count; c++) {
        assert_string_not_equal(contest.contestants[c].name, "openblas");
        assert_string_not_equal(contest.contestants[c].name, "onednn-own");
    }
    contest_free(&contest);
    task_free(task);
}

/* Where the layout was the tuner's choice a library may have its own, whichever was chosen. */
static void test_free_layout(void **state) {
    static const struct interleave_limits once = {
        .batch_us = 0, .least_rounds = 1, .most_rounds = 1};
    static const struct shape free_shape = {"conv2d c=20 h=6 w=6 k=7 r=3 s=3",
                                            "onednn-own onednn-plain xnnpack"};
    struct task *task = make_task(free_shape.workload);
    struct contest_request request = {
        .task = task, .peers = true, .free_layout = true, .limits = &once};
    struct contest contest;
    (void)state;
    if (!strcmp(native(), "c"))
        skip();
    assert_int_equal(contest_run(&request, &contest, NULL), DLT_OK);
    for (int c = 0; c < contest.count; c++)
        judge(&free_shape, &contest.contestants[c]);
    contest_free(&contest);
    task_free(task);
}

/* ---- samples ---- */

static void test_sample(void **state) {
    static const float a[] = {1, 2, 3, 4}, b[] = {1, -1, 1, 1};
    static const float output[] = {3, 1, 7, 1};
    struct task *task = make_task("matmul m=2 n=2 k=2");
    const void *data[MAX_TENSORS] = {a, b};
    struct sample *sample;
    double max_error;
    (void)state;
    assert_int_equal(sample_create(task->expression, data, 1, &sample, NULL), DLT_OK);
    assert_int_equal(sample_compare(sample, output, OWN_TOLERANCE, &max_error, NULL), DLT_OK);
    assert_true(max_error == 0);
    for (int i = 0; i < 4; i++) { /* every corner of it is looked at */
        static const float wrong[] = {0.001f, (float)(0.0 / 0.0)};
        for (int w = 0; w < 2; w++) {
            struct error error;
            float changed[4];
            memcpy(changed, output, sizeof changed);
            changed[i] += wrong[w];
            assert_int_equal(sample_compare(sample, changed, PEER_TOLERANCE, &max_error, &error),
                             DLT_ERROR_WRONG);
            assert_non_null(strstr(error.message, "the element at offset"));
        }
    }
    sample_free(sample);
    task_free(task);
}

/* ---- problems ---- */

static void test_problem(void **state) {
    struct task *task = make_task("conv2d n=2 c=12 h=13 w=17 k=8 r=3 s=2 stride=2x1 pad=1,0,2,1 "
                                  "dilation=1x2 groups=4 layout=nhwc post=bias,add,relu");
    static const int nchw[] = {0, 1, 2, 3}, nhwc[] = {0, 2, 3, 1};
    const void *data[MAX_TENSORS] = {NULL};
    struct simple_epilogue epilogue;
    struct problem problem;
    struct error error;
    int64_t strides[MAX_RANK];
    (void)state;
    assert_int_equal(problem_read(task, data, NULL, &problem, NULL), DLT_OK);
    assert_int_equal(problem.kind, PROBLEM_CONVOLUTION);
    assert_int_equal(problem.groups, 4);
    assert_int_equal(problem.filters, 8);
    assert_int_equal(problem.stride[0], 2);
    assert_int_equal(problem.stride[1], 1);
    assert_int_equal(problem.dilation[1], 2);
    assert_int_equal(problem.before[0], 1);
    assert_int_equal(problem.before[1], 0);
    assert_int_equal(problem.after[1], 1);
    assert_int_equal(problem.step_count, 3);
    assert_int_equal(problem.steps[1], STEP_ADD);
    assert_false(problem.free_layout);
    assert_true(problem_is_parameter(&problem, PART_WEIGHTS));
    assert_false(problem_is_parameter(&problem, PART_SOURCE));
    assert_true(problem_is_dense(problem.tensors[PART_SOURCE], nhwc));
    assert_false(problem_is_dense(problem.tensors[PART_SOURCE], nchw));
    assert_true(problem_strides(problem.tensors[PART_SOURCE], strides));
    assert_int_equal(strides[1], 1);
    assert_int_equal(strides[3], 12);
    assert_int_equal(problem_simple_epilogue(&problem, &epilogue, &error), DLT_ERROR_REFUSED);
    assert_string_equal(error.message, "post: it has no other epilogue than bias, then relu");
    task_free(task);
}

static void test_problem_blocked(void **state) {
    struct task *task = make_task("conv2d c=20 h=6 w=6 k=7 r=3 s=3 layout=n,c/16,h,w,c%16");
    const void *data[MAX_TENSORS] = {NULL};
    int64_t strides[MAX_RANK];
    struct problem problem;
    (void)state;
    assert_int_equal(problem_read(task, data, NULL, &problem, NULL), DLT_OK);
    assert_true(problem.free_layout);
    assert_false(problem_strides(problem.tensors[PART_SOURCE], strides));
    task_free(task);
}

/* ---- timing in turn ---- */

static double simulated_now;

static double read_simulated(void *context) {
    (void)context;
    return simulated_now;
}

struct simulated {
    double nanoseconds;
    long calls;
};

static void run_simulated(void *state, long calls) {
    struct simulated *kernel = state;
    kernel->calls += calls;
    simulated_now += kernel->nanoseconds * (double)calls;
}

static void test_interleave(void **state) {
    static const struct interleave_limits limits = {
        .batch_us = 100, .least_rounds = 5, .most_rounds = 9, .enough_us = 1e9, .at_most_us = 1e9};
    const struct clock clock = {.nanoseconds = read_simulated, .overhead = 0};
    struct simulated kernels[] = {{10, 0}, {1e6, 0}};
    struct interleaved items[] = {{.run = run_simulated, .state = &kernels[0]},
                                  {.run = run_simulated, .state = &kernels[1]}};
    (void)state;
    assert_true(interleave(&clock, &limits, 2, items));
    assert_true(items[0].median_us > 0.00999 && items[0].median_us < 0.01001);
    assert_true(items[1].median_us > 999.9 && items[1].median_us < 1000.1);
    assert_true(items[0].calls >= 10000); /* 100 us of 10 ns */
    assert_int_equal(items[1].calls, 1);
    assert_int_equal(kernels[1].calls, 2 + 9 * 2); /* sized by two, then one warm and one timed */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),     cmocka_unit_test(test_skipped),
        cmocka_unit_test(test_free_layout), cmocka_unit_test(test_sample),
        cmocka_unit_test(test_problem),     cmocka_unit_test(test_problem_blocked),
        cmocka_unit_test(test_interleave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
