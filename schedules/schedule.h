/* Schedules: how an expression is computed, as a list of steps, each checked when it is made.
 *
 * A schedule starts with a stage for every computed tensor, at the root, with one serial loop for
 * each axis and then one for each reduction axis. Steps change it. Every step is legal for every
 * expression or refused with the reason, and whatever steps were accepted, the result is the same.
 *
 *     split STAGE LOOP FACTOR [guard|shift|round]  LOOP becomes LOOP.o (outer) and LOOP.i (FACTOR)
 *     fuse STAGE OUTER INNER                       two adjacent loops become OUTER.INNER
 *     reorder STAGE LOOP...                        these loops take their places in this order
 *     unroll STAGE LOOP                            within a tile: written out
 *     vectorize STAGE LOOP                         within a tile: lanes, and vectors written out
 *     parallel STAGE LOOP                          the outermost loop; its trips go to threads
 *     attach STAGE inline | root | CONSUMER LOOP   where a stage is computed
 *     pack TENSOR LAYOUT                           an identity stage TENSOR.packed with that layout
 *     layout STAGE LAYOUT                          an intermediate stage stored in another layout
 *     pad STAGE DIMENSION LINES                    rows of its buffer this many cache lines further
 *                                                  apart
 *     rfactor STAGE LOOP...                        trips of these reduction loops make partial
 *                                                  results, elements of a stage STAGE.partial
 *     tile STAGE LOOP | root                       all inside LOOP (of the whole stage) is a tile
 *
 * A trace is these lines; replaying it on an equal expression gives an equal schedule.
 *
 * Loops and axes. Splits and fusions are substitutions: each axis of a stage has a value, an index
 * over the variables of its loops (and, for a stage attached at a loop, over those of the loops
 * around it). A ragged split leaves a constraint "value < extent", kept with the stage as an index
 * that must be >= 0.
 *
 * Attached stages. `attach P C L` puts the whole nest of P inside loop L of C, before the rest of
 * L's body. Bounds inference finds the box of P that one trip of L reads: for each axis a minimum,
 * an index over the loops of C from the outermost to L (and those around C), and a constant extent.
 * The loops of P then cover the box. Where the box may reach beyond the tensor a constraint keeps P
 * inside. An attached stage must not have been split before, nor the loop split or fused after. */
#ifndef SCHEDULES_SCHEDULE_H
#define SCHEDULES_SCHEDULE_H

#include "te/expression.h"

enum {
    MAX_LOOPS = 32,       /* of a stage */
    MAX_CONSTRAINTS = 32, /* of a stage */
    MAX_STAGES = 64,
    PADDING_LINE_BYTES = 64, /* in which the step pad counts, on every target */
    MAX_PADDING_LINES = 64,
};

enum loop_kind {
    LOOP_SERIAL,
    LOOP_UNROLLED,
    LOOP_VECTORISED,
    LOOP_PARALLEL,
};

enum attach_kind {
    ATTACH_ROOT,
    ATTACH_INLINE,
    ATTACH_LOOP,
};

enum split_tail {
    TAIL_GUARD, /* the last trip does less: a constraint */
    TAIL_SHIFT, /* the last trip starts earlier and overlaps: the axis' value is
                   min(o * factor, extent - factor) + i; not for reduction axes, nor where the
                   extent is below the factor */
    TAIL_ROUND, /* the last trip runs over: only where the stage's own buffer is padded that far and
                   what it reads exists there; no constraint */
};

struct loop {
    const struct variable *variable; /* from 0; the name is the loop's name */
    enum loop_kind kind;
    bool is_reduction;
};

