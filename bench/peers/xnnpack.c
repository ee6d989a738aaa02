/* XNNPACK: convolutions of channel-last tensors, and matrix products with constant weights.
 *
 * Its operators pack their weights when they are created, so only parameters will do. (The bias is
 * packed with them even if the task does not say so: it is a row, and to its favour.) Bias and relu
 * are fused. It chooses its kernels by the CPU and cannot be held to fewer instructions, so it is
 * compared only on the best target of the machine. */
#include "bench/peers/list.h"

#include "machine/description.h"
#include "measure/buffers.h"
#include "threads/processors.h"

#include <math.h>
#include <pthreadpool.h>
#include <stdlib.h>
#include <string.h>
#include <xnnpack.h>

struct state {
    const struct problem *problem;
    xnn_operator_t operation;
    pthreadpool_t pool;                   /* NULL: one thread */
    struct guarded_buffer source, output; /* copies where the layout is free and another */
    const float *input;
    float *result;
    bool copied;
    struct simple_epilogue epilogue;
};

static const int nhwc[] = {0, 2, 3, 1};

static dlt_status failed(enum xnn_status status, const char *what, struct error *error) {
    return error_set(error,
                     status == xnn_status_out_of_memory ? DLT_ERROR_MEMORY : DLT_ERROR_REFUSED,
                     "it does not %s this: status %d", what, (int)status);
}

/* ---- layouts ---- */

/* Between a plain tensor of rank 4 and its elements with the second axis innermost. */
static void copy_channels_last(const struct tensor *tensor, const float *plain, float *last) {
    int64_t n = tensor->axes[0]->extent, c = tensor->axes[1]->extent,
            pixels = tensor->axes[2]->extent * tensor->axes[3]->extent;
    for (int64_t i = 0; i < n; i++)
        for (int64_t channel = 0; channel < c; channel++)
            for (int64_t p = 0; p < pixels; p++)
                last[(i * pixels + p) * c + channel] = plain[(i * c + channel) * pixels + p];
}

static void copy_channels_first(const struct tensor *tensor, const float *last, float *plain) {
    int64_t n = tensor->axes[0]->extent, c = tensor->axes[1]->extent,
            pixels = tensor->axes[2]->extent * tensor->axes[3]->extent;
    for (int64_t i = 0; i < n; i++)
        for (int64_t channel = 0; channel < c; channel++)
            for (int64_t p = 0; p < pixels; p++)
                plain[(i * c + channel) * pixels + p] = last[(i * pixels + p) * c + channel];
}

static size_t count_elements(const struct tensor *tensor, int64_t *extents) {
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        extents[i] = tensor->axes[i]->extent;
        count *= (size_t)extents[i];
    }
    return count;
}

/* A plain copy of an input; NULL without memory. */
static float *plain_copy(const struct tensor *tensor, const void *data) {
    int64_t extents[MAX_RANK];
    size_t count = count_elements(tensor, extents);
    float *plain = malloc(count * sizeof *plain);
    if (plain)
        layout_load(&tensor->layout, tensor->rank, extents, sizeof *plain, data, plain);
    return plain;
}

/* Where the layouts are free they are made channel-last before the calls. */
static dlt_status place_activations(struct state *state, struct error *error) {
    const struct problem *problem = state->problem;
    const struct tensor *source = problem->tensors[PART_SOURCE];
    const struct tensor *output = problem->tensors[PART_OUTPUT];
    int64_t extents[MAX_RANK];
    size_t source_bytes = count_elements(source, extents) * sizeof(float);
    size_t output_bytes = count_elements(output, extents) * sizeof(float);
    float *plain;
    state->input = problem->data[PART_SOURCE];
    state->result = problem->output;
    if (problem_is_dense(source, nhwc) && problem_is_dense(output, nhwc))
        return DLT_OK;
    if (!problem->free_layout)
        return error_set(error, DLT_ERROR_REFUSED, "it takes channel-last tensors (nhwc) only");
    TRY(buffer_reserve(&state->source, "xnnpack's source", source_bytes, error));
    TRY(buffer_reserve(&state->output, "xnnpack's output", output_bytes, error));
    plain = plain_copy(source, problem->data[PART_SOURCE]);
    if (!plain)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    state->input = buffer_place(&state->source, source_bytes, sizeof(float), PLACE_ALIGNED);
    state->result = buffer_place(&state->output, output_bytes, sizeof(float), PLACE_ALIGNED);
    copy_channels_last(source, plain, (float *)state->input);
    free(plain);
    state->copied = true;
    return DLT_OK;
}

/* Filters by row, column, channel, as the library reads them; NULL without memory. */
static float *filters_channels_last(const struct problem *problem) {
    const struct tensor *weights = problem->tensors[PART_WEIGHTS];
    float *plain = plain_copy(weights, problem->data[PART_WEIGHTS]), *last;
    int64_t extents[MAX_RANK];
    last = malloc(count_elements(weights, extents) * sizeof *last);
    if (plain && last)
        copy_channels_last(weights, plain, last);
    free(plain);
    return last;
}

/* ---- operators ---- */

