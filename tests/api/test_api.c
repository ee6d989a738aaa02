/* Expressions, tasks, schedules and tuning as a program uses them, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dltune/dltune.h"
#include "dltune/schedule.h"
#include "dltune/tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MATMUL                                                                                     \
    "input a[m=6, k=5] f32 variable\n"                                                             \
    "input b[k=5, n=7] f32 parameter\n"                                                            \
    "c[m=6, n=7] f32 = sum(k=5)\n"                                                                 \
    "    a[m, k] * b[k, n]\n"

static void says(const void *handle, const char *words) {
    if (!strstr(dlt_error(handle), words))
        fail_msg("'%s' is not in '%s'", words, dlt_error(handle));
}

static dlt_expression *new_expression(void) {
    dlt_expression *e;
    assert_int_equal(dlt_expression_create(&e), DLT_OK);
    return e;
}

static const dlt_index *index_of(dlt_expression *e, const dlt_axis *axis) {
    return dlt_index_axis(e, axis);
}

/* The product of MATMUL by calls. */
static dlt_expression *build_matmul(void) {
    dlt_expression *e = new_expression();
    const dlt_axis *a_axes[] = {dlt_make_axis(e, "m", 6), dlt_make_axis(e, "k", 5)};
    const dlt_axis *b_axes[] = {dlt_make_axis(e, "k", 5), dlt_make_axis(e, "n", 7)};
    const dlt_axis *c_axes[] = {dlt_make_axis(e, "m", 6), dlt_make_axis(e, "n", 7)};
    const dlt_axis *k = dlt_make_axis(e, "k", 5);
    const dlt_tensor *a = dlt_make_input(e, DLT_VARIABLE, "a", DLT_F32, 2, a_axes);
    const dlt_tensor *b = dlt_make_input(e, DLT_PARAMETER, "b", DLT_F32, 2, b_axes);
    const dlt_index *mk[] = {index_of(e, c_axes[0]), index_of(e, k)};
    const dlt_index *kn[] = {index_of(e, k), index_of(e, c_axes[1])};
    const dlt_value *factors[] = {dlt_read(e, a, 2, mk), dlt_read(e, b, 2, kn)};
    dlt_make_computed(e, "c", 2, c_axes, DLT_SUM, 1, &k, dlt_apply(e, "*", 2, factors));
    return e;
}

static void calls_say_what_accumulates(void **state) {
    dlt_expression *e = new_expression();
    const dlt_axis *x_axis = dlt_make_axis(e, "i", 4), *y_axis = dlt_make_axis(e, "i", 4);
    const dlt_axis *k = dlt_make_axis(e, "i", 4);
    const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", DLT_F32, 1, &x_axis), *y;
    const dlt_index *at_y = dlt_index_axis(e, y_axis), *at_k = dlt_index_axis(e, k);
    const dlt_value *terms[] = {dlt_previous(e, DLT_F32), dlt_read(e, x, 1, &at_y)};
    (void)state;
    dlt_make_computed(e, "y", 1, &y_axis, DLT_NONE, 0, NULL, dlt_apply(e, "+", 2, terms));
    assert_int_equal(dlt_expression_check(e), DLT_OK);
    assert_string_equal(dlt_expression_text(e), "input x[i=4] f32 variable\n"
                                                "y[i=4] f32 = previous + x[i]\n");
    y = dlt_make_computed(e, "z", 0, NULL, DLT_SUM, 1, &k, dlt_read(e, x, 1, &at_k));
    assert_int_equal(dlt_set_accumulate(e, y), DLT_OK);
    assert_int_equal(dlt_expression_check(e), DLT_ERROR_ARGUMENT);
    says(e, "tensor y: its body uses previous, which only the result's may");
    assert_int_equal(dlt_set_accumulate(e, NULL), DLT_ERROR_ARGUMENT);
    dlt_expression_free(e);
}

