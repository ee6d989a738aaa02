/* Workloads and tasks: splitting, canonical text, keys, and messages for what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/task.h"

#include <string.h>

static const char *canonical(const char *text) {
    static char kept[512];
    struct error error = {0};
    struct task *task;
    if (task_create_text(text, "c", 1, &task, &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
    assert_true(strlen(task->workload) < sizeof kept);
    strcpy(kept, task->workload);
    task_free(task);
    return kept;
}

static void refused(const char *text, dlt_status status, const char *part) {
    struct error error = {0};
    struct task *task;
    dlt_status got = task_create_text(text, "c", 1, &task, &error);
    if (got != status || !strstr(error.message, part))
        fail_msg("'%s': status %d, message '%s'; expected %d with '%s'", text, got, error.message,
                 status, part);
    assert_null(task);
}

static void workload_splits(void **state) {
    struct arena arena;
    struct workload workload;
    struct error error = {0};
    (void)state;
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail();
    assert_int_equal(DLT_OK, workload_parse(&arena, "  op a=1\tb=x,y  c=\"p q\" d='r'\n count=7 ",
                                            &workload, &error));
    assert_string_equal(workload.operator_name, "op");
    assert_int_equal(workload.argument_count, 4);
    assert_string_equal(workload.arguments[1].key, "b");
    assert_string_equal(workload.arguments[1].value, "x,y");
    assert_string_equal(workload.arguments[2].value, "p q");
    assert_string_equal(workload.arguments[3].value, "r");
    assert_int_equal(workload.count, 7);
    arena_free(&arena);
}

static void malformed_text_is_refused(void **state) {
    char many[1024] = "matmul";
    (void)state;
    refused("", DLT_ERROR_ARGUMENT, "empty");
    refused("  \t\n", DLT_ERROR_ARGUMENT, "empty");
    refused("m=1 matmul", DLT_ERROR_ARGUMENT, "'m=1' stands where");
    refused("matmul m", DLT_ERROR_ARGUMENT, "'m' is not a key=value pair");
    refused("matmul m=", DLT_ERROR_ARGUMENT, "m: its value is empty");
    refused("matmul =4", DLT_ERROR_ARGUMENT, "'=4' is not a key=value pair");
    refused("matmul m='4", DLT_ERROR_ARGUMENT, "not closed");
    refused("matmul m=4 n=4 k=4 count=0", DLT_ERROR_ARGUMENT, "count: '0'");
    refused("matmul m=4 n=4 k=4 count=x", DLT_ERROR_ARGUMENT, "count: 'x'");
    refused("matmul m=4 n=4 k=4 count=1 count=1", DLT_ERROR_ARGUMENT, "count: given twice");
    refused("dot m=4", DLT_ERROR_ARGUMENT, "operator: 'dot' is unknown; it may be one of: conv2d");
    for (int i = 0; i <= MAX_WORKLOAD_ARGUMENTS; i++)
        strcat(many, " m=1");
    refused(many, DLT_ERROR_ARGUMENT, "more than");
}

static void equal_work_has_equal_text(void **state) {
    (void)state;
    assert_string_equal(canonical("matmul k=29 m=7 n=13"), "matmul m=7 n=13 k=29");
    assert_string_equal(
        canonical("matmul m=07 n=13 k=29 lda=29 ldb=13 ldc=13 dtype=f32 post=none const=none "
                  "accumulate=0 count=3"),
        "matmul m=7 n=13 k=29");
    assert_string_equal(canonical("matmul m=7 n=13 k=29 lda=32 ldc=16 const=b post=bias,relu"),
                        "matmul m=7 n=13 k=29 lda=32 ldc=16 post=bias,relu const=b");
    assert_string_equal(canonical("matmul m=7 n=13 k=29 post=bias const=bias,b"),
                        "matmul m=7 n=13 k=29 post=bias const=b,bias");
}

static void key_round_trips(void **state) {
    static const char *const texts[] = {
        "matmul m=1 n=1 k=1",
        "matmul m=128 n=3072 k=768 lda=800 post=bias,relu const=b",
        "conv2d c=3 h=224 w=224 k=64 r=7 s=7 stride=2 pad=3",
        "conv2d n=2 c=8 h=5 w=6 k=12 r=3 s=3 pad=1x0 groups=4 layout=nhwc post=add const=none",
        "conv2d c=20 h=5 w=6 k=12 r=3 s=3 layout=\"n c/16 h w c%16\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        struct task *task, *again;
        if (task_create_text(texts[i], "x86-avx512", 2, &task, &error) != DLT_OK)
            fail_msg("%s: %s", texts[i], error.message);
        if (task_create_key(task->key, &again, &error) != DLT_OK)
            fail_msg("%s: %s", task->key, error.message);
        assert_string_equal(task->key, again->key);
        assert_string_equal(task->workload, again->workload);
        assert_string_equal(again->target, "x86-avx512");
        assert_int_equal(again->threads, 2);
        assert_true(strstr(task->key, " target=x86-avx512 threads=2"));
        task_free(task);
        task_free(again);
    }
}

static void target_and_threads_are_checked(void **state) {
    struct error error = {0};
    struct task *task;
    (void)state;
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     task_create_text("matmul m=1 n=1 k=1", "native", 1, &task, &error));
    assert_non_null(strstr(error.message, "target: 'native'"));
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     task_create_text("matmul m=1 n=1 k=1", NULL, 1, &task, &error));
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     task_create_text("matmul m=1 n=1 k=1", "c", 0, &task, &error));
    assert_non_null(strstr(error.message, "threads: 0 is not a number from 1"));
    assert_int_equal(DLT_ERROR_ARGUMENT, task_create_key("matmul m=1 n=1 k=1", &task, &error));
    assert_non_null(strstr(error.message, "target= is missing"));
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     task_create_key("matmul m=1 n=1 k=1 target=c", &task, &error));
    assert_non_null(strstr(error.message, "threads= is missing"));
    assert_int_equal(DLT_ERROR_ARGUMENT,
                     task_create_key("matmul m=1 n=1 k=1 target=c threads=2x", &task, &error));
    assert_null(task);
}

static void task_counts_operations(void **state) {
    struct error error = {0};
    struct task *task;
    (void)state;
    assert_int_equal(DLT_OK,
                     task_create_text("matmul m=7 n=13 k=29 count=5", "c", 1, &task, &error));
    assert_int_equal(task->count, 5);
    assert_float_equal(task->operations, 2.0 * 7 * 13 * 29, 7 * 13);
    assert_float_equal(task->nominal_operations, task->operations, 0);
    task_free(task);
    assert_int_equal(
        DLT_OK, task_create_text("conv2d c=4 h=5 w=5 k=6 r=3 s=3 pad=1", "c", 1, &task, &error));
    assert_true(task->operations < task->nominal_operations);
    /* 13 of 15 taps of each direction are inside the image */
    assert_float_equal(task->operations / task->nominal_operations, 13.0 * 13 / (15 * 15), 0.01);
    task_free(task);
}

static bool parses_within(size_t limit) {
    struct arena arena;
    struct workload workload;
    arena_initialise(&arena);
    arena.limit = limit;
    if (arena_recover(&arena)) {
        arena_free(&arena);
        return false;
    }
    assert_int_equal(DLT_OK, workload_parse(&arena, "matmul m=1 n=1 k=1", &workload, NULL));
    arena_free(&arena);
    return true;
}

/* Starving the arena at every allocation in turn: nothing is lost on the way out. */
static void workload_survives_want_of_memory(void **state) {
    size_t limit = 16;
    (void)state;
    assert_false(parses_within(limit));
    while (!parses_within(limit))
        limit += 16;
    assert_true(limit < 1024);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workload_splits),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(equal_work_has_equal_text),
        cmocka_unit_test(key_round_trips),
        cmocka_unit_test(target_and_threads_are_checked),
        cmocka_unit_test(task_counts_operations),
        cmocka_unit_test(workload_survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
