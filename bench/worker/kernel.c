/* dltune's side of a contest; see kernel.h. */
#include "bench/worker/kernel.h"
#include "targets/jit/default_space.h"

#include "measure/buffers.h"
#include "measure/native.h"
#include "threads/thread_pool.h"
#include "schedules/space.h"

#include <stdlib.h>

struct bench_kernel {
    struct candidate candidate;
    bool compiled;
    void *tensors[MAX_TENSORS]; /* variable inputs, then the result */
    struct guarded_buffer packed, workspace;
    const void *packed_data;
    void *workspace_data;
    struct thread_pool *pool; /* NULL: one thread */
    const dlt_threads *threads;
};

/* The trace of the point where a search would start. */
static dlt_status default_trace(struct arena *arena, const struct task *task, struct text *trace,
                                struct error *error) {
    struct target_description target;
    struct schedule *schedule;
    struct space *space;
    int point[MAX_KNOBS] = {0};
    dlt_status status;
    TRY(target_describe(task->target, &target, error));
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(default_space_create(arena, task->collapsed, &target, task->threads, &space, error));
    schedule = schedule_create(arena, task->collapsed);
    status = space_schedule(space, point, schedule, error);
    if (status == DLT_OK)
        text_append(trace, schedule_trace(schedule));
    schedule_free(schedule);
    return status;
}

static dlt_status reserve(struct bench_kernel *kernel, struct error *error) {
    size_t packed = (size_t)kernel->candidate.packed_bytes;
    size_t workspace = (size_t)kernel->candidate.workspace_bytes;
    TRY(buffer_reserve(&kernel->packed, "packed", packed, error));
    TRY(buffer_reserve(&kernel->workspace, "workspace", workspace, error));
    kernel->packed_data = buffer_place(&kernel->packed, packed, 64, PLACE_ALIGNED);
    kernel->workspace_data = buffer_place(&kernel->workspace, workspace, 64, PLACE_ALIGNED);
    return DLT_OK;
}

static dlt_status prepare(const struct task *task, const void *const *data, void *output,
                          struct bench_kernel *kernel, struct error *error) {
    const void *parameters[MAX_TENSORS];
    int variables = 0, parameter_count = 0;
    for (int t = 0; t < task->expression->tensor_count; t++) {
        enum tensor_kind kind = task->expression->tensors[t]->kind;
        if (kind == TENSOR_VARIABLE)
            kernel->tensors[variables++] = (void *)data[t];
        else if (kind == TENSOR_PARAMETER)
            parameters[parameter_count++] = data[t];
    }
    kernel->tensors[variables] = output;
    TRY(reserve(kernel, error));
    if (task->threads > 1) {
        TRY(thread_pool_create(task->threads, &kernel->pool, error));
        kernel->threads = thread_pool_threads(kernel->pool);
    }
    if ((kernel->candidate.pack &&
         kernel->candidate.pack(parameters, (void *)kernel->packed_data)) ||
        kernel->candidate.run(kernel->tensors, kernel->packed_data, kernel->workspace_data,
                              kernel->threads))
        return error_set(error, DLT_ERROR_WRONG, "the kernel answered that it failed");
    return DLT_OK;
}

static dlt_status compile(const struct task *task, struct text *trace, struct bench_kernel *kernel,
                          struct error *error) {
    error->message[0] = 0;
    if (!trace->length) {
        struct arena arena;
        dlt_status status;
        arena_initialise(&arena);
        status = default_trace(&arena, task, trace, error);
        arena_free(&arena);
        TRY(status);
    }
    if (native_maker.make(NULL, task, text_string(trace), &kernel->candidate, error) != OUTCOME_OK)
        return error->status;
    kernel->compiled = true;
    return DLT_OK;
}

dlt_status bench_kernel_create(const struct task *task, struct text *trace, const void *const *data,
                               void *output, struct bench_kernel **kernel, struct error *error) {
    struct bench_kernel *made = calloc(1, sizeof *made);
    dlt_status status;
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = compile(task, trace, made, error);
    if (status == DLT_OK)
        status = prepare(task, data, output, made, error);
    if (status != DLT_OK) {
        bench_kernel_free(made);
        return status;
    }
    *kernel = made;
    return DLT_OK;
}

void bench_kernel_free(void *opaque) {
    struct bench_kernel *kernel = opaque;
    if (!kernel)
        return;
    if (kernel->compiled)
        native_maker.release(NULL, &kernel->candidate);
    thread_pool_free(kernel->pool);
    buffer_free(&kernel->packed);
    buffer_free(&kernel->workspace);
    free(kernel);
}

void bench_kernel_run(void *opaque, long calls) {
    const struct bench_kernel *kernel = opaque;
    kernel_run *run = kernel->candidate.run;
    for (long i = 0; i < calls; i++)
        run((void *const *)kernel->tensors, kernel->packed_data, kernel->workspace_data,
            kernel->threads);
}