static void calls_and_text_give_the_same(void **state) {
    dlt_expression *built = build_matmul(), *parsed;
    dlt_task *first, *second;
    (void)state;
    assert_int_equal(dlt_expression_check(built), DLT_OK);
    assert_string_equal(dlt_expression_text(built), MATMUL);
    assert_int_equal(dlt_expression_parse(MATMUL, &parsed), DLT_OK);
    assert_string_equal(dlt_expression_text(parsed), MATMUL);
    assert_int_equal(dlt_task_from_expression(built, "c", 2, &first), DLT_OK);
    assert_int_equal(dlt_task_from_expression(parsed, "c", 2, &second), DLT_OK);
    dlt_expression_free(built);
    dlt_expression_free(parsed);
    assert_string_equal(dlt_task_key(first), dlt_task_key(second));
    assert_non_null(strstr(dlt_task_key(first), "target=c threads=2"));
    assert_string_equal(dlt_task_target(first), "c");
    assert_true(dlt_task_operations(first) == 2 * 6 * 7 * 5);
    dlt_task_free(first);
    assert_int_equal(dlt_task_create(dlt_task_workload(second), "c", 2, &first), DLT_OK);
    assert_string_equal(dlt_task_key(first), dlt_task_key(second));
    dlt_task_free(first);
    dlt_task_free(second);
}

/* x[n] * factor + 1.5 by calls. */
static dlt_expression *build_scaled(dlt_type type, double factor) {
    dlt_expression *e = new_expression();
    const dlt_axis *x_axis = dlt_make_axis(e, "n", 8), *n = dlt_make_axis(e, "n", 8);
    const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", type, 1, &x_axis);
    const dlt_index *at = dlt_index_axis(e, n);
    const dlt_value *factors[] = {dlt_read(e, x, 1, &at), dlt_constant(e, type, factor)};
    const dlt_value *terms[] = {dlt_apply(e, "*", 2, factors), dlt_constant(e, type, 1.5)};
    dlt_make_computed(e, "y", 1, &n, DLT_NONE, 0, NULL, dlt_apply(e, "+", 2, terms));
    return e;
}

/* The number as it is written gives the same text and key as the number itself. */
static void same_number(dlt_type type, double factor, const char *written, const char *printed) {
    const char *name = type == DLT_F32 ? "f32" : "f64";
    dlt_expression *built = build_scaled(type, factor), *parsed;
    dlt_task *first, *second;
    char text[256], expected[256];
    snprintf(text, sizeof text, "input x[n=8] %s variable; y[n=8] %s = x[n] * %s + 1.5", name, name,
             written);
    snprintf(expected, sizeof expected, "input x[n=8] %s variable\ny[n=8] %s = x[n] * %s + 1.5\n",
             name, name, printed);
    if (dlt_expression_parse(text, &parsed) != DLT_OK)
        fail_msg("%s: %s", text, dlt_error(parsed));
    assert_string_equal(dlt_expression_text(built), expected);
    assert_string_equal(dlt_expression_text(parsed), expected);
    assert_int_equal(dlt_task_from_expression(built, "c", 1, &first), DLT_OK);
    assert_int_equal(dlt_task_from_expression(parsed, "c", 1, &second), DLT_OK);
    assert_string_equal(dlt_task_key(first), dlt_task_key(second));
    dlt_task_free(first);
    assert_int_equal(dlt_task_create(dlt_task_workload(second), "c", 1, &first), DLT_OK);
    assert_string_equal(dlt_task_key(first), dlt_task_key(second));
    dlt_task_free(first);
    dlt_task_free(second);
    dlt_expression_free(built);
    dlt_expression_free(parsed);
}

static void numbers_and_their_text_are_the_same(void **state) {
    (void)state;
    same_number(DLT_F32, 0.25, ".25", "0.25");
    same_number(DLT_F32, 0.1, "0.1", "0.1");
    same_number(DLT_F32, (double)0.1f, "0.1", "0.1");
    same_number(DLT_F32, 1 / 3.0f, "0.33333334", "0.33333334");
    same_number(DLT_F32, 1 / 3.0, "0.3333333333333333", "0.3333333333333333");
    same_number(DLT_F32, 16777216, "16777216", "16777216");
    same_number(DLT_F32, -0.0, "-0", "-0");
    same_number(DLT_F32, 0x1p-149, "1.4e-45", "1e-45");
    same_number(DLT_F32, NAN, "nan", "nan");
    same_number(DLT_F32, -NAN, "-nan", "nan");
    same_number(DLT_F32, -INFINITY, "-inf", "-inf");
    same_number(DLT_F64, 0.1, "0.1", "0.1");
    same_number(DLT_F64, (double)0.1f, "0.10000000149011612", "0.10000000149011612");
    same_number(DLT_F64, 0x1p-1074, "4.94e-324", "5e-324");
    same_number(DLT_F64, 0.1 + 0.2, "0.30000000000000004", "0.30000000000000004");
}

