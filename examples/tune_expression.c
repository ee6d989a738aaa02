/* Tunes an expression that no operator of dltune has, then runs it from the database.
 *
 * Each row of x is scaled by the reciprocal of its largest magnitude: the largest magnitude is a
 * reduction, the scaling reads it. The expression is built by calls; the text that it prints could
 * be parsed instead.
 *
 *     cc tune_expression.c $(pkg-config --cflags --libs dltune-tune) -o tune_expression
 *     ./tune_expression scale.db
 *
 * dltune's own build makes the program as well. */
#include <dltune/dltune.h>
#include <dltune/schedule.h>
#include <dltune/tune.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROWS = 256,
    COLUMNS = 1000
};

static void check(dlt_status status, const void *handle) {
    if (status == DLT_OK)
        return;
    fprintf(stderr, "%s: %s\n", dlt_status_name(status), dlt_error(handle));
    exit(1);
}

/* A call that cannot make its node answers NULL, and so does what is made of NULL: looking once, at
 * the end, is enough. */
static void build(dlt_expression *e) {
    const dlt_axis *x_axes[] = {dlt_make_axis(e, "row", ROWS), dlt_make_axis(e, "column", COLUMNS)};
    const dlt_axis *row = dlt_make_axis(e, "row", ROWS),
                   *column = dlt_make_axis(e, "column", COLUMNS);
    const dlt_axis *y_axes[] = {dlt_make_axis(e, "row", ROWS), dlt_make_axis(e, "column", COLUMNS)};
    const dlt_tensor *x = dlt_make_input(e, DLT_VARIABLE, "x", DLT_F32, 2, x_axes);

    const dlt_index *place[] = {dlt_index_axis(e, row), dlt_index_axis(e, column)};
    const dlt_value *element = dlt_read(e, x, 2, place);
    const dlt_value *magnitude = dlt_apply(e, "abs", 1, &element);
    const dlt_tensor *largest =
        dlt_make_computed(e, "largest", 1, &row, DLT_MAXIMUM, 1, &column, magnitude);

    const dlt_index *y_place[] = {dlt_index_axis(e, y_axes[0]), dlt_index_axis(e, y_axes[1])};
    const dlt_value *quotient[] = {dlt_read(e, x, 2, y_place), dlt_read(e, largest, 1, y_place)};
    dlt_make_computed(e, "y", 2, y_axes, DLT_NONE, 0, NULL, dlt_apply(e, "/", 2, quotient));
    check(dlt_expression_check(e), e);
}

static int show(void *context, const dlt_progress *progress) {
    (void)context;
    if (progress->trials % 16 == 0)
        printf("%4lld trials, best %.2f us\n", (long long)progress->trials, progress->best_us);
    return 0; /* go on */
}

static void tune(const dlt_task *task, const char *database) {
    const dlt_tune_options options = {.trials = 48, .progress = show};
    dlt_tune_result result;
    check(dlt_tune(task, database, &options, &result), task);
    if (!result.schedule) {
        fputs("no candidate was right\n", stderr);
        exit(1);
    }
    printf("%.2f us a call, by the schedule\n%s", result.median_us, result.schedule);
    dlt_tune_result_free(&result);
}

static DLTensor tensor(float *data, int64_t *shape) {
    return (DLTensor){
        .data = data, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = shape};
}

static int is_right(float (*x)[COLUMNS], float (*y)[COLUMNS]) {
    for (int row = 0; row < ROWS; row++) {
        float largest = 0;
        for (int column = 0; column < COLUMNS; column++)
            largest = fmaxf(largest, fabsf(x[row][column]));
        for (int column = 0; column < COLUMNS; column++)
            if (!(fabsf(y[row][column] - x[row][column] / largest) < 1e-6f))
                return 0;
    }
    return 1;
}

static int run(const char *workload, const char *database) {
    static float x[ROWS][COLUMNS], y[ROWS][COLUMNS];
    int64_t shape[2] = {ROWS, COLUMNS};
    DLTensor input = tensor(&x[0][0], shape), output = tensor(&y[0][0], shape);
    DLTensor *inputs[] = {&input};
    dlt_runtime *runtime;
    dlt_kernel *kernel;
    dlt_kernel_info info;
    dlt_status status = dlt_runtime_open(database, NULL, &runtime);
    check(status, runtime);
    check(dlt_runtime_get(runtime, workload, 1, &kernel), runtime);
    dlt_kernel_describe(kernel, &info);
    void *workspace = aligned_alloc(DLT_ALIGNMENT, (info.workspace_bytes / 64 + 1) * 64);
    if (!workspace) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    for (int i = 0; i < ROWS * COLUMNS; i++)
        x[i / COLUMNS][i % COLUMNS] = (float)(i * 37 % 1001) - 500.25f;
    check(dlt_kernel_run(kernel, inputs, &output, NULL, workspace, NULL), kernel);
    printf("the %s kernel is %s\n", dlt_origin_name(info.origin),
           is_right(x, y) ? "right" : "WRONG");
    free(workspace);
    dlt_kernel_release(kernel);
    dlt_runtime_close(runtime);
    return is_right(x, y);
}

int main(int argument_count, char **arguments) {
    const char *database = argument_count > 1 ? arguments[1] : "scale.db";
    dlt_expression *expression;
    dlt_task *task;
    dlt_status status;
    int right;
    /* In two steps: which of a call's arguments is evaluated first is open. */
    status = dlt_expression_create(&expression);
    check(status, expression);
    build(expression);
    printf("%s", dlt_expression_text(expression));
    status = dlt_task_from_expression(expression, NULL, 1, &task);
    check(status, task);
    tune(task, database);
    right = run(dlt_task_workload(task), database);
    dlt_task_free(task);
    dlt_expression_free(expression);
    return !right;
}
