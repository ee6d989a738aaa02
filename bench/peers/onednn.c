/* oneDNN: convolution and matmul primitives, from plain tensors and in layouts of its own.
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
#include "bench/peers/list.h"

#include "measure/buffers.h"

#include <dnnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum way {
    WAY_PLAIN,
    WAY_REORDER,
    WAY_OWN,
};

struct operand {
    dnnl_memory_desc_t given, wanted;
    struct guarded_buffer plain, own; /* a copy in plain order; in the wanted layout */
    dnnl_memory_t given_memory, memory;
    dnnl_primitive_t reorder; /* NULL: the primitive takes what is given */
    bool each_call;
    int argument; /* DNNL_ARG_... of the primitive */
};

struct state {
    const struct problem *problem;
    enum way way;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    struct operand operands[PART_COUNT];
    dnnl_exec_arg_t arguments[PART_COUNT];
    int argument_count;
    char implementation[128];
};

static dlt_status check(dnnl_status_t status, const char *what, struct error *error) {
    if (status == dnnl_success)
        return DLT_OK;
    return error_set(error, status == dnnl_out_of_memory ? DLT_ERROR_MEMORY : DLT_ERROR_REFUSED,
                     "it does not %s this: status %d", what, (int)status);
}

/* ---- operands ---- */

/* The tensor's axes as oneDNN counts them: a group is an axis of its own before the filters, a bias
 * of a product has one row. */
static int shape(const struct problem *problem, enum problem_part part, const int64_t *strides,
                 dnnl_dims_t dims, dnnl_dims_t steps) {
    const struct tensor *tensor = problem->tensors[part];
    int rank = 0;
    if (part == PART_WEIGHTS && problem->groups > 1) {
        dims[rank] = problem->groups;
        steps[rank++] = strides[0] * (problem->filters / problem->groups);
    }
    if (part == PART_BIAS && problem->kind == PROBLEM_MATMUL) {
        dims[rank] = 1;
        steps[rank++] = problem->n;
    }
    for (int axis = 0; axis < tensor->rank; axis++) {
        dims[rank] = tensor->axes[axis]->extent;
        if (part == PART_WEIGHTS && axis == 0 && problem->groups > 1)
            dims[rank] /= problem->groups;
        steps[rank++] = strides[axis];
    }
    return rank;
}

/* Describes what is given, and what to ask the primitive for. A layout that oneDNN has no strides
 * for stands for a plain copy, which only a free layout permits. */
