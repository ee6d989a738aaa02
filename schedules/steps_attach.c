/* The step attach: where a stage is computed, at the root, inside a consumer's loop, or inlined.
 * See schedule.h; the box of an attached stage comes from bounds.c. */
#include "schedules/steps.h"

static dlt_status check_intermediate(const struct schedule *schedule, const struct stage *stage,
                                     struct error *error) {
    if (stage == schedule_result(schedule))
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s is the result; only an intermediate stage may be", stage->name);
    return DLT_OK;
}

struct attached_read {
    const struct schedule *schedule;
    const struct stage *producer; /* read, and attached at a loop */
};

static void find_attached(void *context, const struct value *read) {
    struct attached_read *found = context;
    const struct stage *producer = schedule_stage_of(found->schedule, read->tensor);
    if (producer && producer->attach == ATTACH_LOOP)
        found->producer = producer;
}

/* A stage to be moved: its loops are new, and nobody relies on where they are. */
static dlt_status check_may_move(const struct schedule *schedule, const struct stage *stage,
                                 bool reads_too, struct error *error) {
    const struct stage *attached = schedule_attached(schedule, stage, 0);
    struct attached_read read = {schedule, NULL};
    TRY(check_intermediate(schedule, stage, error));
    if (!stage_is_untouched(stage))
        return error_set(error, DLT_ERROR_REFUSED,
                         "its loops were changed already and would be lost; attach it before");
    if (attached)
        return error_set(error, DLT_ERROR_REFUSED, "stage %s is attached at a loop of it",
                         attached->name);
    value_visit_reads(stage->body, find_attached, &read);
    if (reads_too && read.producer)
        return error_set(error, DLT_ERROR_REFUSED,
                         "it reads stage %s, which is attached at a loop around it; attach %s "
                         "before that",
                         read.producer->name, stage->name);
    return DLT_OK;
}

/* The stage with its loops, box and layout made anew, as `moved` says where. */
static dlt_status restart(const struct schedule *schedule, struct stage *moved, int *next_id,
                          struct error *error) {
    if (layout_is_padded(&moved->layout))
        return error_set(error, DLT_ERROR_REFUSED,
                         "its buffer is padded already, which would be lost; attach it before");
    moved->overruns = false;
    stage_start_loops(schedule->arena, moved, next_id);
    return stage_layout(schedule->arena, moved, moved->layout_text, &moved->layout, error);
}

static dlt_status attach_root(struct schedule *schedule, const char *name, struct error *error) {
    struct stage *stage, draft;
    int next_id = schedule->next_variable_id;
    TRY(step_stage(schedule, name, &stage, error));
    TRY(check_may_move(schedule, stage, true, error));
    draft = *stage;
    draft.attach = ATTACH_ROOT;
    draft.consumer = NULL;
    draft.attach_loop = NULL;
    for (int i = 0; i < stage->tensor->rank; i++) {
        draft.box_minimum[i] = affine_constant(schedule->arena, 0);
        draft.box_extent[i] = stage->tensor->axes[i]->extent;
    }
    TRY(restart(schedule, &draft, &next_id, error));
    TRY(step_record(schedule, error, "attach %s root", name));
    *stage = draft;
    schedule->next_variable_id = next_id;
    schedule_update_packs_ahead(schedule);
    return DLT_OK;
}

dlt_status schedule_attach_root(struct schedule *schedule, const char *stage, struct error *error) {
    return step_context(attach_root(schedule, stage, error), error, "attach %.60s root", stage);
}

/* Whether the body of the loop at `position` is a place for another nest. */
static dlt_status check_place(const struct stage *consumer, int position, struct error *error) {
    for (int i = 0; i <= position; i++) {
        enum loop_kind kind = consumer->loops[i].kind;
        if (kind == LOOP_UNROLLED || kind == LOOP_VECTORISED)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s of %s is unrolled or vectorised; it has to be serial or "
                             "parallel",
                             consumer->loops[i].variable->name, consumer->name);
    }
    if (consumer->has_tile &&
        (!consumer->tile_loop || position > stage_position(consumer, consumer->tile_loop)))
        return error_set(error, DLT_ERROR_REFUSED, "the loop is inside of the tile of %s",
                         consumer->name);
    return DLT_OK;
}

