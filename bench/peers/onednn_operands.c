/* The tensors of a oneDNN peer: what is given, what is wanted, and the copies between; see
 * onednn.c.
 */
#include "bench/peers/onednn.h"

dlt_status onednn_check(dnnl_status_t status, const char *what, struct error *error) {
    if (status == dnnl_success)
        return DLT_OK;
    return error_set(error, status == dnnl_out_of_memory ? DLT_ERROR_MEMORY : DLT_ERROR_REFUSED,
                     "it does not %s this: status %d", what, (int)status);
}

static void add_axis(int *rank, dnnl_dims_t dims, dnnl_dims_t steps, int64_t extent,
                     int64_t stride) {
    dims[*rank] = extent;
    steps[(*rank)++] = stride;
}

/* Filters come first and channels second, each of one group; a group is an axis of its own before
 * them. Transposed convolutions have the channels of all groups in their first axis. */
static void weight_axes(const struct problem *problem, const int64_t *strides, int *rank,
                        dnnl_dims_t dims, dnnl_dims_t steps) {
    bool transposed = problem->kind == PROBLEM_TRANSPOSED;
    int64_t filters = problem->filters / problem->groups;
    int64_t channels = problem->channels / problem->groups;
    if (problem->groups > 1)
        add_axis(rank, dims, steps, problem->groups,
                 strides[0] * (transposed ? channels : filters));
    add_axis(rank, dims, steps, filters, strides[transposed]);
    add_axis(rank, dims, steps, channels, strides[!transposed]);
}

/* The tensor's axes as oneDNN counts them. A bias of a product has one row, in one matrix. */
static int shape(const struct problem *problem, enum problem_part part, const int64_t *strides,
                 dnnl_dims_t dims, dnnl_dims_t steps) {
    const struct tensor *tensor = problem->tensors[part];
    bool product = problem->kind == PROBLEM_MATMUL || problem->kind == PROBLEM_BATCH_MATMUL;
    int rank = 0, axis = 0;
    if (part == PART_WEIGHTS && !product) {
        weight_axes(problem, strides, &rank, dims, steps);
        axis = 2;
    }
    if (part == PART_BIAS && product)
        while (rank + 1 < problem->tensors[PART_OUTPUT]->rank)
            add_axis(&rank, dims, steps, 1, problem->n);
    for (; axis < tensor->rank; axis++)
        add_axis(&rank, dims, steps, tensor->axes[axis]->extent, strides[axis]);
    return rank;
}

/* A layout that oneDNN has no strides for stands for a plain copy, which only a free layout
 * permits. */
dlt_status onednn_describe(struct onednn *state, enum problem_part part, struct error *error) {
    const struct tensor *tensor = state->problem->tensors[part];
    struct onednn_operand *operand = &state->operands[part];
    bool chosen = problem_is_parameter(state->problem, part) || state->way != WAY_PLAIN;
    dnnl_dims_t dims, steps;
    int64_t strides[MAX_RANK];
    int rank;
    if (!problem_strides(tensor, strides)) {
        if (state->way != WAY_OWN)
            return error_set(error, DLT_ERROR_REFUSED, "it has no strides for %s's layout",
                             tensor->name);
        int64_t step = 1;
        for (int axis = tensor->rank - 1; axis >= 0; step *= tensor->axes[axis--]->extent)
            strides[axis] = step;
    }
    rank = shape(state->problem, part, strides, dims, steps);
    TRY(onednn_check(dnnl_memory_desc_init_by_strides(&operand->given, rank, dims, dnnl_f32, steps),
                     "describe", error));
    operand->wanted = operand->given;
    if (chosen && part != PART_BIAS && part != PART_RESIDUAL)
        return onednn_check(dnnl_memory_desc_init_by_tag(&operand->wanted, rank, dims, dnnl_f32,
                                                         dnnl_format_tag_any),
                            "describe", error);
    return DLT_OK;
}

static size_t tensor_extents(const struct tensor *tensor, int64_t *extents) {
    size_t bytes = sizeof(float);
    for (int i = 0; i < tensor->rank; i++) {
        extents[i] = tensor->axes[i]->extent;
        bytes *= (size_t)extents[i];
    }
    return bytes;
}

/* Where the given data are: the task's, or the plain copy of them. */
static dlt_status given_data(struct onednn *state, enum problem_part part, void **data,
                             struct error *error) {
    const struct tensor *tensor = state->problem->tensors[part];
    struct onednn_operand *operand = &state->operands[part];
    int64_t strides[MAX_RANK], extents[MAX_RANK];
    size_t bytes = tensor_extents(tensor, extents);
    *data = part == PART_OUTPUT ? state->problem->output : (void *)state->problem->data[part];
    if (problem_strides(tensor, strides))
        return DLT_OK;
    TRY(buffer_reserve(&operand->plain, "oneDNN's plain copy", bytes, error));
    if (part != PART_OUTPUT)
        layout_load(&tensor->layout, tensor->rank, extents, sizeof(float), *data,
                    operand->plain.base);
    *data = operand->plain.base;
    return DLT_OK;
}

