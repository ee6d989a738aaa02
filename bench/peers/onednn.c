/* oneDNN: convolution, deconvolution and matmul primitives, from plain tensors and in layouts of
 * its own.
 *
 * Three peers that differ only in who chooses the layouts of activations and who pays:
 *
 *     onednn-plain    the task's layouts, whatever primitive there is for them
 *     onednn-reorder  oneDNN's choice; copying in and out is part of each call
 *     onednn-own      oneDNN's choice; the copies are not counted. Where the layout is free
 *
 * Parameters are in oneDNN's choice in all of them, reordered before the calls. A second operand
 * that varies between calls is copied in each call unless it is taken as it lies.
 *
 * Each tensor is an `operand`: the layout that the user has, the layout that the primitive wants,
 * and a reorder between the two if they differ, executed once or in every call. */
#include "bench/peers/onednn.h"

#include "bench/peers/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the primitive ---- */

/* The epilogue behind the bias, which both primitives add themselves. A residual is added by `sum`:
 * what the output holds before the call, the one way that the fast primitives have. */
static dlt_status append_steps(const struct onednn *state, dnnl_post_ops_t steps,
                               struct error *error) {
    const struct problem *problem = state->problem;
    for (int i = 0; i < problem->step_count; i++) {
        switch (problem->steps[i]) {
        case STEP_BIAS:
            if (i)
                return error_set(error, DLT_ERROR_REFUSED, "post: it adds the bias first only");
            break;
        case STEP_ADD:
            TRY(onednn_check(dnnl_post_ops_append_sum(steps, 1), "add a residual to", error));
            break;
        case STEP_RELU:
            TRY(onednn_check(dnnl_post_ops_append_eltwise(steps, 1, dnnl_eltwise_relu, 0, 0),
                             "fuse relu with", error));
            break;
        }
    }
    return DLT_OK;
}

/* Strides, dilations and paddings as oneDNN takes them. */
struct window {
    dnnl_dims_t strides, dilates, before, after;
};

static void read_window(const struct problem *problem, struct window *window) {
    for (int i = 0; i < 2; i++) {
        window->strides[i] = problem->stride[i];
        window->dilates[i] = problem->dilation[i] - 1;
        window->before[i] = problem->before[i];
        window->after[i] = problem->after[i];
    }
}

/* A description of any of its operations. */
union operation_description {
    dnnl_convolution_desc_t convolution;
    dnnl_deconvolution_desc_t transposed;
    dnnl_matmul_desc_t matmul;
};

static dnnl_status_t describe_operation(const struct onednn *state,
                                        union operation_description *made) {
    const struct onednn_operand *operands = state->operands;
    const dnnl_memory_desc_t *x = &operands[PART_SOURCE].wanted;
    const dnnl_memory_desc_t *weights = &operands[PART_WEIGHTS].wanted;
    const dnnl_memory_desc_t *y = &operands[PART_OUTPUT].wanted;
    const dnnl_memory_desc_t *bias =
        state->problem->tensors[PART_BIAS] ? &operands[PART_BIAS].wanted : NULL;
    struct window w;
    read_window(state->problem, &w);
    switch (state->problem->kind) {
    case PROBLEM_CONVOLUTION:
        return dnnl_dilated_convolution_forward_desc_init(
            &made->convolution, dnnl_forward_inference, dnnl_convolution_direct, x, weights, bias,
            y, w.strides, w.dilates, w.before, w.after);
    case PROBLEM_TRANSPOSED:
        return dnnl_dilated_deconvolution_forward_desc_init(
            &made->transposed, dnnl_forward_inference, dnnl_deconvolution_direct, x, weights, bias,
            y, w.strides, w.dilates, w.before, w.after);
    default:
        return dnnl_matmul_desc_init(&made->matmul, x, weights, bias, y);
    }
}

static dlt_status describe_primitive(struct onednn *state, const dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *description, struct error *error) {
    union operation_description made;
    TRY(onednn_check(describe_operation(state, &made), "describe", error));
    return onednn_check(
        dnnl_primitive_desc_create(description, &made, attributes, state->engine, NULL), "compute",
        error);
}

static void query(struct onednn *state, const dnnl_primitive_desc_t description) {
    static const struct {
        enum problem_part part;
        dnnl_query_t what;
    } rows[] = {{PART_SOURCE, dnnl_query_src_md},
                {PART_WEIGHTS, dnnl_query_weights_md},
                {PART_OUTPUT, dnnl_query_dst_md}};
    const char *name = "";
    for (int i = 0; i < 3; i++)
        state->operands[rows[i].part].wanted =
            *dnnl_primitive_desc_query_md(description, rows[i].what, 0);
    dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, (void *)&name);
    snprintf(state->implementation, sizeof state->implementation, "%s", name);
}

