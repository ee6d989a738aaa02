/* The steps that order and mark loops: reorder, unroll, vectorize, parallel, tile. See schedule.h.
 *
 * A loop of a nest may be exchanged with any other: elements are independent and combiners
 * associative and commutative. What an order must respect are the other steps: what is attached at
 * a loop and what a tile encloses stays there, the parallel loop stays outermost. */
#include "schedules/steps.h"

/* Reordering may not move a loop across `boundary`, nor the boundary itself. */
static dlt_status check_boundary(const struct stage *before, const struct stage *after,
                                 const struct variable *boundary, const char *what,
                                 struct error *error) {
    int position = stage_position(before, boundary);
    for (int i = 0; i < after->loop_count; i++) {
        int old = stage_position(before, after->loops[i].variable);
        if ((i < position) != (old < position) || (i == position) != (old == position))
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s would move across loop %s, %s; reorder before that step",
                             after->loops[i].variable->name, boundary->name, what);
    }
    return DLT_OK;
}

static dlt_status check_order(const struct schedule *schedule, const struct stage *before,
                              const struct stage *after, struct error *error) {
    for (int i = 1; i < after->loop_count; i++)
        if (after->loops[i].kind == LOOP_PARALLEL)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s is parallel and has to stay outermost",
                             after->loops[i].variable->name);
    if (before->has_tile && before->tile_loop)
        TRY(check_boundary(before, after, before->tile_loop, "which encloses the tile", error));
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *other = schedule->stages[i];
        if (other->attach == ATTACH_LOOP && other->consumer == before)
            TRY(check_boundary(before, after, other->attach_loop, "where a stage is attached",
                               error));
    }
    return stage_check_overlap(after, error);
}

static dlt_status record_reorder(struct schedule *schedule, const char *stage, int count,
                                 const char *const *loops, struct error *error) {
    struct text line = {0};
    dlt_status status;
    for (int i = 0; i < count; i++)
        text_format(&line, " %s", loops[i]);
    status = line.failed ? error_set(error, DLT_ERROR_MEMORY, "out of memory for the trace")
                         : step_record(schedule, error, "reorder %s%s", stage, text_string(&line));
    text_free(&line);
    return status;
}

static dlt_status reorder(struct schedule *schedule, const char *stage_name, int count,
                          const char *const *loops, struct error *error) {
    struct stage *stage, draft;
    int positions[MAX_LOOPS], next = 0;
    bool named[MAX_LOOPS] = {false};
    TRY(step_stage(schedule, stage_name, &stage, error));
    if (count < 2)
        return error_set(error, DLT_ERROR_ARGUMENT, "loops: %d are not two or more", count);
    for (int i = 0; i < count; i++) {
        int position;
        TRY(step_loop(stage, loops[i], &position, error));
        if (named[position])
            return error_set(error, DLT_ERROR_ARGUMENT, "loop: %s is named twice", loops[i]);
        named[position] = true;
        positions[i] = position;
    }
    draft = *stage;
    for (int i = 0; i < stage->loop_count; i++)
        if (named[i])
            draft.loops[i] = stage->loops[positions[next++]];
    TRY(check_order(schedule, stage, &draft, error));
    TRY(record_reorder(schedule, stage_name, count, loops, error));
    *stage = draft;
    return DLT_OK;
}

dlt_status schedule_reorder(struct schedule *schedule, const char *stage, int count,
                            const char *const *loops, struct error *error) {
    return step_context(reorder(schedule, stage, count, loops, error), error, "reorder %.60s",
                        stage);
}

/* A loop to be written out as code: serial, and enclosing no attached stage nor tile. */
static dlt_status check_written_out(const struct schedule *schedule, const struct stage *stage,
                                    int position, struct error *error) {
    const struct loop *loop = &stage->loops[position];
    const struct stage *attached = schedule_attached(schedule, stage, position);
    if (loop->kind != LOOP_SERIAL)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the loop is unrolled, vectorised or parallel already; it has to be "
                         "serial");
    if (attached)
        return error_set(error, DLT_ERROR_REFUSED, "stage %s is attached at or inside of the loop",
                         attached->name);
    if (stage->has_tile && stage->tile_loop && position <= stage_position(stage, stage->tile_loop))
        return error_set(error, DLT_ERROR_REFUSED,
                         "the loop is outside of the tile, which is inside of loop %s",
                         stage->tile_loop->name);
    return DLT_OK;
}

static dlt_status mark(struct schedule *schedule, const char *stage_name, const char *loop,
                       enum loop_kind kind, const char *word, struct error *error) {
    struct stage *stage;
    int position;
    TRY(step_stage(schedule, stage_name, &stage, error));
    TRY(step_loop(stage, loop, &position, error));
    TRY(check_written_out(schedule, stage, position, error));
    if (kind == LOOP_VECTORISED) {
        for (int i = 0; i < stage->loop_count; i++)
            if (stage->loops[i].kind == LOOP_VECTORISED)
                return error_set(error, DLT_ERROR_REFUSED,
                                 "loop %s of the stage is vectorised already; one may be",
                                 stage->loops[i].variable->name);
    }
    TRY(step_record(schedule, error, "%s %s %s", word, stage_name, loop));
    stage->loops[position].kind = kind;
    return DLT_OK;
}

