/* Schedules as handles; see dltune/schedule.h.
 *
 * Every step is a line of text to the schedule as well as a call; the calls here go straight to the
 * schedule's own. */
#include "api/api.h"
#include "targets/jit/default_space.h"

#include "schedules/space.h"

#include <stdlib.h>

/* Runs a step within a recovery point and keeps its message. */
#define STEP(handle_, call)                                                                        \
    do {                                                                                           \
        struct error error;                                                                        \
        struct schedule *inner = (handle_)->schedule;                                              \
        dlt_status status;                                                                         \
        if (!inner)                                                                                \
            return not_made(handle_);                                                              \
        if (arena_recover(&(handle_)->arena))                                                      \
            status = error_set(&error, DLT_ERROR_MEMORY, "out of memory");                         \
        else                                                                                       \
            status = (call);                                                                       \
        (handle_)->arena.recoverable = false;                                                      \
        return status == DLT_OK ? DLT_OK : handle_fail(&(handle_)->handle, &error);                \
    } while (0)

static dlt_status not_made(const dlt_schedule *schedule) {
    const struct error error = {DLT_ERROR_ARGUMENT, "schedule: it could not be made"};
    return handle_fail(&schedule->handle, &error);
}

static dlt_status make(dlt_schedule *schedule, const struct task *task, bool by_default,
                       struct error *error) {
    struct target_description target;
    struct space *space;
    if (!task)
        return error_set(error, DLT_ERROR_ARGUMENT, "task: it could not be made");
    TRY(target_describe(task->target, &target, error));
    if (arena_recover(&schedule->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    schedule->schedule = schedule_create(&schedule->arena, task->collapsed);
    if (!by_default)
        return DLT_OK;
    TRY(default_space_create(&schedule->arena, task->collapsed, &target, task->threads, &space,
                             error));
    return space_schedule(space, ARENA_ARRAY(&schedule->arena, int, (size_t)space->knob_count + 1),
                          schedule->schedule, error);
}

static dlt_status create(const dlt_task *task, bool by_default, dlt_schedule **schedule) {
    struct error error;
    dlt_schedule *created = handle_create(sizeof *created);
    dlt_status status;
    *schedule = created;
    if (!created)
        return DLT_ERROR_MEMORY;
    arena_initialise(&created->arena);
    status = make(created, task->task, by_default, &error);
    created->arena.recoverable = false;
    return status == DLT_OK ? DLT_OK : handle_fail(&created->handle, &error);
}

dlt_status dlt_schedule_create(const dlt_task *task, dlt_schedule **schedule) {
    return create(task, false, schedule);
}

dlt_status dlt_schedule_default(const dlt_task *task, dlt_schedule **schedule) {
    return create(task, true, schedule);
}

void dlt_schedule_free(dlt_schedule *schedule) {
    if (!schedule)
        return;
    if (schedule->schedule)
        schedule_free(schedule->schedule);
    arena_free(&schedule->arena);
    text_free(&schedule->text);
    messages_free(&schedule->messages);
    free(schedule);
}

/* ---- steps ---- */

dlt_status dlt_split(dlt_schedule *schedule, const char *stage, const char *loop, int64_t factor,
                     dlt_tail tail) {
    static const enum split_tail tails[] = {[DLT_TAIL_GUARD] = TAIL_GUARD,
                                            [DLT_TAIL_SHIFT] = TAIL_SHIFT,
                                            [DLT_TAIL_ROUND] = TAIL_ROUND};
    STEP(schedule,
         (unsigned)tail <= DLT_TAIL_ROUND
             ? schedule_split(inner, stage, loop, factor, tails[tail], &error)
             : error_set(&error, DLT_ERROR_ARGUMENT, "tail: %d is not one of dlt_tail", (int)tail));
}

dlt_status dlt_fuse(dlt_schedule *schedule, const char *stage, const char *outer,
                    const char *loop) {
    STEP(schedule, schedule_fuse(inner, stage, outer, loop, &error));
}

dlt_status dlt_reorder(dlt_schedule *schedule, const char *stage, int count,
                       const char *const *loops) {
    STEP(schedule, schedule_reorder(inner, stage, count, loops, &error));
}

dlt_status dlt_unroll(dlt_schedule *schedule, const char *stage, const char *loop) {
    STEP(schedule, schedule_unroll(inner, stage, loop, &error));
}

dlt_status dlt_vectorize(dlt_schedule *schedule, const char *stage, const char *loop) {
    STEP(schedule, schedule_vectorize(inner, stage, loop, &error));
}

dlt_status dlt_parallel(dlt_schedule *schedule, const char *stage, const char *loop) {
    STEP(schedule, schedule_parallel(inner, stage, loop, &error));
}

dlt_status dlt_inline(dlt_schedule *schedule, const char *stage) {
    STEP(schedule, schedule_attach_inline(inner, stage, &error));
}

dlt_status dlt_root(dlt_schedule *schedule, const char *stage) {
    STEP(schedule, schedule_attach_root(inner, stage, &error));
}

dlt_status dlt_attach(dlt_schedule *schedule, const char *stage, const char *consumer,
                      const char *loop) {
    STEP(schedule, schedule_attach(inner, stage, consumer, loop, &error));
}

dlt_status dlt_pack(dlt_schedule *schedule, const char *tensor, const char *layout) {
    STEP(schedule, schedule_pack(inner, tensor, layout, &error));
}

dlt_status dlt_layout(dlt_schedule *schedule, const char *stage, const char *layout) {
    STEP(schedule, schedule_layout(inner, stage, layout, &error));
}

dlt_status dlt_pad(dlt_schedule *schedule, const char *stage, const char *dimension,
                   int64_t lines) {
    STEP(schedule, schedule_pad(inner, stage, dimension, lines, &error));
}

dlt_status dlt_rfactor(dlt_schedule *schedule, const char *stage, int count,
                       const char *const *loops) {
    STEP(schedule, schedule_rfactor(inner, stage, count, loops, &error));
}

dlt_status dlt_tile(dlt_schedule *schedule, const char *stage, const char *loop) {
    STEP(schedule, schedule_tile(inner, stage, loop, &error));
}

dlt_status dlt_prefetch(dlt_schedule *schedule, const char *stage) {
    STEP(schedule, schedule_prefetch(inner, stage, &error));
}

dlt_status dlt_step(dlt_schedule *schedule, const char *step) {
    STEP(schedule, schedule_apply(inner, step, &error));
}

dlt_status dlt_replay(dlt_schedule *schedule, const char *trace) {
    STEP(schedule, schedule_replay(inner, trace, &error));
}

/* ---- text ---- */

const char *dlt_trace(const dlt_schedule *schedule) {
    return schedule->schedule ? schedule_trace(schedule->schedule) : "";
}

const char *dlt_schedule_text(dlt_schedule *schedule) {
    text_clear(&schedule->text);
    if (schedule->schedule)
        schedule_print(&schedule->text, schedule->schedule);
    return schedule->text.failed ? NULL : text_string(&schedule->text);
}
