/* The workload of tensors as they lie: a workload's expression, with the layouts that the strides
 * of DLTensors tell, as a workload of its own. See runtime.h.
 *
 * Strides are a layout where each is a multiple of the one inside of it: then what is between two
 * rows is a part of the inner axis that no index needs, `m k:1040`. */
#include "runtime/runtime.h"
#include "te/alternatives.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static dlt_status check_shape(const struct tensor *tensor, const DLTensor *given,
                              struct error *error) {
    if (given->ndim != tensor->rank)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: has %d axes, the workload's has %d",
                         tensor->name, given->ndim, tensor->rank);
    if (tensor->rank && !given->shape)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: its shape is NULL", tensor->name);
    for (int i = 0; i < tensor->rank; i++)
        if (given->shape[i] != tensor->axes[i]->extent)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s: axis %s is %" PRId64 ", the workload's is %" PRId64, tensor->name,
                             tensor->axes[i]->name, given->shape[i], tensor->axes[i]->extent);
    return DLT_OK;
}

/* The axes from the outermost to the innermost; those of one element, whose strides mean nothing,
 * come first. */
static void order_axes(const DLTensor *given, int *order) {
    for (int i = 0; i < given->ndim; i++) {
        int place = i;
        while (place > 0 && given->shape[i] == 1 && given->shape[order[place - 1]] > 1) {
            order[place] = order[place - 1];
            place--;
        }
        while (place > 0 && given->shape[i] > 1 && given->shape[order[place - 1]] > 1 &&
               given->strides[order[place - 1]] < given->strides[i]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = i;
    }
}

/* What lies between two elements, of which an axis of one element inside of them may be a part. */
static bool fill_gap(const DLTensor *given, int *order, int64_t *extents, int64_t gap) {
    int axis = given->ndim ? order[0] : -1;
    if (axis < 0 || given->shape[axis] != 1)
        return false;
    memmove(order, order + 1, sizeof *order * (size_t)(given->ndim - 1));
    order[given->ndim - 1] = axis;
    extents[axis] = gap;
    return true;
}

/* How long each axis is in memory: up to where the axis outside of it goes on. */
static dlt_status measure_axes(const struct tensor *tensor, const DLTensor *given, int *order,
                               int64_t *extents, struct error *error) {
    int64_t outer = 0; /* stride of the axis outside; 0: there is none */
    const char *outer_name = "";
    for (int i = 0; i < tensor->rank; i++) {
        int axis = order[i];
        const char *name = tensor->axes[axis]->name;
        int64_t stride = given->strides[axis];
        extents[axis] = given->shape[axis];
        if (given->shape[axis] == 1)
            continue;
        if (stride < 1 || stride > MAX_ELEMENTS)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s: the stride of axis %s is %" PRId64
                             ", not a number from 1 to %lld",
                             tensor->name, name, stride, (long long)MAX_ELEMENTS);
        if (outer && (outer % stride || outer / stride < given->shape[axis]))
            return error_set(
                error, DLT_ERROR_ARGUMENT,
                "%s: the stride of axis %s is %" PRId64 ", which is no multiple of the "
                "%" PRId64 " of axis %s inside of it with room for its %" PRId64 " elements",
                tensor->name, outer_name, outer, stride, name, given->shape[axis]);
        if (outer)
            extents[axis] = outer / stride;
        outer = stride;
        outer_name = name;
    }
    if (outer > 1 && !fill_gap(given, order, extents, outer))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s: its innermost axis, %s, has the stride %" PRId64
                         "; it must be dense, "
                         "1",
                         tensor->name, outer_name, outer);
    return DLT_OK;
}

/* Gives the tensor the layout that the strides tell. */
static dlt_status lie_as(struct arena *arena, struct tensor *tensor, const DLTensor *given,
                         struct error *error) {
    const char *names[MAX_RANK], *text = "";
    int64_t shape[MAX_RANK], extents[MAX_RANK];
    int order[MAX_RANK];
    TRY(check_shape(tensor, given, error));
    for (int i = 0; i < tensor->rank; i++) {
        names[i] = tensor->axes[i]->name;
        shape[i] = tensor->axes[i]->extent;
    }
    if (!given->strides) { /* compact */
        TRY(layout_plain(&tensor->layout, tensor->rank, shape, error));
        return DLT_OK;
    }
    order_axes(given, order);
    TRY(measure_axes(tensor, given, order, extents, error));
    for (int i = 0; i < tensor->rank; i++)
        text = arena_format(arena, "%s%s%s:%" PRId64, text, i ? " " : "", names[order[i]],
                            extents[order[i]]);
    if (tensor->rank && layout_parse(&tensor->layout, text, tensor->rank, names, shape, error))
        return error_prefix(error, "%s", tensor->name);
    return DLT_OK;
}

static dlt_status apply(struct task *task, const struct strided_tensors *given, bool *differs,
                        struct error *error) {
    const struct expression *expression = task->expression;
    const struct tensor *result = expression_result(expression);
    int inputs = 0, parameters = 0;
    *differs = false;
    for (int i = 0; i < expression->tensor_count; i++) {
        struct tensor *tensor = expression->tensors[i];
        struct layout before = tensor->layout;
        const DLTensor *as = NULL;
        if (tensor->kind == TENSOR_VARIABLE)
            as = given->inputs ? given->inputs[inputs++] : NULL;
        else if (tensor->kind == TENSOR_PARAMETER)
            as = given->parameters ? given->parameters[parameters++] : NULL;
        else if (tensor == result)
            as = given->output;
        if (!as)
            continue;
        TRY(lie_as(&task->arena, tensor, as, error));
        *differs |= !layout_equal(&before, &tensor->layout);
    }
    return DLT_OK;
}

/* The expression on one line, as workloads have it. */
static dlt_status write_workload(const struct task *task, struct text *workload,
                                 struct error *error) {
    struct text printed = {0};
    expression_print(&printed, task->expression);
    text_append(workload, "expression text=\"");
    for (const char *c = text_string(&printed); *c; c++)
        if (*c != '\n' || c[1])
            text_format(workload, "%c", *c == '\n' ? ';' : *c);
    text_append(workload, "\"");
    bool failed = printed.failed || workload->failed;
    text_free(&printed);
    return failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

static dlt_status write_strided(struct task *task, const struct strided_tensors *given,
                                struct text *workload, struct error *error) {
    bool differs;
    if (arena_recover(&task->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(apply(task, given, &differs, error));
    task->arena.recoverable = false;
    if (differs)
        return write_workload(task, workload, error);
    text_append(workload, task->workload);
    return workload->failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory") : DLT_OK;
}

dlt_status strided_workload(dlt_runtime *runtime, const char *text, int threads,
                            const struct strided_tensors *given, struct text *workload,
                            struct text *like, struct error *error) {
    struct alternatives alternatives;
    struct task *task = NULL;
    dlt_status status = alternatives_create(text, &alternatives, error);
    if (status == DLT_OK)
        status =
            task_create_text(alternatives.texts[0], runtime->target.name, threads, &task, error);
    if (status == DLT_OK)
        status = write_strided(task, given, workload, error);
    if (status == DLT_OK)
        text_append(like, task->key);
    task_free(task);
    alternatives_free(&alternatives);
    return status;
}
