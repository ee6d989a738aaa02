/* Making the kernel of a task: from its best record, else with the knobs of a near task's best
 * record, else by default; see runtime.h.
 *
 * A caller who asks for a kernel gets one. What stands in the way of the tuned one (nothing stored,
 * the file gone, a trace that this version refuses) becomes the kernel's `reason`. */
#include "runtime/runtime.h"
#include "targets/jit/default_space.h"

#include "te/in_place.h"

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

/* How a schedule is told: by a trace, or by a point of a space. */
struct recipe {
    const char *trace;
    const struct space *space; /* NULL: by the trace */
    const int *point;
};

static dlt_status compile_in(struct arena *arena, dlt_runtime *runtime, dlt_kernel *kernel,
                             const struct recipe *recipe, struct schedule **schedule,
                             struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, kernel->task->collapsed);
    if (recipe->space)
        TRY(space_schedule(recipe->space, recipe->point, *schedule, error));
    else
        TRY(schedule_replay(*schedule, recipe->trace, error));
    kernel->stores_once = schedule_stores_once(*schedule);
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
    info->verified = record->verified && exact;
    if (!exact)
        info->reason = arena_format(&kernel->arena, "its record is from host `%s`, generator %s%s",
                                    record->host, record->generator,
                                    record->imported ? ", taken in from another file" : "");
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

/* Of the points that near records lead to, the first that can be made. */
static dlt_status adapt(dlt_runtime *runtime, dlt_kernel *kernel, const struct space *space,
                        const struct near_records *near, struct error *error) {
    struct adapted_points points;
    dlt_status status =
        error_set(error, DLT_ERROR_REFUSED, "what is stored of other sizes is not possible here");
    adapt_points(space, near, &points);
    for (int i = 0; i < points.count; i++) {
        const struct adapted_point *point = &points.all[i];
        status =
            compile(runtime, kernel, (struct recipe){.space = space, .point = point->point}, error);
        if (status == DLT_OK)
            return fill_from_near(kernel, &near->all[point->from].record, error);
    }
    return status;
}

static dlt_status make_adapted(dlt_runtime *runtime, dlt_kernel *kernel, const struct space *space,
                               struct error *error) {
    const char *key = kernel->task->key;
    struct near_records near;
    dlt_status status;
    pthread_mutex_lock(&runtime->database_mutex);
    status =
        near_records_find(runtime->database, kernel->like ? kernel->like : key, key, &near, error);
    pthread_mutex_unlock(&runtime->database_mutex);
    if (status != DLT_OK)
        return status;
    status = adapt(runtime, kernel, space, &near, error);
    near_records_free(&near);
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
        if (tensor->kind == TENSOR_VARIABLE) {
            struct tensor_form *input = &kernel->inputs[info->input_count++];
            TRY(tensor_form(arena, tensor, input, error));
            input->info.in_place = kernel->stores_once && expression_in_place(expression, tensor);
        } else if (tensor->kind == TENSOR_PARAMETER)
            TRY(tensor_form(arena, tensor, &kernel->parameters[info->parameter_count++], error));
    }
    return tensor_form(arena, expression_result(expression), &kernel->output, error);
}

/* Says in the reason that something is slower than it need be. */
static void add_plain(struct error *why, const char *nests) {
    char message[sizeof why->message];
    memcpy(message, why->message, sizeof message);
    error_set(why, why->status, "%s%splain loops, no tile could be made: %s", message,
              *message ? "; " : "", nests);
}

static dlt_status make_in_space(struct arena *arena, dlt_runtime *runtime, dlt_kernel *kernel,
                                struct error *why, struct error *error) {
    const struct task *task = kernel->task;
    struct space *space;
    const int *first;
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(default_space_create(arena, task->collapsed, &runtime->target, task->threads, &space,
                             error));
    first = ARENA_ARRAY(arena, int, (size_t)space->knob_count + 1);
    arena->recoverable = false;
    if (make_adapted(runtime, kernel, space, error) == DLT_OK)
        return DLT_OK;
    TRY(compile(runtime, kernel, (struct recipe){.space = space, .point = first}, error));
    if (space->plain_nests)
        add_plain(why, space->plain_nests);
    return DLT_OK;
}

/* Without a record of its own: as near workloads were made, or by default; or, should there be no
 * space, the plain loop nest. */
static dlt_status make_untuned(dlt_runtime *runtime, dlt_kernel *kernel, struct error *why,
                               struct error *error) {
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    status = make_in_space(&arena, runtime, kernel, why, error);
    arena_free(&arena);
    if (status == DLT_OK)
        return DLT_OK;
    add_plain(why, error->message);
    return compile(runtime, kernel, (struct recipe){.trace = ""}, error);
}

dlt_status kernel_make(dlt_runtime *runtime, dlt_kernel *kernel, struct error *error) {
    dlt_kernel_info *info = &kernel->info;
    struct error why = {.status = DLT_OK};
    *info = (dlt_kernel_info){.task = kernel->task->key,
                              .origin = DLT_ORIGIN_DEFAULT,
                              .host = "",
                              .reason = "",
                              .threads = kernel->task->threads};
    if (make_from_record(runtime, kernel, &why) != DLT_OK)
        TRY(make_untuned(runtime, kernel, &why, error));
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
    free(kernel->like);
    free(kernel);
}
