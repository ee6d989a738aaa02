/* Schedules: how a task is computed, as a list of steps, each checked when it is made.
 *
 * A schedule starts with a stage for each computed tensor and a serial loop for each axis and
 * reduction axis; dlt_schedule_text shows them with their names. Axes that are always used side by
 * side are one axis here ("y.x"). A step is legal or refused with the reason, and changes nothing
 * then. Whatever steps were accepted, the result is the same. The accepted steps are the trace,
 * text with a step a line, which replays on an equal task. Link with libdltune-tune.
 *
 * A schedule belongs to one thread at a time and needs its task. Each step answers
 * DLT_ERROR_ARGUMENT if there is no such stage or loop, or DLT_ERROR_REFUSED if it is not legal
 * here; dlt_error says what would be. */
#ifndef DLTUNE_SCHEDULE_H
#define DLTUNE_SCHEDULE_H

#include "dltune/task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlt_schedule dlt_schedule;

/* What the last trip of a split loop does if the factor does not divide the extent. */
typedef enum dlt_tail {
    DLT_TAIL_GUARD, /* less */
    DLT_TAIL_SHIFT, /* it starts earlier and overlaps the trip before; not for reduction axes */
    DLT_TAIL_ROUND, /* runs over the end; only where all buffers are padded that far */
} dlt_tail;

/* The handle is set in case of failure too; free it in any case. */
DLT_API dlt_status dlt_schedule_create(const dlt_task *task, dlt_schedule **schedule);

/* The schedule that dltune takes where nothing was tuned. */
DLT_API dlt_status dlt_schedule_default(const dlt_task *task, dlt_schedule **schedule);

DLT_API void dlt_schedule_free(dlt_schedule *schedule); /* NULL is allowed */

/* ---- Steps ---- */

/* LOOP becomes LOOP.o (outer) and LOOP.i (of `factor` trips). */
DLT_API dlt_status dlt_split(dlt_schedule *schedule, const char *stage, const char *loop,
                             int64_t factor, dlt_tail tail);
/* Two adjacent loops become OUTER.INNER. */
DLT_API dlt_status dlt_fuse(dlt_schedule *schedule, const char *stage, const char *outer,
                            const char *inner);
/* These loops, in this order, take the places that they have together. */
DLT_API dlt_status dlt_reorder(dlt_schedule *schedule, const char *stage, int count,
                               const char *const *loops);
/* Within a tile: written out. */
DLT_API dlt_status dlt_unroll(dlt_schedule *schedule, const char *stage, const char *loop);
/* Within a tile: lanes of vectors. */
DLT_API dlt_status dlt_vectorize(dlt_schedule *schedule, const char *stage, const char *loop);
/* The outermost loop: its trips go to threads. */
DLT_API dlt_status dlt_parallel(dlt_schedule *schedule, const char *stage, const char *loop);
/* The stage is computed where it is read, within the readers' bodies. */
DLT_API dlt_status dlt_inline(dlt_schedule *schedule, const char *stage);
/* The stage is computed whole, before its readers. */
DLT_API dlt_status dlt_root(dlt_schedule *schedule, const char *stage);
/* The stage is computed within a loop of its consumer, as much as one trip needs. */
DLT_API dlt_status dlt_attach(dlt_schedule *schedule, const char *stage, const char *consumer,
                              const char *loop);
/* A copy of a tensor in another layout, the stage TENSOR.packed, is read in its place. Of
 * parameters it is made once, by the kernel's packing. */
DLT_API dlt_status dlt_pack(dlt_schedule *schedule, const char *tensor, const char *layout);
/* An intermediate stage is stored in another layout. */
DLT_API dlt_status dlt_layout(dlt_schedule *schedule, const char *stage, const char *layout);
/* Rows along a dimension of the layout of an intermediate stage, named as the layout has it
 * ("c/16"), lie so many cache lines of 64 bytes further apart. */
DLT_API dlt_status dlt_pad(dlt_schedule *schedule, const char *stage, const char *dimension,
                           int64_t lines);
/* Trips of these reduction loops make partial results, elements of a new stage STAGE.partial, which
 * STAGE combines. */
DLT_API dlt_status dlt_rfactor(dlt_schedule *schedule, const char *stage, int count,
                               const char *const *loops);
/* All inside LOOP (NULL: the whole stage) is a tile: the block of registers that becomes vector
 * code. */
DLT_API dlt_status dlt_tile(dlt_schedule *schedule, const char *stage, const char *loop);
/* The lines that the stage's tile writes are asked for when it begins. */
DLT_API dlt_status dlt_prefetch(dlt_schedule *schedule, const char *stage);

/* ---- Text ---- */

/* One step, or a whole trace, as text; messages name the line. A replay that is refused keeps the
 * steps before it. */
DLT_API dlt_status dlt_step(dlt_schedule *schedule, const char *step);
DLT_API dlt_status dlt_replay(dlt_schedule *schedule, const char *trace);

/* The steps so far. Valid until the next step. */
DLT_API const char *dlt_trace(const dlt_schedule *schedule);

/* For people: stages with their loops and where they are computed. Valid until the next call; NULL
 * if memory ran out. */
DLT_API const char *dlt_schedule_text(dlt_schedule *schedule);

#ifdef __cplusplus
}
#endif
#endif