void onednn_reorder_operand(const struct onednn *state, const struct onednn_operand *operand) {
    bool out = operand->argument == DNNL_ARG_DST;
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_FROM, out ? operand->memory : operand->given_memory},
        {DNNL_ARG_TO, out ? operand->given_memory : operand->memory},
    };
    dnnl_primitive_execute(operand->reorder, state->stream, 2, arguments);
}

static dlt_status create_reorder(const struct onednn *state, struct onednn_operand *operand,
                                 struct error *error) {
    bool out = operand->argument == DNNL_ARG_DST;
    const dnnl_memory_desc_t *from = out ? &operand->wanted : &operand->given;
    const dnnl_memory_desc_t *to = out ? &operand->given : &operand->wanted;
    dnnl_primitive_desc_t description;
    dnnl_status_t status;
    TRY(onednn_check(dnnl_reorder_primitive_desc_create(&description, from, state->engine, to,
                                                        state->engine, NULL),
                     "reorder", error));
    status = dnnl_primitive_create(&operand->reorder, description);
    dnnl_primitive_desc_destroy(description);
    return onednn_check(status, "reorder", error);
}

/* Makes the operand's memories, and the reorder if the primitive wants another layout. */
static dlt_status bind(struct onednn *state, enum problem_part part, struct error *error) {
    struct onednn_operand *operand = &state->operands[part];
    bool parameter = problem_is_parameter(state->problem, part);
    size_t bytes = dnnl_memory_desc_get_size(&operand->wanted);
    void *data;
    TRY(given_data(state, part, &data, error));
    TRY(onednn_check(
        dnnl_memory_create(&operand->given_memory, &operand->given, state->engine, data), "bind",
        error));
    if (!dnnl_memory_desc_equal(&operand->given, &operand->wanted)) {
        TRY(buffer_reserve(&operand->own, "oneDNN's copy", bytes, error));
        data = buffer_place(&operand->own, bytes, 64, PLACE_ALIGNED);
        TRY(onednn_check(
            dnnl_memory_create(&operand->memory, &operand->wanted, state->engine, data), "bind",
            error));
        TRY(create_reorder(state, operand, error));
        operand->each_call = !parameter && (state->way != WAY_OWN || part == PART_WEIGHTS);
        if (part != PART_OUTPUT)
            onednn_reorder_operand(state, operand);
    }
    state->arguments[state->argument_count++] = (dnnl_exec_arg_t){
        operand->argument, operand->reorder ? operand->memory : operand->given_memory};
    return DLT_OK;
}

/* The residual is copied to where the output will be: in each call if copies count, else before the
 * first, as a program that computes in place would have it. Later calls add to the last result. */
static dlt_status bind_residual(struct onednn *state, struct error *error) {
    struct onednn_operand *operand = &state->operands[PART_RESIDUAL];
    const struct onednn_operand *output = &state->operands[PART_OUTPUT];
    void *data, *place;
    TRY(given_data(state, PART_RESIDUAL, &data, error));
    TRY(onednn_check(
        dnnl_memory_create(&operand->given_memory, &operand->given, state->engine, data), "bind",
        error));
    TRY(onednn_check(dnnl_memory_get_data_handle(
                         output->reorder ? output->memory : output->given_memory, &place),
                     "bind", error));
    operand->wanted = output->wanted;
    TRY(onednn_check(dnnl_memory_create(&operand->memory, &operand->wanted, state->engine, place),
                     "bind", error));
    operand->each_call = state->way == WAY_REORDER;
    return create_reorder(state, operand, error);
}

/* The output before the residual, which is copied to its place. */
dlt_status onednn_bind(struct onednn *state, struct error *error) {
    for (int part = 0; part < PART_COUNT; part++)
        if (state->problem->tensors[part] && part != PART_RESIDUAL)
            TRY(bind(state, (enum problem_part)part, error));
    if (state->problem->tensors[PART_RESIDUAL])
        TRY(bind_residual(state, error));
    return DLT_OK;
}

bool onednn_copies_in_calls(const struct onednn *state) {
    for (int part = 0; part < PART_COUNT; part++)
        if (state->operands[part].each_call)
            return true;
    return false;
}

void onednn_finish(struct onednn *state) {
    const struct onednn_operand *operand = &state->operands[PART_OUTPUT];
    const struct tensor *output = state->problem->tensors[PART_OUTPUT];
    int64_t extents[MAX_RANK];
    if (operand->reorder && !operand->each_call)
        onednn_reorder_operand(state, operand);
    dnnl_stream_wait(state->stream);
    tensor_extents(output, extents);
    if (operand->plain.base)
        layout_store(&output->layout, output->rank, extents, sizeof(float), operand->plain.base,
                     state->problem->output);
}

void onednn_free_operands(struct onednn *state) {
    for (int part = 0; part < PART_COUNT; part++) {
        struct onednn_operand *operand = &state->operands[part];
        if (operand->reorder)
            dnnl_primitive_destroy(operand->reorder);
        if (operand->memory)
            dnnl_memory_destroy(operand->memory);
        if (operand->given_memory)
            dnnl_memory_destroy(operand->given_memory);
        buffer_free(&operand->plain);
        buffer_free(&operand->own);
    }
}
