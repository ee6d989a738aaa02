/* Tasks of expressions that no operator makes: their keys bring them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "te/task.h"

#include <stdlib.h>
#include <string.h>

#define TEXT                                                                                       \
    "expression text='input a[m=4, k=3] f32 variable layout k m; input b[k=3, n=5] f32 parameter;" \
    " c[m=4, n=5] f32 = sum(k=3) a[m, k] * b[k, n]; d[m=4, n=5] f32 = max(c[m, n], 0)'"

static struct error error;

static struct task *make(const char *text) {
    struct task *task;
    if (task_create_text(text, "c", 1, &task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return task;
}

static void keys_bring_tasks_back(void **state) {
    struct task *task = make(TEXT), *again;
    struct text first = {0}, second = {0};
    (void)state;
    assert_null(strchr(task->key, '\n'));
    if (task_create_key(task->key, &again, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_string_equal(again->key, task->key);
    assert_string_equal(again->identifier, task->identifier);
    assert_memory_equal(task->identifier, "expression_d_", strlen("expression_d_"));
    expression_print(&first, task->expression);
    expression_print(&second, again->expression);
    assert_string_equal(text_string(&first), text_string(&second));
    assert_non_null(strstr(text_string(&first), "layout k m"));
    assert_true(task->operations == 4 * 5 * (2 * 3 + 1));
    text_free(&first);
    text_free(&second);
    task_free(task);
    task_free(again);
}

static void equal_work_has_one_key(void **state) {
    struct task *task = make("expression text='a[i=4] f32 = 1'");
    struct task *other = make("expression text=\"a[ i=4 ]  f32\t=;1.0\"");
    (void)state;
    assert_string_equal(task->key, other->key);
    task_free(task);
    task_free(other);
}

/* ';' stands between tensors and nowhere else; the older text, with ';' for every line end, gives
 * the same key and the same exported name. */
static void keys_have_one_separator(void **state) {
    static const char text[] = "text=\"input a[m=4, k=3] f32 variable layout k m; "
                               "input b[k=3, n=5] f32 parameter; "
                               "c[m=4, n=5] f32 = sum(k=3) a[m, k] * b[k, n]; "
                               "d[m=4, n=5] f32 = max(c[m, n], 0)\"";
    struct task *task = make(TEXT);
    struct task *older = make("expression text='input a[m=4, k=3] f32 variable layout k m; "
                              "input b[k=3, n=5] f32 parameter; c[m=4, n=5] f32 = sum(k=3); "
                              "a[m, k] * b[k, n]; d[m=4, n=5] f32 = max(c[m, n], 0)'");
    (void)state;
    assert_non_null(strstr(task->key, text));
    assert_string_equal(older->key, task->key);
    assert_string_equal(older->identifier, task->identifier);
    task_free(task);
    task_free(older);
}

static void refused(const char *text, const char *words) {
    struct task *task;
    assert_int_equal(task_create_text(text, "c", 1, &task, &error), DLT_ERROR_ARGUMENT);
    if (!strstr(error.message, words))
        fail_msg("'%s' is not in '%s'", words, error.message);
}

static void what_is_no_expression_is_refused(void **state) {
    (void)state;
    refused("expression", "text: missing");
    refused("expression text='a[i=4] f32'", "line 1, column 11: expected '='");
    refused("expression text='input a[i=4] f32 variable;b[i=4] f32 = a[i+1]'", "a");
    refused("expression text=\"it's\"", "text: has a quote");
    refused("expression test='a[i=4] f32 = 1'", "unknown key 'test'");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_bring_tasks_back),
                                       cmocka_unit_test(equal_work_has_one_key),
                                       cmocka_unit_test(keys_have_one_separator),
                                       cmocka_unit_test(what_is_no_expression_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
