/* Small stacks: what include/dltune/dltune.h says calls need is enough, and what nests too deep for
 * that is refused. A thread's stack ends at a page that nothing may touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dltune/dltune.h"
#include "dltune/schedule.h"
#include "dltune/tune.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KIB = 1024,
    RUN_STACK = 32 * KIB, /* of dlt_kernel_run and dlt_kernel_pack */
    STACK = 128 * KIB,    /* of everything else */
    DEEP_STACK = 256 * KIB,
    DEEPEST = 150,
};

static char database[] = "/tmp/dltune-stack-XXXXXX.db";
static char failure[1024]; /* of the thread; cmocka's own checks belong to the main one */

static bool failed(dlt_status status, const void *handle) {
    if (status != DLT_OK)
        snprintf(failure, sizeof failure, "%.1000s", dlt_error(handle));
    return status != DLT_OK;
}

static void on_thread(size_t bytes, void *(*body)(void *), void *context) {
    pthread_attr_t attributes;
    pthread_t thread;
    *failure = 0;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, bytes), 0);
    assert_int_equal(pthread_create(&thread, &attributes, body, context), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    if (*failure)
        fail_msg("%s", failure);
}

static void *tune(void *workload) {
    const dlt_tune_options options = {.trials = 24}; /* enough for a model */
    dlt_tune_result result = {0};
    dlt_task *task;
    if (!failed(dlt_task_create(workload, NULL, 1, &task), task) &&
        !failed(dlt_tune(task, database, &options, &result), task) && !result.schedule)
        snprintf(failure, sizeof failure, "no candidate was right");
    dlt_tune_result_free(&result);
    dlt_task_free(task);
    return NULL;
}

static void tuning_needs_little(void **state) {
    (void)state;
    on_thread(STACK, tune, "matmul m=64 n=64 k=64");
    on_thread(STACK, tune, "conv2d c=16 h=14 w=14 k=16 r=3 s=3 pad=1 post=bias,add,gelu");
}

struct call {
    const char *workload, *target;
    dlt_runtime *runtime;
    dlt_kernel *kernel;
    void *workspace;
};

static void *get(void *context) {
    struct call *call = context;
    if (!failed(dlt_runtime_open(database, call->target, &call->runtime), call->runtime))
        failed(dlt_runtime_get(call->runtime, call->workload, 1, &call->kernel), call->runtime);
    return NULL;
}

static void *run(void *context) {
    static float a[64 * 64], b[64 * 64], c[64 * 64];
    struct call *call = context;
    int64_t shape[2] = {64, 64};
    DLTensor tensors[3] = {{.data = a}, {.data = b}, {.data = c}},
             *inputs[2] = {tensors, tensors + 1};
    for (int i = 0; i < 3; i++) {
        tensors[i].device = (DLDevice){kDLCPU, 0};
        tensors[i].dtype = (DLDataType){kDLFloat, 32, 1};
        tensors[i].ndim = 2;
        tensors[i].shape = shape;
    }
    failed(dlt_kernel_pack(call->kernel, NULL, NULL), call->kernel);
    failed(dlt_kernel_run(call->kernel, inputs, tensors + 2, NULL, call->workspace, NULL),
           call->kernel);
    return NULL;
}

static void getting_and_running_need_little(void **state) {
    static const char *const targets[] = {"native", "c"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct call call = {.workload = "matmul m=64 n=64 k=64", .target = targets[i]};
        dlt_kernel_info info;
        on_thread(STACK, get, &call);
        dlt_kernel_describe(call.kernel, &info);
        call.workspace = aligned_alloc(DLT_ALIGNMENT, (info.workspace_bytes / 64 + 1) * 64);
        assert_int_equal(info.packed_bytes, 0);
        on_thread(RUN_STACK, run, &call);
        free(call.workspace);
        dlt_kernel_release(call.kernel);
        dlt_runtime_close(call.runtime);
    }
}

/* "((x[n] + x[n]) + x[n]) ..." with a body of so many values within each other. */
static char *chain(int depth) {
    char *text = calloc(1, 256 + 8 * (size_t)depth), *end;
    assert_non_null(text);
    strcpy(text, "expression text='input x[n=8] f32 variable; y[n=8] f32 = x[n]");
    end = text + strlen(text);
    for (int i = 1; i < depth; i++)
        end += sprintf(end, " + x[n]");
    strcpy(end, "'");
    return text;
}

