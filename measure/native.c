/* Replaying and compiling a trace; see native.h. */
#include "measure/native.h"

#include "machine/description.h"
#include "measure/clock.h"
#include "schedules/schedule.h"
#include "targets/jit/code_memory.h"

static enum measure_outcome outcome_of(dlt_status status) {
    switch (status) {
    case DLT_OK:
        return OUTCOME_OK;
    case DLT_ERROR_ARGUMENT:
    case DLT_ERROR_REFUSED:
    case DLT_ERROR_NOT_FOUND:
        return OUTCOME_REFUSED;
    case DLT_ERROR_MEMORY:
        return OUTCOME_MEMORY;
    default:
        return OUTCOME_COMPILE;
    }
}

static dlt_status compile(struct arena *arena, const struct task *task, const char *trace,
                          struct kernel **kernel, struct error *error) {
    struct target_description description;
    struct schedule *schedule;
    dlt_status status;
    TRY(target_describe(task->target, &description, error));
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    schedule = schedule_create(arena, task->collapsed);
    status = schedule_replay(schedule, trace, error);
    if (status == DLT_OK)
        status = kernel_create(schedule, &description, task->identifier, kernel, error);
    schedule_free(schedule);
    return status;
}

static enum measure_outcome make(void *context, const struct task *task, const char *trace,
                                 struct candidate *candidate, struct error *error) {
    struct arena arena;
    struct kernel *kernel = NULL;
    double start = clock_seconds();
    dlt_status status;
    (void)context;
    arena_initialise(&arena);
    status = compile(&arena, task, trace, &kernel, error);
    arena_free(&arena);
    if (status != DLT_OK)
        return outcome_of(status);
    *candidate = (struct candidate){
        .pack = kernel->pack,
        .run = kernel->run,
        .packed_bytes = kernel->packed_bytes,
        .workspace_bytes = kernel->shared_bytes + task->threads * kernel->private_bytes,
        .lower_seconds = kernel->times.lower * 1e-6,
        .compile_seconds = (kernel->times.encode + kernel->times.print + kernel->times.compile +
                            kernel->times.link) *
                           1e-6,
        .steps_us = {[STEP_LOWER] = kernel->times.lower,
                     [STEP_ENCODE] = kernel->times.encode,
                     [STEP_PRINT] = kernel->times.print,
                     [STEP_COMPILE] = kernel->times.compile,
                     [STEP_LINK] = kernel->times.link,
                     [STEP_ALL] = 1e6 * (clock_seconds() - start)},
        .code = {kernel->memory->code, kernel->memory->bytes, kernel->tile_count,
                 kernel->tile_starts},
        .owner = kernel,
    };
    return OUTCOME_OK;
}

static void release(void *context, struct candidate *candidate) {
    (void)context;
    kernel_free(candidate->owner);
}

const struct candidate_maker native_maker = {.make = make, .release = release};