static dlt_status attach(struct schedule *schedule, const char *name, const char *consumer_name,
                         const char *loop, struct error *error) {
    struct stage *stage, *consumer, draft;
    int position, next_id = schedule->next_variable_id;
    TRY(step_stage(schedule, name, &stage, error));
    TRY(step_stage(schedule, consumer_name, &consumer, error));
    TRY(step_loop(consumer, loop, &position, error));
    TRY(check_may_move(schedule, stage, true, error));
    if (stage == consumer)
        return error_set(error, DLT_ERROR_REFUSED, "a stage cannot be attached at its own loop");
    TRY(check_place(consumer, position, error));
    draft = *stage;
    draft.attach = ATTACH_LOOP;
    draft.consumer = consumer;
    draft.attach_loop = consumer->loops[position].variable;
    TRY(bounds_box(schedule, stage, consumer, position, draft.box_minimum, draft.box_extent,
                   error));
    TRY(restart(schedule, &draft, &next_id, error));
    TRY(step_record(schedule, error, "attach %s %s %s", name, consumer_name, loop));
    *stage = draft;
    schedule->next_variable_id = next_id;
    schedule_update_packs_ahead(schedule);
    return DLT_OK;
}

dlt_status schedule_attach(struct schedule *schedule, const char *stage, const char *consumer,
                           const char *loop, struct error *error) {
    return step_context(attach(schedule, stage, consumer, loop, error), error,
                        "attach %.60s %.60s %.60s", stage, consumer, loop);
}

struct inlining {
    struct arena *arena;
    const struct stage *stage;
};

static const struct value *mark_select(void *context, const struct value *value) {
    struct arena *arena = context;
    struct value *marked;
    if (value->operation != OP_SELECT || value->is_inlined)
        return value;
    marked = arena_copy(arena, value, sizeof *value);
    marked->is_inlined = true;
    return marked;
}

static const struct value *inline_read(void *context, const struct value *value) {
    const struct inlining *inlining = context;
    const struct tensor *tensor = inlining->stage->tensor;
    struct binding bindings[MAX_RANK];
    if (value->operation != OP_READ || value->tensor != tensor)
        return value;
    for (int i = 0; i < tensor->rank; i++)
        bindings[i] = (struct binding){tensor->axes[i], value->subscripts[i]};
    return value_rewrite(
        inlining->arena,
        value_substitute(inlining->arena, inlining->stage->body, bindings, tensor->rank),
        mark_select, inlining->arena);
}

static dlt_status check_inline(const struct schedule *schedule, const struct stage *stage,
                               struct error *error) {
    int readers = 0, nodes = value_count_nodes(stage->body, MAX_BODY_NODES);
    TRY(check_may_move(schedule, stage, false, error));
    if (stage->tensor->combiner != COMBINE_NONE)
        return error_set(error, DLT_ERROR_REFUSED,
                         "it is a reduction (%s); only elementwise stages may be inlined",
                         combiners[stage->tensor->combiner].name);
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *reader = schedule->stages[i];
        int reads = value_count_reads(reader->body, stage->tensor);
        readers += reads > 0;
        if (reads && reader->overruns)
            return error_set(error, DLT_ERROR_REFUSED,
                             "stage %s reads it in loops rounded up; inline it before that split",
                             reader->name);
        if (reads && value_count_nodes(reader->body, MAX_BODY_NODES) + (int64_t)reads * nodes >
                         MAX_BODY_NODES)
            return error_set(error, DLT_ERROR_REFUSED,
                             "the body of %s would have more than %d operations", reader->name,
                             MAX_BODY_NODES);
        if (reads && reader->body->depth + stage->body->depth > MAX_BODY_DEPTH)
            return error_set(error, DLT_ERROR_REFUSED,
                             "the body of %s would nest more than %d values", reader->name,
                             MAX_BODY_DEPTH);
    }
    if (readers == 0)
        return error_set(error, DLT_ERROR_REFUSED, "no stage reads it");
    return DLT_OK;
}

static dlt_status attach_inline(struct schedule *schedule, const char *name, struct error *error) {
    struct stage *stage;
    const struct value *bodies[MAX_STAGES];
    int kept = 0;
    TRY(step_stage(schedule, name, &stage, error));
    TRY(check_inline(schedule, stage, error));
    struct inlining inlining = {schedule->arena, stage};
    for (int i = 0; i < schedule->stage_count; i++)
        bodies[i] =
            value_rewrite(schedule->arena, schedule->stages[i]->body, inline_read, &inlining);
    TRY(step_record(schedule, error, "attach %s inline", name));
    for (int i = 0; i < schedule->stage_count; i++) {
        struct stage *other = schedule->stages[i];
        other->body = bodies[i];
        if (other != stage)
            schedule->stages[kept++] = other;
    }
    schedule->stage_count = kept;
    schedule_update_packs_ahead(schedule);
    return DLT_OK;
}

dlt_status schedule_attach_inline(struct schedule *schedule, const char *stage,
                                  struct error *error) {
    return step_context(attach_inline(schedule, stage, error), error, "attach %.60s inline", stage);
}