dlt_status schedule_unroll(struct schedule *schedule, const char *stage, const char *loop,
                           struct error *error) {
    return step_context(mark(schedule, stage, loop, LOOP_UNROLLED, "unroll", error), error,
                        "unroll %.60s %.60s", stage, loop);
}

dlt_status schedule_vectorize(struct schedule *schedule, const char *stage, const char *loop,
                              struct error *error) {
    return step_context(mark(schedule, stage, loop, LOOP_VECTORISED, "vectorize", error), error,
                        "vectorize %.60s %.60s", stage, loop);
}

static dlt_status check_parallel(const struct stage *stage, int position, struct error *error) {
    const struct loop *loop = &stage->loops[position];
    if (stage->attach != ATTACH_ROOT)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the stage is attached at a loop of %s; only a stage at the root may have "
                         "a parallel loop",
                         stage->consumer->name);
    if (position != 0)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the loop is not the outermost, which is %s; reorder first",
                         stage->loops[0].variable->name);
    if (loop->kind != LOOP_SERIAL)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the loop is unrolled, vectorised or parallel already; it has to be "
                         "serial");
    if (loop->is_reduction)
        return error_set(error, DLT_ERROR_REFUSED,
                         "it is a reduction loop: its trips write the same elements");
    if (stage_loop_overlaps(stage, loop->variable))
        return error_set(error, DLT_ERROR_REFUSED,
                         "trips of the loop overlap (shift), so threads would write the same "
                         "elements; split it with guard");
    if (stage->has_tile && !stage->tile_loop)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the whole stage is a tile; a parallel loop has to be outside of it");
    return DLT_OK;
}

static dlt_status parallel(struct schedule *schedule, const char *stage_name, const char *loop,
                           struct error *error) {
    struct stage *stage;
    int position;
    TRY(step_stage(schedule, stage_name, &stage, error));
    TRY(step_loop(stage, loop, &position, error));
    TRY(check_parallel(stage, position, error));
    TRY(step_record(schedule, error, "parallel %s %s", stage_name, loop));
    stage->loops[position].kind = LOOP_PARALLEL;
    return DLT_OK;
}

dlt_status schedule_parallel(struct schedule *schedule, const char *stage, const char *loop,
                             struct error *error) {
    return step_context(parallel(schedule, stage, loop, error), error, "parallel %.60s %.60s",
                        stage, loop);
}

/* `position` is that of the loop around the tile, -1 for the whole stage. */
static dlt_status check_tile(const struct schedule *schedule, const struct stage *stage,
                             int position, struct error *error) {
    const struct stage *attached = schedule_attached(schedule, stage, position + 1);
    if (stage->has_tile)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has a tile already");
    if (attached)
        return error_set(error, DLT_ERROR_REFUSED, "stage %s is attached inside of the tile",
                         attached->name);
    for (int i = 0; i < stage->loop_count; i++) {
        const struct loop *loop = &stage->loops[i];
        if (i <= position && (loop->kind == LOOP_UNROLLED || loop->kind == LOOP_VECTORISED))
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s is unrolled or vectorised, so the tile has to enclose it",
                             loop->variable->name);
        if (i > position && loop->kind == LOOP_PARALLEL)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s is parallel, so it has to be outside of the tile",
                             loop->variable->name);
    }
    return DLT_OK;
}

static dlt_status tile(struct schedule *schedule, const char *stage_name, const char *loop,
                       struct error *error) {
    struct stage *stage;
    int position = -1;
    TRY(step_stage(schedule, stage_name, &stage, error));
    if (loop)
        TRY(step_loop(stage, loop, &position, error));
    TRY(check_tile(schedule, stage, position, error));
    TRY(step_record(schedule, error, "tile %s %s", stage_name, loop ? loop : "root"));
    stage->has_tile = true;
    stage->tile_loop = loop ? stage->loops[position].variable : NULL;
    return DLT_OK;
}

static dlt_status prefetch(struct schedule *schedule, const char *stage_name, struct error *error) {
    struct stage *stage;
    TRY(step_stage(schedule, stage_name, &stage, error));
    if (!stage->has_tile)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has no tile yet");
    if (stage->prefetches)
        return error_set(error, DLT_ERROR_REFUSED, "the tile prefetches already");
    TRY(step_record(schedule, error, "prefetch %s", stage_name));
    stage->prefetches = true;
    return DLT_OK;
}

dlt_status schedule_prefetch(struct schedule *schedule, const char *stage, struct error *error) {
    return step_context(prefetch(schedule, stage, error), error, "prefetch %.60s", stage);
}

dlt_status schedule_tile(struct schedule *schedule, const char *stage, const char *loop,
                         struct error *error) {
    return step_context(tile(schedule, stage, loop, error), error, "tile %.60s %.60s", stage,
                        loop ? loop : "root");
}