/* A primitive without code for this CPU is no peer: it is thousands of times slower. */
static dlt_status choose(struct onednn *state, const dnnl_primitive_attr_t attributes,
                         dnnl_primitive_desc_t *description, struct error *error) {
    dnnl_post_ops_t steps;
    dlt_status status;
    TRY(onednn_check(dnnl_post_ops_create(&steps), "fuse", error));
    status = append_steps(state, steps, error);
    if (status == DLT_OK)
        status = onednn_check(dnnl_primitive_attr_set_post_ops(attributes, steps), "fuse", error);
    dnnl_post_ops_destroy(steps);
    TRY(status);
    TRY(describe_primitive(state, attributes, description, error));
    query(state, *description);
    if (!strncmp(state->implementation, "ref", 3))
        return error_set(error, DLT_ERROR_REFUSED, "it has its reference implementation only (%s)",
                         state->implementation);
    return DLT_OK;
}

static dlt_status create_primitive(struct onednn *state, struct error *error) {
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t description = NULL;
    dlt_status status;
    TRY(onednn_check(dnnl_primitive_attr_create(&attributes), "compute", error));
    status = choose(state, attributes, &description, error);
    dnnl_primitive_attr_destroy(attributes);
    if (status == DLT_OK)
        status =
            onednn_check(dnnl_primitive_create(&state->primitive, description), "compute", error);
    if (description)
        dnnl_primitive_desc_destroy(description);
    return status;
}

/* ---- the peers ---- */

static void release(void *opaque) {
    struct onednn *state = opaque;
    onednn_free_operands(state);
    if (state->primitive)
        dnnl_primitive_destroy(state->primitive);
    if (state->stream)
        dnnl_stream_destroy(state->stream);
    if (state->engine)
        dnnl_engine_destroy(state->engine);
    free(state);
}

static dlt_status fill(struct onednn *state, struct error *error) {
    static const int arguments[] = {
        [PART_SOURCE] = DNNL_ARG_SRC,
        [PART_WEIGHTS] = DNNL_ARG_WEIGHTS,
        [PART_BIAS] = DNNL_ARG_BIAS,
        [PART_OUTPUT] = DNNL_ARG_DST,
    };
    if (state->way == WAY_OWN && !state->problem->free_layout)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the task gives the layouts; it is for those with a free one");
    TRY(onednn_check(dnnl_engine_create(&state->engine, dnnl_cpu, 0), "run", error));
    TRY(onednn_check(dnnl_stream_create(&state->stream, state->engine, dnnl_stream_default_flags),
                     "run", error));
    for (int part = 0; part < PART_COUNT; part++) {
        if (part != PART_RESIDUAL)
            state->operands[part].argument = arguments[part];
        if (state->problem->tensors[part])
            TRY(onednn_describe(state, (enum problem_part)part, error));
    }
    TRY(create_primitive(state, error));
    TRY(onednn_bind(state, error));
    if (state->way == WAY_REORDER && !onednn_copies_in_calls(state))
        return error_set(error, DLT_ERROR_REFUSED,
                         "it would choose the task's layouts: nothing is to be copied");
    return DLT_OK;
}

static dlt_status create(const struct problem *problem, enum way way, void **made,
                         struct error *error) {
    struct onednn *state = calloc(1, sizeof *state);
    dlt_status status;
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    state->problem = problem;
    state->way = way;
    status = fill(state, error);
    if (status != DLT_OK) {
        release(state);
        return status;
    }
    *made = state;
    return DLT_OK;
}

static dlt_status create_own(const struct problem *problem, void **made, struct error *error) {
    return create(problem, WAY_OWN, made, error);
}

static dlt_status create_plain(const struct problem *problem, void **made, struct error *error) {
    return create(problem, WAY_PLAIN, made, error);
}

static dlt_status create_reordering(const struct problem *problem, void **made,
                                    struct error *error) {
    return create(problem, WAY_REORDER, made, error);
}

static void refill(void *opaque) {
    const struct onednn *state = opaque;
    if (state->operands[PART_RESIDUAL].reorder)
        onednn_reorder_operand(state, &state->operands[PART_RESIDUAL]);
}

static void run(void *opaque, long calls) {
    const struct onednn *state = opaque;
    bool copies = onednn_copies_in_calls(state);
    for (long i = 0; i < calls; i++) {
        for (int part = 0; copies && part < PART_OUTPUT; part++)
            if (state->operands[part].each_call)
                onednn_reorder_operand(state, &state->operands[part]);
        dnnl_primitive_execute(state->primitive, state->stream, state->argument_count,
                               state->arguments);
        if (copies && state->operands[PART_OUTPUT].each_call)
            onednn_reorder_operand(state, &state->operands[PART_OUTPUT]);
    }
    dnnl_stream_wait(state->stream);
}

static void finish(void *opaque) {
    onednn_finish(opaque);
}

static const char *implementation(const void *state) {
    return ((const struct onednn *)state)->implementation;
}

#define ONEDNN(NAME, HELP, CREATE)                                                                 \
    {                                                                                              \
        .name = NAME, .package = "libdnnl-dev", .help = HELP, .create = CREATE, .refill = refill,  \
        .run = run, .finish = finish, .implementation = implementation, .free = release            \
    }

const struct peer onednn_own =
    ONEDNN("onednn-own", "its own layouts, copying not counted (free layouts only)", create_own);
const struct peer onednn_plain =
    ONEDNN("onednn-plain", "primitives that take the task's layouts", create_plain);
const struct peer onednn_reorder =
    ONEDNN("onednn-reorder", "its own layouts, copying in and out counted", create_reordering);