/* Everything else that a body may hold: indices of all kinds, selects, conversions. */
static void every_node_prints(void **state) {
    dlt_expression *e = new_expression();
    const dlt_axis *x_axis = dlt_make_axis(e, "i", 9), *i = dlt_make_axis(e, "i", 12);
    const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", DLT_S8, 1, &x_axis);
    const dlt_index *shifted =
        dlt_index_subtract(e, dlt_index_axis(e, i), dlt_index_constant(e, 2));
    const dlt_index *inside[] = {shifted, dlt_index_subtract(e, dlt_index_constant(e, 8), shifted)};
    const dlt_index *mixed =
        dlt_index_add(e, dlt_index_scale(e, dlt_index_remainder(e, dlt_index_axis(e, i), 5), 3),
                      dlt_index_divide(e, dlt_index_axis(e, i), 4));
    const dlt_value *read = dlt_convert(e, DLT_F32, dlt_read(e, x, 1, &shifted));
    const dlt_value *chosen = dlt_select(e, 2, inside, read, dlt_constant(e, DLT_F32, 0.5));
    const dlt_value *terms[] = {chosen, dlt_index_value(e, DLT_F32, mixed)};
    const dlt_value *sum = dlt_apply(e, "+", 2, terms);
    const dlt_value *less[] = {sum, dlt_constant(e, DLT_F32, 1), dlt_apply(e, "exp", 1, &sum), sum};
    const dlt_tensor *y =
        dlt_make_computed(e, "y", 1, &i, DLT_NONE, 0, NULL, dlt_apply(e, "select_less", 4, less));
    dlt_expression *again;
    (void)state;
    assert_int_equal(dlt_set_layout(e, y, "i/4 i%4"), DLT_OK);
    if (dlt_expression_check(e) != DLT_OK)
        fail_msg("%s", dlt_error(e));
    if (dlt_expression_parse(dlt_expression_text(e), &again) != DLT_OK)
        fail_msg("%s\n%s", dlt_expression_text(e), dlt_error(again));
    assert_string_equal(dlt_expression_text(again), dlt_expression_text(e));
    dlt_expression_free(again);
    dlt_expression_free(e);
}

static void the_first_failure_is_kept(void **state) {
    dlt_expression *e = new_expression();
    const dlt_axis *i = dlt_make_axis(e, "i", 4);
    const dlt_value *one = dlt_constant(e, DLT_F32, 1), *two[] = {one, dlt_constant(e, DLT_F64, 1)};
    (void)state;
    assert_null(dlt_apply(e, "+", 2, two));
    says(e, "+: operands of types f32 and f64");
    assert_null(dlt_apply(e, "exp", 1, &one));
    assert_null(dlt_make_computed(e, "y", 1, &i, DLT_NONE, 0, NULL, one));
    assert_int_equal(dlt_expression_check(e), DLT_ERROR_ARGUMENT);
    says(e, "+: operands of types f32 and f64");
    dlt_expression_free(e);
}

