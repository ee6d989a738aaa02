/* oneDNN's element-wise primitives over an array; see math_speed_onednn.h. */
#include "bench/math_speed_onednn.h"

#include <dnnl.h>
#include <stdlib.h>

struct math_onednn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t source, destination;
};

/* exp, log, sqrt, tanh, erf, sigmoid, GELU */
static const dnnl_alg_kind_t kinds[] = {
    dnnl_eltwise_exp,    dnnl_eltwise_log,      dnnl_eltwise_sqrt,     dnnl_eltwise_tanh,
    dnnl_alg_kind_undef, dnnl_eltwise_logistic, dnnl_eltwise_gelu_erf,
};

static int is_made(struct math_onednn *made, int number, float *x, float *y, int count) {
    dnnl_dims_t dims = {count};
    dnnl_memory_desc_t memory;
    dnnl_eltwise_desc_t eltwise;
    return dnnl_engine_create(&made->engine, dnnl_cpu, 0) == dnnl_success &&
           dnnl_stream_create(&made->stream, made->engine, dnnl_stream_default_flags) ==
               dnnl_success &&
           dnnl_memory_desc_init_by_tag(&memory, 1, dims, dnnl_f32, dnnl_a) == dnnl_success &&
           dnnl_eltwise_forward_desc_init(&eltwise, dnnl_forward_inference, kinds[number], &memory,
                                          0, 0) == dnnl_success &&
           dnnl_primitive_desc_create(&made->description, &eltwise, NULL, made->engine, NULL) ==
               dnnl_success &&
           dnnl_primitive_create(&made->primitive, made->description) == dnnl_success &&
           dnnl_memory_create(&made->source, &memory, made->engine, x) == dnnl_success &&
           dnnl_memory_create(&made->destination, &memory, made->engine, y) == dnnl_success;
}

struct math_onednn *math_onednn_open(int number, float *x, float *y, int count) {
    struct math_onednn *made = calloc(1, sizeof *made);
    if (made && kinds[number] != dnnl_alg_kind_undef && is_made(made, number, x, y, count))
        return made;
    math_onednn_close(made);
    return NULL;
}

void math_onednn_run(struct math_onednn *made) {
    if (!made)
        return;
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, made->source}, {DNNL_ARG_DST, made->destination}};
    dnnl_primitive_execute(made->primitive, made->stream, 2, arguments);
    dnnl_stream_wait(made->stream);
}

void math_onednn_close(struct math_onednn *made) {
    if (!made)
        return;
    if (made->primitive)
        dnnl_primitive_destroy(made->primitive);
    if (made->description)
        dnnl_primitive_desc_destroy(made->description);
    if (made->source)
        dnnl_memory_destroy(made->source);
    if (made->destination)
        dnnl_memory_destroy(made->destination);
    if (made->stream)
        dnnl_stream_destroy(made->stream);
    if (made->engine)
        dnnl_engine_destroy(made->engine);
    free(made);
}