static char *calls(int depth) {
    char *text = calloc(1, 256 + 8 * (size_t)depth), *end;
    assert_non_null(text);
    strcpy(text, "expression text='input x[n=8] f32 variable; y[n=8] f32 = ");
    end = text + strlen(text);
    for (int i = 1; i < depth; i++)
        end += sprintf(end, "abs(");
    end += sprintf(end, "x[n]");
    memset(end, ')', (size_t)depth - 1);
    strcpy(end + depth - 1, "'");
    return text;
}

static void the_deepest_bodies_need_what_is_said(void **state) {
    char *(*const makers[])(int) = {chain, calls};
    (void)state;
    for (int i = 0; i < 2; i++) {
        char *workload = makers[i](DEEPEST);
        struct call call = {.workload = workload, .target = "c"};
        on_thread(DEEP_STACK, get, &call);
        dlt_kernel_release(call.kernel);
        dlt_runtime_close(call.runtime);
        free(workload);
    }
}

static void *build_too_deep(void *context) {
    dlt_expression *e = NULL;
    (void)context;
    if (failed(dlt_expression_create(&e), e))
        return NULL;
    const dlt_axis *axis = dlt_make_axis(e, "n", 8), *y_axis = dlt_make_axis(e, "n", 8);
    const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", DLT_F32, 1, &axis);
    const dlt_index *index = dlt_index_axis(e, y_axis);
    const dlt_value *value = dlt_read(e, x, 1, &index);
    for (int i = 0; i < 1000000; i++)
        value = dlt_apply(e, "abs", 1, &value);
    dlt_make_computed(e, "y", 1, &y_axis, DLT_NONE, 0, NULL, value);
    if (dlt_expression_check(e) != DLT_ERROR_ARGUMENT ||
        !strstr(dlt_error(e), "its body nests 1000001 values, at most 150"))
        snprintf(failure, sizeof failure, "not refused: %s", dlt_error(e));
    dlt_expression_free(e);
    return NULL;
}

static void *build_index_too_deep(void *context) {
    dlt_expression *e = NULL;
    (void)context;
    if (failed(dlt_expression_create(&e), e))
        return NULL;
    const dlt_axis *axis = dlt_make_axis(e, "n", 1000);
    const dlt_index *own = dlt_index_axis(e, axis), *index = own;
    for (int i = 0; i < 1000; i++)
        index = dlt_index_remainder(e, dlt_index_add(e, dlt_index_scale(e, index, 2), own),
                                    i % 2 ? 97 : 89); /* which do not simplify */
    if (index || !strstr(dlt_error(e), "index: nests more than 40 indices"))
        snprintf(failure, sizeof failure, "not refused: %s", dlt_error(e));
    dlt_expression_free(e);
    return NULL;
}

static void *parse_too_deep(void *context) {
    char *(*const makers[])(int) = {chain, calls};
    (void)context;
    for (int i = 0; i < 2 && !*failure; i++) {
        char *workload = makers[i](DEEPEST + 1);
        dlt_task *task;
        if (dlt_task_create(workload, "c", 1, &task) != DLT_ERROR_ARGUMENT ||
            !strstr(dlt_error(task), "nest"))
            snprintf(failure, sizeof failure, "not refused: %s", dlt_error(task));
        dlt_task_free(task);
        free(workload);
    }
    return NULL;
}

static void deeper_ones_are_refused(void **state) {
    (void)state;
    on_thread(STACK, build_too_deep, NULL);
    on_thread(STACK, build_index_too_deep, NULL);
    on_thread(STACK, parse_too_deep, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tuning_needs_little),
        cmocka_unit_test(getting_and_running_need_little),
        cmocka_unit_test(the_deepest_bodies_need_what_is_said),
        cmocka_unit_test(deeper_ones_are_refused),
    };
    int file = mkstemps(database, 3), status;
    if (file < 0 || close(file) != 0 || remove(database) != 0)
        return 1;
#ifdef __SANITIZE_ADDRESS__
    puts("skipped: instrumented code needs more stack");
    return 0;
#endif
    setenv("DLTUNE_WORKER", WORKER, 1);
    status = cmocka_run_group_tests(tests, NULL, NULL);
    remove(database);
    return status;
}
