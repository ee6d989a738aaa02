/* Making the kernel of a task: from its best record, else with the knobs of a near task's best
 * record, else by default; see runtime.h.
 *
 * A caller who asks for a kernel gets one. What stands in the way of the tuned one (nothing stored,
 * the file gone, a trace that this version refuses) becomes the kernel's `reason`. */
#include "runtime/runtime.h"

#include "schedules/space.h"

#include <stdlib.h>
#include <string.h>

static dlt_status find_record(dlt_runtime *runtime, const char *key, struct record *record,
                              bool *exact, struct error *error) {
    dlt_status status;
    pthread_mutex_lock(&runtime->database_mutex);
    status = database_best(runtime->database, key, host_name(), DATABASE_GENERATOR, record, exact,
                           error);
    pthread_mutex_unlock(&runtime->database_mutex);
    return status;
}

/* How a schedule is told: by a trace, or by knobs, of which "" are the default. */
struct recipe {
    const char *trace, *knobs; /* one is NULL */
};

/* The schedule of a point of the space: each knob takes the choice nearest to what is told. */
static dlt_status apply_knobs(dlt_runtime *runtime, const dlt_kernel *kernel, const char *knobs,
                              struct schedule *schedule, struct error *error) {
    struct space *space;
    int *point;
    TRY(space_create(schedule->arena, kernel->task->collapsed, &runtime->target,
                     kernel->task->threads, &space, error));
    point = ARENA_ARRAY(schedule->arena, int, (size_t)space->knob_count + 1);
    space_parse_point(space, knobs, point);
    if (*knobs)
        TRY(space_check(space, point, error));
    return space_schedule(space, point, schedule, error);
}

static dlt_status compile_in(struct arena *arena, dlt_runtime *runtime, dlt_kernel *kernel,
                             const struct recipe *recipe, struct schedule **schedule,
                             struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, kernel->task->collapsed);
    if (recipe->trace)
        TRY(schedule_replay(*schedule, recipe->trace, error));
    else
        TRY(apply_knobs(runtime, kernel, recipe->knobs, *schedule, error));
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

/* Builds the schedule and compiles it; after a failure the kernel has no code. */
static dlt_status compile(dlt_runtime *runtime, dlt_kernel *kernel, struct recipe recipe,
                          struct error *error) {
    struct arena arena;
    struct schedule *schedule = NULL;
    dlt_status status;
    arena_initialise(&arena);
    status = compile_in(&arena, runtime, kernel, &recipe, &schedule, error);
    if (status == DLT_OK)
        status = keep_trace(kernel, schedule_trace(schedule), error);
    if (schedule)
        schedule_free(schedule);
    arena_free(&arena);
    if (status != DLT_OK) {
        kernel_free(kernel->native);
        kernel->native = NULL;
    }
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
    TRY(find_record(runtime, kernel->task->key, &record, &exact, error));
    status = compile(runtime, kernel, (struct recipe){.trace = record.trace}, error);
    if (status == DLT_OK)
        status = fill_from_record(kernel, &record, exact, error);
    else
        error_prefix(error, "record %lld", (long long)record.id);
    record_free(&record);
    return status;
}

/* ---- near workloads ---- */

static dlt_status fill_from_near(dlt_kernel *kernel, const struct record *record,
                                 struct error *error) {
    dlt_kernel_info *info = &kernel->info;
    if (arena_recover(&kernel->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    info->host = arena_format(&kernel->arena, "%s", record->host);
    info->is_this_host = strcmp(record->host, host_name()) == 0;
    info->reason = arena_format(&kernel->arena, "nothing stored for `%s`; adapted from `%s`",
                                kernel->task->key, record->task);
    info->origin = DLT_ORIGIN_ADAPTED;
    kernel->arena.recoverable = false;
    return DLT_OK;
}

static dlt_status adapt(dlt_runtime *runtime, dlt_kernel *kernel, const char *key,
                        struct error *error) {
    struct record record;
    dlt_status status;
    bool exact;
    TRY(find_record(runtime, key, &record, &exact, error));
    status = *record.knobs ? compile(runtime, kernel, (struct recipe){.knobs = record.knobs}, error)
                           : error_set(error, DLT_ERROR_REFUSED, "its record has no knobs");
    if (status == DLT_OK)
        status = fill_from_near(kernel, &record, error);
    record_free(&record);
    return status;
}

/* From the nearest workload whose choices are possible here. */
static dlt_status make_adapted(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    struct near_tasks near;
    dlt_status status;
    pthread_mutex_lock(&runtime->database_mutex);
    status = near_tasks_find(runtime->database, kernel->task->key, &near, error);
    pthread_mutex_unlock(&runtime->database_mutex);
    if (status == DLT_OK && !near.count)
        status = error_set(error, DLT_ERROR_NOT_FOUND, "no workload of other sizes is stored");
    for (int i = 0; i < near.count; i++) {
        status = adapt(runtime, kernel, near.tasks[i].key, error);
        if (status == DLT_OK)
            break;
    }
    near_tasks_free(&near);
    return status;
}

/* ---- all ---- */

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
    if (compile(runtime, kernel, (struct recipe){.knobs = ""}, error) == DLT_OK)
        return DLT_OK;
    return compile(runtime, kernel, (struct recipe){.trace = ""}, error);
}

dlt_status kernel_make(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    dlt_kernel_info *info = &kernel->info;
    struct error why = {.status = DLT_OK}, not_near;
    *info = (dlt_kernel_info){.task = kernel->task->key,
                              .origin = DLT_ORIGIN_DEFAULT,
                              .host = "",
                              .reason = "",
                              .threads = kernel->task->threads};
    if (make_from_record(runtime, kernel, &why) != DLT_OK &&
        make_adapted(runtime, kernel, &not_near) != DLT_OK)
        TRY(make_default(runtime, kernel, error));
    TRY(fill_forms(kernel, info->origin == DLT_ORIGIN_DEFAULT ? why.message : NULL, error));
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
