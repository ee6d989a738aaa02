/* Making the kernel of a task: from the best record, else by default; see runtime.h.
 *
 * A caller who asks for a kernel gets one. What stands in the way of the tuned one (nothing stored,
 * the file gone, a trace that this version refuses) becomes the kernel's `reason`. */
#include "runtime/runtime.h"

#include "schedules/space.h"

#include <stdlib.h>
#include <string.h>

static dlt_status find_record(dlt_runtime *runtime, const dlt_kernel *kernel, struct record *record,
                              bool *exact, struct error *error) {
    dlt_status status;
    pthread_mutex_lock(&runtime->database_mutex);
    status = database_best(runtime->database, kernel->task->key, host_name(), DATABASE_GENERATOR,
                           record, exact, error);
    pthread_mutex_unlock(&runtime->database_mutex);
    return status;
}

/* The schedule of point 0 of the space: the default. */
static dlt_status apply_default(dlt_runtime *runtime, const dlt_kernel *kernel,
                                struct schedule *schedule, struct error *error) {
    struct space *space;
    int *point;
    TRY(space_create(schedule->arena, kernel->task->collapsed, &runtime->target,
                     kernel->task->threads, &space, error));
    point = ARENA_ARRAY(schedule->arena, int, (size_t)space->knob_count + 1);
    return space_schedule(space, point, schedule, error);
}

/* Builds the schedule of a trace (NULL: the default) and compiles it. */
static dlt_status compile_in(struct arena *arena, dlt_runtime *runtime, dlt_kernel *kernel,
                             const char *trace, struct schedule **schedule, struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, kernel->task->collapsed);
    if (trace)
        TRY(schedule_replay(*schedule, trace, error));
    else
        TRY(apply_default(runtime, kernel, *schedule, error));
    return kernel_create(*schedule, &runtime->target, kernel->task->identifier, &kernel->native,
                         error);
}

/* Copies the trace, which the schedule owns, into the kernel. */
static dlt_status keep_trace(dlt_kernel *kernel, const char *trace, struct error *error) {
    if (arena_recover(&kernel->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    kernel->info.schedule = arena_format(&kernel->arena, "%s", trace);
    kernel->arena.recoverable = false;
    return DLT_OK;
}

static dlt_status compile(dlt_runtime *runtime, dlt_kernel *kernel, const char *trace,
                          struct error *error) {
    struct arena arena;
    struct schedule *schedule = NULL;
    dlt_status status;
    arena_initialise(&arena);
    status = compile_in(&arena, runtime, kernel, trace, &schedule, error);
    if (status == DLT_OK)
        status = keep_trace(kernel, schedule_trace(schedule), error);
    if (schedule)
        schedule_free(schedule);
    arena_free(&arena);
    return status;
}

static dlt_status fill_from_record(dlt_kernel *kernel, const struct record *record, bool exact,
                                   struct error *error) {
    dlt_kernel_info *info = &kernel->info;
    if (arena_recover(&kernel->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    info->host = arena_format(&kernel->arena, "%s", record->host);
    info->is_this_host = strcmp(record->host, host_name()) == 0;
    info->median_us = record->median_us;
    info->verified = record->verified && strcmp(record->generator, DATABASE_GENERATOR) == 0;
    if (!exact)
        info->reason = arena_format(&kernel->arena, "its record is from host `%s`, generator %s",
                                    record->host, record->generator);
    info->origin = DLT_ORIGIN_EXACT;
    kernel->arena.recoverable = false;
    return DLT_OK;
}

static dlt_status make_from_record(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    struct record record;
    dlt_status status;
    bool exact;
    TRY(find_record(runtime, kernel, &record, &exact, error));
    status = compile(runtime, kernel, record.trace, error);
    if (status == DLT_OK)
        status = fill_from_record(kernel, &record, exact, error);
    else
        error_prefix(error, "record %lld", (long long)record.id);
    record_free(&record);
    return status;
}

static dlt_status fill_forms(dlt_kernel *kernel, const char *reason, struct error *error) {
    const struct expression *expression = kernel->task->expression;
    struct arena *arena = &kernel->arena;
    dlt_kernel_info *info = &kernel->info;
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (reason)
        info->reason = arena_format(arena, "%s", reason);
    kernel->inputs = ARENA_ARRAY(arena, struct tensor_form, MAX_TENSORS);
    kernel->parameters = ARENA_ARRAY(arena, struct tensor_form, MAX_TENSORS);
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_VARIABLE)
            TRY(tensor_form(arena, tensor, &kernel->inputs[info->input_count++], error));
        else if (tensor->kind == TENSOR_PARAMETER)
            TRY(tensor_form(arena, tensor, &kernel->parameters[info->parameter_count++], error));
    }
    return tensor_form(arena, expression_result(expression), &kernel->output, error);
}

/* The default; or, should the space's first point be refused, the plain loop nest. */
static dlt_status make_default(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    if (compile(runtime, kernel, NULL, error) == DLT_OK)
        return DLT_OK;
    return compile(runtime, kernel, "", error);
}

dlt_status kernel_make(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    dlt_kernel_info *info = &kernel->info;
    struct error why = {.status = DLT_OK};
    *info = (dlt_kernel_info){.task = kernel->task->key,
                              .origin = DLT_ORIGIN_DEFAULT,
                              .host = "",
                              .reason = "",
                              .threads = kernel->task->threads};
    if (make_from_record(runtime, kernel, &why) != DLT_OK) {
        kernel_free(kernel->native);
        kernel->native = NULL;
        TRY(make_default(runtime, kernel, error));
    }
    TRY(fill_forms(kernel, why.status ? why.message : NULL, error));
    kernel->arena.recoverable = false;
    info->packed_bytes = (size_t)kernel->native->packed_bytes;
    info->workspace_bytes = dlt_kernel_workspace_bytes(kernel, info->threads);
    return DLT_OK;
}

void kernel_destroy(dlt_kernel *kernel) {
    kernel_free(kernel->native);
    arena_free(&kernel->arena);
    task_free(kernel->task);
    free(kernel);
}
