/* Reading tasks for libraries; see problem.h. */
#include "bench/problem.h"

#include <stdlib.h>
#include <string.h>

static const char *value_of(const struct workload *workload, const char *key,
                            const char *standard) {
    for (int i = 0; i < workload->argument_count; i++)
        if (!strcmp(workload->arguments[i].key, key))
            return workload->arguments[i].value;
    return standard;
}

/* Canonical text is well formed: "2", or "2x1". */
static void read_pair(const char *text, int64_t pair[2]) {
    char *end;
    pair[0] = pair[1] = strtoll(text, &end, 10);
    if (*end == 'x')
        pair[1] = strtoll(end + 1, NULL, 10);
}

/* A pair, or "top,left,bottom,right". */
static void read_pads(const char *text, int64_t before[2], int64_t after[2]) {
    int64_t pads[4];
    char *end = (char *)text;
    if (!strchr(text, ',')) {
        read_pair(text, before);
        memcpy(after, before, 2 * sizeof *after);
        return;
    }
    for (int i = 0; i < 4; i++)
        pads[i] = strtoll(i ? end + 1 : end, &end, 10);
    memcpy(before, pads, 2 * sizeof *before);
    memcpy(after, pads + 2, 2 * sizeof *after);
}

/* "bias,relu", or "none". */
static dlt_status read_steps(const char *text, struct problem *problem, struct error *error) {
    static const char *const names[] = {"bias", "add", "relu"};
    if (!strcmp(text, "none"))
        return DLT_OK;
    while (*text) {
        size_t length = strcspn(text, ",");
        int step = 0;
        while (step < 3 && (strlen(names[step]) != length || memcmp(names[step], text, length)))
            step++;
        if (step == 3 || problem->step_count == MAX_PROBLEM_STEPS)
            return error_set(error, DLT_ERROR_REFUSED, "post: no library is asked for '%.*s'",
                             (int)length, text);
        problem->steps[problem->step_count++] = (enum problem_step)step;
        text += length + (text[length] == ',');
    }
    return DLT_OK;
}

static void set_tensor(struct problem *problem, enum problem_part part, const char *name,
                       const void *const *data) {
    const struct expression *expression = problem->task->expression;
    for (int t = 0; t < expression->tensor_count; t++)
        if (!strcmp(expression->tensors[t]->name, name)) {
            problem->tensors[part] = expression->tensors[t];
            problem->data[part] = data[t];
        }
}

static void read_tensors(struct problem *problem, const char *source, const char *weights,
                         const void *const *data) {
    set_tensor(problem, PART_SOURCE, source, data);
    set_tensor(problem, PART_WEIGHTS, weights, data);
    set_tensor(problem, PART_BIAS, "bias", data);
    set_tensor(problem, PART_RESIDUAL, "residual", data);
    problem->tensors[PART_OUTPUT] = expression_result(problem->task->expression);
}

static int64_t extent(const struct problem *problem, enum problem_part part, int axis) {
    return problem->tensors[part]->axes[axis]->extent;
}

static void read_convolution(struct problem *problem, const struct workload *workload) {
    const char *layout = value_of(workload, "layout", "nchw");
    int64_t more[2];
    problem->images = extent(problem, PART_SOURCE, 0);
    problem->channels = extent(problem, PART_SOURCE, 1);
    problem->filters = extent(problem, PART_OUTPUT, 1);
    for (int i = 0; i < 2; i++) {
        problem->size[i] = extent(problem, PART_SOURCE, 2 + i);
        problem->taps[i] = extent(problem, PART_WEIGHTS, 2 + i);
        problem->outputs[i] = extent(problem, PART_OUTPUT, 2 + i);
    }
    problem->groups = strtoll(value_of(workload, "groups", "1"), NULL, 10);
    read_pair(value_of(workload, "stride", "1"), problem->stride);
    read_pair(value_of(workload, "dilation", "1"), problem->dilation);
    read_pads(value_of(workload, "pad", "0"), problem->before, problem->after);
    read_pair(value_of(workload, "output_padding", "0"), more);
    for (int i = 0; i < 2; i++)
        problem->after[i] -= more[i];
    problem->free_layout = strcmp(layout, "nchw") && strcmp(layout, "nhwc");
}