#define REFUSED(words, ...)                                                                        \
    do {                                                                                           \
        dlt_expression *e = new_expression();                                                      \
        const dlt_axis *i = dlt_make_axis(e, "i", 4);                                              \
        const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", DLT_F32, 1, &i);                \
        const dlt_index *at[] = {dlt_index_axis(e, i), dlt_index_constant(e, 1)};                  \
        const dlt_value *one = dlt_constant(e, DLT_F32, 1);                                        \
        assert_true(i &&x &&at[0] && at[1] && one);                                                \
        assert_null(__VA_ARGS__);                                                                  \
        says(e, words);                                                                            \
        assert_int_equal(dlt_expression_check(e), DLT_ERROR_ARGUMENT);                             \
        dlt_expression_free(e);                                                                    \
    } while (0)

static void mistakes_are_named(void **state) {
    (void)state;
    REFUSED("axis: its name", dlt_make_axis(e, "", 4));
    REFUSED("type: 99 is not one of", dlt_constant(e, (dlt_type)99, 0));
    REFUSED("tensor x: 2 subscripts, it has 1 axes", dlt_read(e, x, 2, at));
    REFUSED("tensor: is NULL or of another", dlt_read(e, NULL, 1, at));
    REFUSED("operation: 'sinh' is unknown", dlt_apply(e, "sinh", 1, &one));
    REFUSED("operation: 'select' is unknown", dlt_apply(e, "select", 1, &one));
    REFUSED("exp: 2 operands, it takes 1", dlt_apply(e, "exp", 2, (const dlt_value *[]){one, one}));
    REFUSED("operands: number 1 is NULL", dlt_apply(e, "+", 2, (const dlt_value *[]){one, NULL}));
    REFUSED("divisor: 0 is not a number from 1", dlt_index_divide(e, at[0], 0));
    REFUSED("divisor: -3", dlt_index_remainder(e, at[0], -3));
    REFUSED("index: grows beyond 2^53", dlt_index_scale(e, at[0], INT64_MAX));
    REFUSED("index: grows beyond 2^53", dlt_index_constant(e, INT64_MIN));
    REFUSED("conditions: there is none", dlt_select(e, 0, at, one, one));
    REFUSED("there is one of that name", dlt_make_input(e, DLT_VARIABLE, "x", DLT_F32, 1, &i));
    REFUSED("combiner: 17", dlt_make_computed(e, "y", 1, &i, (dlt_combiner)17, 0, NULL, one));
    REFUSED("a combiner and reduction axes come together",
            dlt_make_computed(e, "y", 1, &i, DLT_SUM, 0, NULL, one));
    REFUSED("axes: 2 of them, in an array that is NULL",
            dlt_make_computed(e, "y", 2, NULL, DLT_NONE, 0, NULL, one));
}

static void text_that_is_none_is_refused(void **state) {
    dlt_expression *e;
    dlt_task *task;
    (void)state;
    assert_int_equal(dlt_expression_parse("input a[m=6] f33 variable", &e), DLT_ERROR_ARGUMENT);
    says(e, "line 1, column 14");
    assert_string_equal(dlt_expression_text(e), "");
    assert_int_equal(dlt_task_from_expression(e, "c", 1, &task), DLT_ERROR_ARGUMENT);
    says(task, "line 1, column 14");
    assert_string_equal(dlt_task_key(task), "");
    dlt_task_free(task);
    dlt_expression_free(e);
    assert_int_equal(dlt_expression_parse(NULL, &e), DLT_ERROR_ARGUMENT);
    dlt_expression_free(e);
    assert_int_equal(dlt_task_create("matmul m=1", "c", 1, &task), DLT_ERROR_ARGUMENT);
    says(task, "n: missing");
    dlt_task_free(task);
    assert_int_equal(dlt_task_create("matmul m=1 n=1 k=1", "vax", 1, &task), DLT_ERROR_ARGUMENT);
    says(task, "vax");
    dlt_task_free(task);
    dlt_task_free(NULL);
    dlt_expression_free(NULL);
    dlt_schedule_free(NULL);
}

static dlt_task *new_task(void) {
    dlt_task *task;
    assert_int_equal(dlt_task_create("matmul m=64 n=48 k=32 const=b", "c", 2, &task), DLT_OK);
    return task;
}

static void good(dlt_schedule *schedule, dlt_status status) {
    if (status != DLT_OK)
        fail_msg("%s", dlt_error(schedule));
}

static void steps_make_a_trace(void **state) {
    static const char *const order[] = {"m.o", "n.o", "k", "m.i", "n.i"};
    dlt_task *task = new_task();
    dlt_schedule *s, *again;
    double median_us;
    (void)state;
    assert_int_equal(dlt_schedule_create(task, &s), DLT_OK);
    assert_non_null(strstr(dlt_schedule_text(s), "output"));
    good(s, dlt_split(s, "output", "m", 8, DLT_TAIL_GUARD));
    good(s, dlt_split(s, "output", "n", 16, DLT_TAIL_SHIFT));
    good(s, dlt_reorder(s, "output", 5, order));
    good(s, dlt_parallel(s, "output", "m.o"));
    good(s, dlt_unroll(s, "output", "m.i"));
    good(s, dlt_vectorize(s, "output", "n.i"));
    good(s, dlt_pack(s, "b", "n/16 k n%16"));
    good(s, dlt_pad(s, "b.packed", "n/16", 1));
    assert_non_null(strstr(dlt_trace(s), "pad b.packed n/16 1\n"));
    assert_int_equal(dlt_pad(s, "b.packed", "n", 1), DLT_ERROR_ARGUMENT);
    says(s, "n/16 k n%16");
    assert_int_equal(dlt_pad(s, "b.packed", "k", -1), DLT_ERROR_ARGUMENT);
    says(s, "lines: -1");
    good(s, dlt_step(s, "tile output k"));
    assert_int_equal(dlt_split(s, "output", "z", 8, DLT_TAIL_GUARD), DLT_ERROR_ARGUMENT);
    says(s, "z");
    assert_int_equal(dlt_split(s, "output", "k", 8, (dlt_tail)9), DLT_ERROR_ARGUMENT);
    says(s, "tail: 9");
    assert_int_equal(dlt_schedule_create(task, &again), DLT_OK);
    good(again, dlt_replay(again, dlt_trace(s)));
    assert_string_equal(dlt_trace(again), dlt_trace(s));
    if (getenv("DLTUNE_WORKER")) {
        if (dlt_measure(task, dlt_trace(s), &median_us) != DLT_OK)
            fail_msg("%s", dlt_error(task));
        assert_true(median_us > 0);
        assert_int_equal(dlt_measure(task, "frobnicate", &median_us), DLT_ERROR_REFUSED);
        says(task, "frobnicate");
    }
    dlt_schedule_free(s);
    dlt_schedule_free(again);
    assert_int_equal(dlt_schedule_default(task, &s), DLT_OK);
    assert_true(strlen(dlt_trace(s)) > 0);
    dlt_schedule_free(s);
    dlt_task_free(task);
}

static int stop_after_three(void *context, const dlt_progress *progress) {
    ++*(int *)context;
    assert_true(progress->right <= progress->trials);
    return progress->trials >= 3;
}

static void tuning_stores_and_stops(void **state) {
    char path[] = "/tmp/dltune-api-XXXXXX.db", name[64];
    dlt_task *task = new_task();
    dlt_tune_result result;
    dlt_runtime *runtime;
    dlt_kernel *kernel;
    dlt_kernel_info info;
    int calls = 0;
    dlt_tune_options options = {.trials = 50, .progress = stop_after_three, .context = &calls};
    (void)state;
    assert_int_equal(close(mkstemps(path, 3)), 0);
    if (dlt_tune(task, path, &options, &result) != DLT_OK)
        fail_msg("%s", dlt_error(task));
    assert_int_equal(result.trials, 3);
    assert_int_equal(result.stopped, 1);
    assert_true(calls >= 3);
    assert_non_null(result.schedule);
    assert_true(result.median_us > 0 && result.max_error <= 1);
    assert_int_equal(dlt_runtime_open(path, "c", &runtime), DLT_OK);
    assert_int_equal(dlt_runtime_get(runtime, dlt_task_workload(task), 2, &kernel), DLT_OK);
    dlt_kernel_describe(kernel, &info);
    assert_int_equal(info.origin, DLT_ORIGIN_EXACT);
    assert_int_equal(info.verified, 1);
    dlt_kernel_release(kernel);
    dlt_runtime_close(runtime);
    dlt_tune_result_free(&result);
    options.trials = -1;
    assert_int_equal(dlt_tune(task, path, &options, &result), DLT_ERROR_ARGUMENT);
    says(task, "trials -1");
    options = (dlt_tune_options){.strategy = "prayer"};
    assert_int_equal(dlt_tune(task, path, &options, &result), DLT_ERROR_ARGUMENT);
    says(task, "strategy: 'prayer' is unknown");
    assert_int_equal(dlt_tune(task, "/", NULL, &result), DLT_ERROR_DATABASE);
    says(task, "is a folder");
    dlt_tune_result_free(&result);
    dlt_task_free(task);
    unlink(path);
    snprintf(name, sizeof name, "%s-wal", path), unlink(name);
    snprintf(name, sizeof name, "%s-shm", path), unlink(name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_and_text_give_the_same),
        cmocka_unit_test(numbers_and_their_text_are_the_same),
        cmocka_unit_test(every_node_prints),
        cmocka_unit_test(calls_say_what_accumulates),
        cmocka_unit_test(every_node_prints),
        cmocka_unit_test(the_first_failure_is_kept),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(text_that_is_none_is_refused),
        cmocka_unit_test(steps_make_a_trace),
        cmocka_unit_test(tuning_stores_and_stops),
    };
    setenv("DLTUNE_WORKER", WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
