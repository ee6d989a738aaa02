/* Texts with `any`: the workloads that they stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/alternatives.h"

#include <string.h>

#define CONV "conv2d n=1 c=16 h=6 w=6 k=32 r=3 s=3"

static void open_text(const char *text, struct alternatives *alternatives) {
    struct error error = {.status = DLT_OK};
    if (alternatives_create(text, alternatives, &error) != DLT_OK)
        fail_msg("%s: %s", text, error.message);
}

/* The layouts of the alternatives, with blanks between them; nchw, as the default, is "". */
static void has_layouts(const char *text, const char *expected) {
    struct alternatives alternatives;
    char got[512] = "";
    open_text(text, &alternatives);
    for (int i = 0; i < alternatives.count; i++) {
        const char *layout = strstr(alternatives.texts[i], "layout=");
        int length = layout ? (int)strcspn(layout + 7, " ") : 4;
        strcat(got, i ? " " : "");
        strncat(got, layout ? layout + 7 : "nchw", (size_t)length);
    }
    assert_string_equal(got, expected);
    alternatives_free(&alternatives);
}

static void stands_for_several(void **state) {
    struct alternatives alternatives;
    (void)state;
    open_text("conv2d layout=any k=32 r=3 s=3 c=16 w=6 h=6 post=relu count=3", &alternatives);
    assert_string_equal(alternatives.workload, CONV " layout=any post=relu");
    assert_int_equal(alternatives.calls, 3);
    assert_int_equal(alternatives.count, 4);
    assert_string_equal(alternatives.texts[0], CONV " post=relu");
    assert_string_equal(alternatives.texts[1], CONV " layout=nhwc post=relu");
    assert_string_equal(alternatives.texts[2], CONV " layout=n,c/8,h,w,c%8 post=relu");
    assert_string_equal(alternatives.texts[3], CONV " layout=n,c/16,h,w,c%16 post=relu");
    alternatives_free(&alternatives);
}

static void without_choice_it_is_itself(void **state) {
    struct alternatives alternatives;
    (void)state;
    open_text("matmul k=3 m=5 n=7 count=2", &alternatives);
    assert_int_equal(alternatives.count, 1);
    assert_int_equal(alternatives.calls, 2);
    assert_string_equal(alternatives.workload, "matmul m=5 n=7 k=3");
    assert_string_equal(alternatives.texts[0], "matmul m=5 n=7 k=3");
    alternatives_free(&alternatives);
}

static void layouts_that_pad_are_left_out(void **state) {
    (void)state;
    has_layouts("conv2d c=3 h=8 w=8 k=64 r=3 s=3 layout=any", "nchw nhwc");
    has_layouts("conv2d c=24 h=8 w=8 k=8 r=3 s=3 layout=any", "nchw nhwc n,c/8,h,w,c%8");
    has_layouts("conv2d c=16 h=8 w=8 k=17 r=3 s=3 layout=any", "nchw nhwc");
    has_layouts("conv2d c=32 h=8 w=8 k=32 r=3 s=3 groups=32 layout=any",
                "nchw nhwc n,c/8,h,w,c%8 n,c/16,h,w,c%16");
}

static void refused(const char *text, dlt_status status, const char *part) {
    struct alternatives alternatives;
    struct error error = {.status = DLT_OK};
    dlt_status got = alternatives_create(text, &alternatives, &error);
    if (got != status || !strstr(error.message, part))
        fail_msg("'%s': status %d, message '%s'; expected %d with '%s'", text, got, error.message,
                 status, part);
    alternatives_free(&alternatives);
    assert_int_equal(alternatives_create(text, &alternatives, NULL), status);
    alternatives_free(&alternatives);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    refused("", DLT_ERROR_ARGUMENT, "empty");
    refused("dot layout=any", DLT_ERROR_ARGUMENT, "operator: 'dot' is unknown");
    refused("conv2d c=0 h=8 w=8 k=8 r=3 s=3 layout=any", DLT_ERROR_ARGUMENT, "c: '0'");
    refused("conv2d c=8 h=8 w=8 k=8 r=3 s=3 stride=any", DLT_ERROR_ARGUMENT, "stride: 'any'");
    refused("matmul m=5 n=7 k=3 layout=any", DLT_ERROR_ARGUMENT, "unknown key 'layout'");
}

/* A task has one layout: a text with `any` is none, nor is such a key. */
static void is_no_task(void **state) {
    struct error error;
    struct task *task;
    (void)state;
    assert_int_equal(task_create_text(CONV " layout=any", "c", 1, &task, &error),
                     DLT_ERROR_ARGUMENT);
    assert_non_null(strstr(error.message, "one is needed here; it may be one of: nchw nhwc n,c/8"));
    assert_int_equal(task_create_key(CONV " layout=any target=c threads=1", &task, &error),
                     DLT_ERROR_ARGUMENT);
    assert_null(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stands_for_several),
        cmocka_unit_test(without_choice_it_is_itself),
        cmocka_unit_test(layouts_that_pad_are_left_out),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(is_no_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