static void read_matmul(struct problem *problem) {
    int rows = problem->kind == PROBLEM_BATCH_MATMUL;
    problem->batch = rows ? extent(problem, PART_SOURCE, 0) : 1;
    problem->m = extent(problem, PART_SOURCE, rows);
    problem->k = extent(problem, PART_SOURCE, rows + 1);
    problem->n = extent(problem, PART_WEIGHTS, rows + 1);
}

/* A library is given the same numbers in single precision, nothing else. */
static dlt_status check_types(const struct problem *problem, struct error *error) {
    for (int part = 0; part < PART_COUNT; part++)
        if (problem->tensors[part] && problem->tensors[part]->type != TYPE_F32)
            return error_set(error, DLT_ERROR_REFUSED, "dtype: libraries are compared in f32 only");
    return DLT_OK;
}

/* The operators that libraries have, by kind. */
static const char *const operator_names[] = {
    [PROBLEM_CONVOLUTION] = "conv2d",
    [PROBLEM_TRANSPOSED] = "conv2d_transpose",
    [PROBLEM_MATMUL] = "matmul",
    [PROBLEM_BATCH_MATMUL] = "batch_matmul",
};

enum {
    KIND_COUNT = sizeof operator_names / sizeof operator_names[0]
};

static dlt_status read_workload(struct problem *problem, const struct workload *workload,
                                const void *const *data, struct error *error) {
    int kind = 0;
    while (kind < KIND_COUNT && strcmp(workload->operator_name, operator_names[kind]) != 0)
        kind++;
    if (kind == KIND_COUNT)
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s: libraries are compared on convolutions and matrix products only",
                         workload->operator_name);
    problem->kind = (enum problem_kind)kind;
    if (strcmp(value_of(workload, "accumulate", "0"), "0"))
        return error_set(error, DLT_ERROR_REFUSED, "accumulate: libraries are compared without");
    if (kind == PROBLEM_CONVOLUTION || kind == PROBLEM_TRANSPOSED) {
        read_tensors(problem, "x", "weight", data);
        read_convolution(problem, workload);
    } else {
        read_tensors(problem, "a", "b", data);
        read_matmul(problem);
    }
    TRY(check_types(problem, error));
    return read_steps(value_of(workload, "post", "none"), problem, error);
}

dlt_status problem_read(const struct task *task, const void *const *data, void *output,
                        struct problem *problem, struct error *error) {
    struct workload workload;
    struct arena arena;
    dlt_status status;
    *problem = (struct problem){.task = task, .output = output};
    arena_initialise(&arena);
    if (arena_recover(&arena)) {
        arena_free(&arena);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    status = workload_parse(&arena, task->workload, &workload, error);
    if (status == DLT_OK)
        status = read_workload(problem, &workload, data, error);
    arena_free(&arena);
    return status;
}

bool problem_is_parameter(const struct problem *problem, enum problem_part part) {
    return problem->tensors[part] && problem->tensors[part]->kind == TENSOR_PARAMETER;
}

bool problem_strides(const struct tensor *tensor, int64_t *strides) {
    const struct layout *layout = &tensor->layout;
    if (layout->dimension_count != tensor->rank)
        return false;
    for (int i = 0; i < layout->dimension_count; i++) {
        if (layout->dimensions[i].divisor != 1 || layout->dimensions[i].modulus)
            return false;
        strides[layout->dimensions[i].axis] = layout->dimensions[i].stride;
    }
    return true;
}

bool problem_is_dense(const struct tensor *tensor, const int *order) {
    int64_t strides[MAX_RANK], expected = 1;
    if (!problem_strides(tensor, strides))
        return false;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        int64_t extent = tensor->axes[order[i]]->extent;
        if (extent > 1 && strides[order[i]] != expected)
            return false;
        expected *= extent;
    }
    return true;
}

dlt_status problem_simple_epilogue(const struct problem *problem, struct simple_epilogue *epilogue,
                                   struct error *error) {
    *epilogue = (struct simple_epilogue){false, false};
    for (int i = 0; i < problem->step_count; i++) {
        if (problem->steps[i] == STEP_BIAS && i == 0)
            epilogue->bias = true;
        else if (problem->steps[i] == STEP_RELU && i + 1 == problem->step_count)
            epilogue->relu = true;
        else
            return error_set(error, DLT_ERROR_REFUSED,
                             "post: it has no other epilogue than bias, then relu");
    }
    return DLT_OK;
}