struct stage {
    const char *name;            /* the tensor's */
    const struct tensor *tensor; /* identity, axes, type, combiner */
    struct layout layout;     /* of the buffer it is stored in; of the box if attached at a loop */
    const struct value *body; /* over the tensor's own axes and reduction axes; reads of packed or
                                 inlined tensors already replaced */
    enum attach_kind attach;
    const struct stage *consumer;               /* ATTACH_LOOP */
    const struct variable *attach_loop;         /* ATTACH_LOOP: a loop of the consumer */
    const struct affine *box_minimum[MAX_RANK]; /* constant 0 unless attached at a loop */
    int64_t box_extent[MAX_RANK];               /* the axes' extents unless attached at a loop */
    int loop_count;
    struct loop loops[MAX_LOOPS];                    /* outermost first */
    const struct affine *axis_values[MAX_RANK];      /* what each axis of the tensor is: box minimum
                                                        included */
    const struct affine *reduction_values[MAX_RANK]; /* likewise for reduction axes */
    int constraint_count;
    const struct affine *constraints[MAX_CONSTRAINTS]; /* each >= 0, over loop variables */
    bool has_tile;
    const struct variable *tile_loop; /* the tile is all inside it; NULL with has_tile: the stage */
    bool prefetches;                  /* what the tile writes is asked for when it begins */
    bool packs_ahead;        /* depends on parameters and literals only, at the root, and there are
                                parameters:        belongs to `pack` */
    const char *layout_text; /* of pack and layout steps; NULL */
    bool overruns; /* a split was rounded up: some trips run past the end of an axis, unconstrained
                    */
};

struct schedule {
    struct arena *arena;
    const struct expression *expression;
    int stage_count;
    struct stage *stages[MAX_STAGES]; /* producers before consumers; the last is the result */
    struct text trace;                /* the accepted steps, one a line */
    int next_variable_id;
};

/* The schedule with no steps. Lives in `arena`; schedule_free releases the trace's memory only. */
struct schedule *schedule_create(struct arena *arena, const struct expression *expression);
void schedule_free(struct schedule *schedule);

/* The steps. On refusal nothing has changed; the message names stage and loop and what would be
 * legal. */
dlt_status schedule_split(struct schedule *schedule, const char *stage, const char *loop,
                          int64_t factor, enum split_tail tail, struct error *error);
dlt_status schedule_fuse(struct schedule *schedule, const char *stage, const char *outer,
                         const char *inner, struct error *error);
dlt_status schedule_reorder(struct schedule *schedule, const char *stage, int count,
                            const char *const *loops, struct error *error);
dlt_status schedule_unroll(struct schedule *schedule, const char *stage, const char *loop,
                           struct error *error);
dlt_status schedule_vectorize(struct schedule *schedule, const char *stage, const char *loop,
                              struct error *error);
dlt_status schedule_parallel(struct schedule *schedule, const char *stage, const char *loop,
                             struct error *error);
dlt_status schedule_attach_inline(struct schedule *schedule, const char *stage,
                                  struct error *error);
dlt_status schedule_attach_root(struct schedule *schedule, const char *stage, struct error *error);
dlt_status schedule_attach(struct schedule *schedule, const char *stage, const char *consumer,
                           const char *loop, struct error *error);
dlt_status schedule_pack(struct schedule *schedule, const char *tensor, const char *layout,
                         struct error *error);
dlt_status schedule_layout(struct schedule *schedule, const char *stage, const char *layout,
                           struct error *error);
dlt_status schedule_pad(struct schedule *schedule, const char *stage, const char *dimension,
                        int64_t lines, struct error *error);
dlt_status schedule_rfactor(struct schedule *schedule, const char *stage, int count,
                            const char *const *loops, struct error *error);
dlt_status schedule_prefetch(struct schedule *schedule, const char *stage, struct error *error);
/* `loop` NULL: the whole stage. */
dlt_status schedule_tile(struct schedule *schedule, const char *stage, const char *loop,
                         struct error *error);

/* One line of a trace, and a whole one; messages name the line. */
dlt_status schedule_apply(struct schedule *schedule, const char *line, struct error *error);
dlt_status schedule_replay(struct schedule *schedule, const char *trace, struct error *error);

struct stage *schedule_find(const struct schedule *schedule, const char *stage); /* or NULL */
const char *schedule_trace(const struct schedule *schedule);

/* Whether each element of the result is stored once: no trips overlap (from `shift`). */
bool schedule_stores_once(const struct schedule *schedule);

/* For people: stages with their loops, attachments, values and constraints. */
void schedule_print(struct text *text, const struct schedule *schedule);

#endif