static dlt_status describe(struct state *state, enum problem_part part, struct error *error) {
    const struct tensor *tensor = state->problem->tensors[part];
    struct operand *operand = &state->operands[part];
    bool chosen = problem_is_parameter(state->problem, part) || state->way != WAY_PLAIN;
    dnnl_dims_t dims, steps;
    int64_t strides[MAX_RANK];
    int rank;
    if (!problem_strides(tensor, strides)) {
        if (state->way != WAY_OWN)
            return error_set(error, DLT_ERROR_REFUSED, "it has no strides for %s's layout",
                             tensor->name);
        for (int axis = tensor->rank - 1, step = 1; axis >= 0; axis--) {
            strides[axis] = step;
            step *= (int)tensor->axes[axis]->extent;
        }
    }
    rank = shape(state->problem, part, strides, dims, steps);
    TRY(check(dnnl_memory_desc_init_by_strides(&operand->given, rank, dims, dnnl_f32, steps),
              "describe", error));
    operand->wanted = operand->given;
    if (chosen && part != PART_BIAS && part != PART_RESIDUAL)
        return check(dnnl_memory_desc_init_by_tag(&operand->wanted, rank, dims, dnnl_f32,
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
static dlt_status given_data(struct state *state, enum problem_part part, void **data,
                             struct error *error) {
    const struct tensor *tensor = state->problem->tensors[part];
    struct operand *operand = &state->operands[part];
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

static void execute_reorder(const struct state *state, const struct operand *operand) {
    bool out = operand->argument == DNNL_ARG_DST;
    dnnl_exec_arg_t arguments[] = {
        {DNNL_ARG_FROM, out ? operand->memory : operand->given_memory},
        {DNNL_ARG_TO, out ? operand->given_memory : operand->memory},
    };
    dnnl_primitive_execute(operand->reorder, state->stream, 2, arguments);
}

static dlt_status create_reorder(const struct state *state, struct operand *operand,
                                 struct error *error) {
    bool out = operand->argument == DNNL_ARG_DST;
    const dnnl_memory_desc_t *from = out ? &operand->wanted : &operand->given;
    const dnnl_memory_desc_t *to = out ? &operand->given : &operand->wanted;
    dnnl_primitive_desc_t description;
    dnnl_status_t status;
    TRY(check(dnnl_reorder_primitive_desc_create(&description, from, state->engine, to,
                                                 state->engine, NULL),
              "reorder", error));
    status = dnnl_primitive_create(&operand->reorder, description);
    dnnl_primitive_desc_destroy(description);
    return check(status, "reorder", error);
}

/* Makes the operand's memories, and the reorder if the primitive wants another layout. */
static dlt_status bind(struct state *state, enum problem_part part, struct error *error) {
    struct operand *operand = &state->operands[part];
    bool parameter = problem_is_parameter(state->problem, part);
    size_t bytes = dnnl_memory_desc_get_size(&operand->wanted);
    void *data;
    TRY(given_data(state, part, &data, error));
    TRY(check(dnnl_memory_create(&operand->given_memory, &operand->given, state->engine, data),
              "bind", error));
    if (!dnnl_memory_desc_equal(&operand->given, &operand->wanted)) {
        TRY(buffer_reserve(&operand->own, "oneDNN's copy", bytes, error));
        data = buffer_place(&operand->own, bytes, 64, PLACE_ALIGNED);
        TRY(check(dnnl_memory_create(&operand->memory, &operand->wanted, state->engine, data),
                  "bind", error));
        TRY(create_reorder(state, operand, error));
        operand->each_call = !parameter && (state->way != WAY_OWN || part == PART_WEIGHTS);
        if (part != PART_OUTPUT)
            execute_reorder(state, operand);
    }
    state->arguments[state->argument_count++] = (dnnl_exec_arg_t){
        operand->argument, operand->reorder ? operand->memory : operand->given_memory};
    return DLT_OK;
}

/* The residual is copied to where the output will be: in each call if copies count, else before the
 * first, as a program that computes in place would have it. Later calls add to the last result. */
static dlt_status bind_residual(struct state *state, struct error *error) {
    struct operand *operand = &state->operands[PART_RESIDUAL];
    const struct operand *output = &state->operands[PART_OUTPUT];
    void *data, *place;
    TRY(given_data(state, PART_RESIDUAL, &data, error));
    TRY(check(dnnl_memory_create(&operand->given_memory, &operand->given, state->engine, data),
              "bind", error));
    TRY(check(dnnl_memory_get_data_handle(output->reorder ? output->memory : output->given_memory,
                                          &place),
              "bind", error));
    operand->wanted = output->wanted;
    TRY(check(dnnl_memory_create(&operand->memory, &operand->wanted, state->engine, place), "bind",
              error));
    operand->each_call = state->way == WAY_REORDER;
    return create_reorder(state, operand, error);
}

/* ---- the primitive ---- */

/* The epilogue behind the bias, which both primitives add themselves. A residual is added by `sum`:
 * what the output holds before the call, the one way that the fast primitives have. */
static dlt_status append_steps(const struct state *state, dnnl_post_ops_t steps,
                               struct error *error) {
    const struct problem *problem = state->problem;
    for (int i = 0; i < problem->step_count; i++) {
        switch (problem->steps[i]) {
        case STEP_BIAS:
            if (i)
                return error_set(error, DLT_ERROR_REFUSED, "post: it adds the bias first only");
            break;
        case STEP_ADD:
            TRY(check(dnnl_post_ops_append_sum(steps, 1), "add a residual to", error));
            break;
        case STEP_RELU:
            TRY(check(dnnl_post_ops_append_eltwise(steps, 1, dnnl_eltwise_relu, 0, 0),
                      "fuse relu with", error));
            break;
        }
    }
    return DLT_OK;
}

static dlt_status describe_convolution(const struct state *state, dnnl_convolution_desc_t *made,
                                       struct error *error) {
    const struct problem *problem = state->problem;
    const struct operand *operands = state->operands;
    dnnl_dims_t strides, dilates, before, after;
    for (int i = 0; i < 2; i++) {
        strides[i] = problem->stride[i];
        dilates[i] = problem->dilation[i] - 1;
        before[i] = problem->before[i];
        after[i] = problem->after[i];
    }
    return check(dnnl_dilated_convolution_forward_desc_init(
                     made, dnnl_forward_inference, dnnl_convolution_direct,
                     &operands[PART_SOURCE].wanted, &operands[PART_WEIGHTS].wanted,
                     problem->tensors[PART_BIAS] ? &operands[PART_BIAS].wanted : NULL,
                     &operands[PART_OUTPUT].wanted, strides, dilates, before, after),
                 "describe", error);
}

static dlt_status describe_primitive(struct state *state, const dnnl_primitive_attr_t attributes,
                                     dnnl_primitive_desc_t *description, struct error *error) {
    const struct operand *operands = state->operands;
    dnnl_convolution_desc_t convolution;
    dnnl_matmul_desc_t matmul;
    const void *made = &convolution;
    if (state->problem->kind == PROBLEM_CONVOLUTION) {
        TRY(describe_convolution(state, &convolution, error));
    } else {
        made = &matmul;
        TRY(check(dnnl_matmul_desc_init(
                      &matmul, &operands[PART_SOURCE].wanted, &operands[PART_WEIGHTS].wanted,
                      state->problem->tensors[PART_BIAS] ? &operands[PART_BIAS].wanted : NULL,
                      &operands[PART_OUTPUT].wanted),
                  "describe", error));
    }
    return check(dnnl_primitive_desc_create(description, made, attributes, state->engine, NULL),
                 "compute", error);
}

static void query(struct state *state, const dnnl_primitive_desc_t description) {
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
static dlt_status choose(struct state *state, const dnnl_primitive_attr_t attributes,
                         dnnl_primitive_desc_t *description, struct error *error) {
    dnnl_post_ops_t steps;
    dlt_status status;
    TRY(check(dnnl_post_ops_create(&steps), "fuse", error));
    status = append_steps(state, steps, error);
    if (status == DLT_OK)
        status = check(dnnl_primitive_attr_set_post_ops(attributes, steps), "fuse", error);
    dnnl_post_ops_destroy(steps);
    TRY(status);
    TRY(describe_primitive(state, attributes, description, error));
    query(state, *description);
    if (!strncmp(state->implementation, "ref", 3))
        return error_set(error, DLT_ERROR_REFUSED, "it has its reference implementation only (%s)",
                         state->implementation);
    return DLT_OK;
}

static dlt_status create_primitive(struct state *state, struct error *error) {
    dnnl_primitive_attr_t attributes;
    dnnl_primitive_desc_t description = NULL;
    dlt_status status;
    TRY(check(dnnl_primitive_attr_create(&attributes), "compute", error));
    status = choose(state, attributes, &description, error);
    dnnl_primitive_attr_destroy(attributes);
    if (status == DLT_OK)
        status = check(dnnl_primitive_create(&state->primitive, description), "compute", error);
    if (description)
        dnnl_primitive_desc_destroy(description);
    return status;
}

/* ---- the peers ---- */

static void release(void *opaque) {
    struct state *state = opaque;
    for (int part = 0; part < PART_COUNT; part++) {
        struct operand *operand = &state->operands[part];
        if (operand->reorder)
            dnnl_primitive_destroy(operand->reorder);
        if (operand->memory)
            dnnl_memory_destroy(operand->memory);
        if (operand->given_memory)
            dnnl_memory_destroy(operand->given_memory);
        buffer_free(&operand->plain);
        buffer_free(&operand->own);
    }
    if (state->primitive)
        dnnl_primitive_destroy(state->primitive);
    if (state->stream)
        dnnl_stream_destroy(state->stream);
    if (state->engine)
        dnnl_engine_destroy(state->engine);
    free(state);
}

static bool copies_in_calls(const struct state *state) {
    for (int part = 0; part < PART_COUNT; part++)
        if (state->operands[part].each_call)
            return true;
    return false;
}

static dlt_status fill(struct state *state, struct error *error) {
    static const int arguments[] = {
        [PART_SOURCE] = DNNL_ARG_SRC,
        [PART_WEIGHTS] = DNNL_ARG_WEIGHTS,
        [PART_BIAS] = DNNL_ARG_BIAS,
        [PART_OUTPUT] = DNNL_ARG_DST,
    };
    if (state->way == WAY_OWN && !state->problem->free_layout)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the task gives the layouts; it is for those with a free one");
    TRY(check(dnnl_engine_create(&state->engine, dnnl_cpu, 0), "run", error));
    TRY(check(dnnl_stream_create(&state->stream, state->engine, dnnl_stream_default_flags), "run",
              error));
    for (int part = 0; part < PART_COUNT; part++) {
        if (part != PART_RESIDUAL)
            state->operands[part].argument = arguments[part];
        if (state->problem->tensors[part])
            TRY(describe(state, (enum problem_part)part, error));
    }
    TRY(create_primitive(state, error));
    for (int part = 0; part < PART_COUNT; part++)
        if (state->problem->tensors[part] && part != PART_RESIDUAL)
            TRY(bind(state, (enum problem_part)part, error));
    if (state->problem->tensors[PART_RESIDUAL])
        TRY(bind_residual(state, error));
    if (state->way == WAY_REORDER && !copies_in_calls(state))
        return error_set(error, DLT_ERROR_REFUSED,
                         "it would choose the task's layouts: nothing is to be copied");
    return DLT_OK;
}

static dlt_status create(const struct problem *problem, enum way way, void **made,
                         struct error *error) {
    struct state *state = calloc(1, sizeof *state);
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
    const struct state *state = opaque;
    if (state->operands[PART_RESIDUAL].reorder)
        execute_reorder(state, &state->operands[PART_RESIDUAL]);
}

static void run(void *opaque, long calls) {
    const struct state *state = opaque;
    bool copies = copies_in_calls(state);
    for (long i = 0; i < calls; i++) {
        for (int part = 0; copies && part < PART_OUTPUT; part++)
            if (state->operands[part].each_call)
                execute_reorder(state, &state->operands[part]);
        dnnl_primitive_execute(state->primitive, state->stream, state->argument_count,
                               state->arguments);
        if (copies && state->operands[PART_OUTPUT].each_call)
            execute_reorder(state, &state->operands[PART_OUTPUT]);
    }
    dnnl_stream_wait(state->stream);
}

static void finish(void *opaque) {
    const struct state *state = opaque;
    const struct operand *operand = &state->operands[PART_OUTPUT];
    const struct tensor *output = state->problem->tensors[PART_OUTPUT];
    int64_t extents[MAX_RANK];
    if (operand->reorder && !operand->each_call)
        execute_reorder(state, operand);
    dnnl_stream_wait(state->stream);
    tensor_extents(output, extents);
    if (operand->plain.base)
        layout_store(&output->layout, output->rank, extents, sizeof(float), operand->plain.base,
                     state->problem->output);
}

static const char *implementation(const void *state) {
    return ((const struct state *)state)->implementation;
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