static dlt_status create_convolution(struct state *state, struct error *error) {
    const struct problem *p = state->problem;
    float lowest = state->epilogue.relu ? 0 : -INFINITY;
    enum xnn_status status;
    float *filters;
    TRY(place_activations(state, error));
    filters = filters_channels_last(p);
    if (!filters)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = xnn_create_convolution2d_nhwc_f32(
        (uint32_t)p->before[0], (uint32_t)p->after[1], (uint32_t)p->after[0],
        (uint32_t)p->before[1], (uint32_t)p->taps[0], (uint32_t)p->taps[1], (uint32_t)p->stride[0],
        (uint32_t)p->stride[1], (uint32_t)p->dilation[0], (uint32_t)p->dilation[1],
        (uint32_t)p->groups, (size_t)(p->channels / p->groups), (size_t)(p->filters / p->groups),
        (size_t)p->channels, (size_t)p->filters, filters, p->data[PART_BIAS], lowest, INFINITY, 0,
        &state->operation);
    free(filters);
    if (status != xnn_status_success)
        return failed(status, "create", error);
    status = xnn_setup_convolution2d_nhwc_f32(state->operation, (size_t)p->images,
                                              (size_t)p->size[0], (size_t)p->size[1], state->input,
                                              state->result, state->pool);
    return status == xnn_status_success ? DLT_OK : failed(status, "set up", error);
}

static dlt_status create_product(struct state *state, struct error *error) {
    const struct problem *p = state->problem;
    float lowest = state->epilogue.relu ? 0 : -INFINITY, *weights;
    int64_t of_a[MAX_RANK], of_output[MAX_RANK];
    enum xnn_status status;
    if (!problem_strides(p->tensors[PART_SOURCE], of_a) || of_a[1] != 1 ||
        !problem_strides(p->tensors[PART_OUTPUT], of_output) || of_output[1] != 1)
        return error_set(error, DLT_ERROR_REFUSED, "it takes rows only");
    weights = plain_copy(p->tensors[PART_WEIGHTS], p->data[PART_WEIGHTS]);
    if (!weights)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = xnn_create_fully_connected_nc_f32(
        (size_t)p->k, (size_t)p->n, (size_t)of_a[0], (size_t)of_output[0], weights,
        p->data[PART_BIAS], lowest, INFINITY, XNN_FLAG_TRANSPOSE_WEIGHTS, &state->operation);
    free(weights);
    if (status != xnn_status_success)
        return failed(status, "create", error);
    status = xnn_setup_fully_connected_nc_f32(state->operation, (size_t)p->m, p->data[PART_SOURCE],
                                              p->output, state->pool);
    return status == xnn_status_success ? DLT_OK : failed(status, "set up", error);
}

static dlt_status check(const struct problem *problem, struct state *state, struct error *error) {
    struct target_description native, target;
    if (problem->kind != PROBLEM_CONVOLUTION && problem->kind != PROBLEM_MATMUL)
        return error_set(error, DLT_ERROR_REFUSED,
                         "it is compared on convolutions and matrix products alone");
    if (!problem_is_parameter(problem, PART_WEIGHTS))
        return error_set(error, DLT_ERROR_REFUSED, "it takes constant weights only");
    TRY(problem_simple_epilogue(problem, &state->epilogue, error));
    TRY(target_describe("native", &native, error));
    TRY(target_describe(problem->task->target, &target, error));
    if (native.vector_bytes != target.vector_bytes)
        return error_set(error, DLT_ERROR_REFUSED, "it cannot be held to %s", target.name);
    return DLT_OK;
}

static dlt_status fill(struct state *state, struct error *error) {
    enum xnn_status status;
    TRY(check(state->problem, state, error));
    status = xnn_initialize(NULL);
    if (status != xnn_status_success)
        return failed(status, "run where it should do", error);
    if (state->problem->task->threads > 1)
        state->pool = pthreadpool_create((size_t)processors_for(state->problem->task->threads));
    if (state->problem->kind == PROBLEM_CONVOLUTION)
        return create_convolution(state, error);
    return create_product(state, error);
}

/* ---- the peer ---- */

static void release(void *opaque) {
    struct state *state = opaque;
    if (state->operation)
        xnn_delete_operator(state->operation);
    if (state->pool)
        pthreadpool_destroy(state->pool);
    buffer_free(&state->source);
    buffer_free(&state->output);
    free(state);
}

static dlt_status create(const struct problem *problem, void **made, struct error *error) {
    struct state *state = calloc(1, sizeof *state);
    dlt_status status;
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    state->problem = problem;
    status = fill(state, error);
    if (status != DLT_OK) {
        release(state);
        return status;
    }
    *made = state;
    return DLT_OK;
}

static void run(void *opaque, long calls) {
    const struct state *state = opaque;
    for (long i = 0; i < calls; i++)
        xnn_run_operator(state->operation, state->pool);
}

static void finish(void *opaque) {
    const struct state *state = opaque;
    const struct tensor *output = state->problem->tensors[PART_OUTPUT];
    int64_t extents[MAX_RANK];
    float *plain;
    if (!state->copied)
        return;
    plain = malloc(count_elements(output, extents) * sizeof *plain);
    if (!plain)
        return; /* the comparison finds the output unwritten */
    copy_channels_first(output, state->result, plain);
    layout_store(&output->layout, output->rank, extents, sizeof *plain, plain,
                 state->problem->output);
    free(plain);
}

static const char *implementation(const void *state) {
    return ((const struct state *)state)->problem->kind == PROBLEM_CONVOLUTION ? "convolution nhwc"
                                                                               : "fully connected";
}

const struct peer xnnpack = {
    .name = "xnnpack",
    .package = "libxnnpack-dev",
    .help = "channel-last convolution, fully connected",
    .create = create,
    .run = run,
    .finish = finish,
    .implementation = implementation,
    .free = release,
};
