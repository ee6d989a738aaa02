/* What the steps share: looking up what a step names, recording it, and changing a stage.
 *
 * A step is written in three parts. It looks up and checks; it builds a draft, a copy of the stage
 * it changes; it records its line in the trace and then puts the draft in place. Whatever fails
 * before the last part leaves the schedule as it was. */
#ifndef SCHEDULES_STEPS_H
#define SCHEDULES_STEPS_H

#include "schedules/schedule.h"

enum {
    MAX_LOOP_NAME = 128,   /* bytes, NUL included: fusing what was split doubles a name */
    MAX_BODY_NODES = 4096, /* of a body after inlining, */
    MAX_BODY_DEPTH = 250,  /* and of values in it within each other */
    SLACK_EXTENT =
        1 << 16, /* how far past an axis' end guarded loops may run, or 4 times its extent */
};

#define MAX_LOOP_EXTENT (INT64_C(1) << 40) /* of a fused loop */

/* Looks up by name; the message lists what exists. */
dlt_status step_stage(const struct schedule *schedule, const char *name, struct stage **stage,
                      struct error *error);
dlt_status step_loop(const struct stage *stage, const char *name, int *position,
                     struct error *error);

/* Appends a line to the trace, all or nothing. */
dlt_status step_record(struct schedule *schedule, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message if `status` is a failure; returns `status`. */
dlt_status step_context(dlt_status status, struct error *error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A stage of a computed tensor, at the root, with its first loops. Variables are numbered from
 * `*next_id` on. */
struct stage *stage_create(struct arena *arena, const struct tensor *tensor, int *next_id);
/* Gives a stage the loops it starts with: one for each axis of its box, then the reduction's. */
void stage_start_loops(struct arena *arena, struct stage *stage, int *next_id);
const struct variable *loop_variable(struct arena *arena, const char *name, int64_t extent,
                                     int *next_id);
bool stage_is_untouched(const struct stage *stage); /* its loops are those it started with */
int stage_position(const struct stage *stage, const struct variable *loop); /* or -1 */
/* Substitutes in the values of all axes and in the constraints. */
void stage_substitute(struct arena *arena, struct stage *stage, const struct binding *bindings,
                      int count);
/* Bindings of the tensor's axes and reduction axes to their values; returns how many (at most
 * 2 * MAX_RANK). */
int stage_bindings(const struct stage *stage, struct binding *bindings);
/* Two trips of the loop may compute the same element: it was split by shifting the last trip. */
bool stage_loop_overlaps(const struct stage *stage, const struct variable *loop);
/* Refuses loops that overlap inside of a reduction loop: elements would be accumulated twice. */
dlt_status stage_check_overlap(const struct stage *stage, struct error *error);

struct stage *schedule_result(const struct schedule *schedule);
struct stage *schedule_stage_of(const struct schedule *schedule,
                                const struct tensor *tensor); /* or NULL */
/* A stage attached at the loop at `position` of `stage` or further inside, or NULL. */
const struct stage *schedule_attached(const struct schedule *schedule, const struct stage *stage,
                                      int position);
void schedule_update_packs_ahead(struct schedule *schedule);

/* The highest value + 1 of logical axis `axis` that the layout has a place for. */
int64_t layout_capacity(const struct layout *layout, int axis);
/* Elements between the rows of this dimension and the next; whether there are any; more of them,
 * unless the buffer gets too large. */
int64_t layout_padding(const struct layout *layout, int dimension);
bool layout_is_padded(const struct layout *layout);
bool layout_pad(struct layout *layout, int dimension, int64_t elements);
/* A dimension of a tensor's layout as text: "c/16". */
const char *layout_piece_name(struct arena *arena, const struct layout *layout,
                              const struct tensor *tensor, int dimension);
/* The layout of a stage for its box: from `text`, or in the order of the tensor's layout. */
dlt_status stage_layout(struct arena *arena, const struct stage *stage, const char *text,
                        struct layout *layout, struct error *error);

/* Calls `visit` for each read in the value. */
typedef void value_visit(void *context, const struct value *read);
void value_visit_reads(const struct value *value, value_visit *visit, void *context);
int value_count_reads(const struct value *value, const struct tensor *tensor);
int value_count_nodes(const struct value *value, int limit); /* stops counting beyond the limit */
/* Replaces variables in subscripts, indices and conditions. */
const struct value *value_substitute(struct arena *arena, const struct value *value,
                                     const struct binding *bindings, int count);
/* Reads of one tensor become reads of another, at the same subscripts. */
const struct value *value_rename(struct arena *arena, const struct value *value,
                                 const struct tensor *from, const struct tensor *to);

/* The box of `producer` that one trip of the consumer's loop at `position` reads. Refuses where a
 * stage outside of that loop reads the producer, or the box has no constant size. */
dlt_status bounds_box(const struct schedule *schedule, const struct stage *producer,
                      const struct stage *consumer, int position, const struct affine **minimum,
                      int64_t *extent, struct error *error);

#endif
