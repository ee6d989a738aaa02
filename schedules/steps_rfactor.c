/* The step rfactor: loops of a reduction become axes of a stage of partial results. See schedule.h.
 *
 *     T[i] = sum(k) f(i, k)   with   k = k(p, q)
 *
 *     T.partial[p, i] = sum(q) f(i, k(p, q))
 *     T[i]            = sum(p) T.partial[p, i]
 *
 * What p ranges over then is an axis like any other: threads may share it, and inside of a tile its
 * elements are independent accumulators. The parts are those of the schedule and are combined in
 * the order of T's loops, whoever computed them. A term that a ragged split leaves out is the
 * combiner's identity. */
#include "schedules/steps.h"

#include <string.h>

struct factoring {
    struct arena *arena;
    struct stage *stage;
    int part_count; /* the loops that become axes, in the order named */
    int parts[MAX_RANK];
    int next_id;
    int binding_count; /* what the terms are made over: axes and loops to axes of the new stage */
    struct binding bindings[MAX_RANK + MAX_LOOPS];
};

static bool is_part(const struct factoring *f, int position) {
    for (int i = 0; i < f->part_count; i++)
        if (f->parts[i] == position)
            return true;
    return false;
}

static int count_reduction_loops(const struct stage *stage) {
    int count = 0;
    for (int i = 0; i < stage->loop_count; i++)
        count += stage->loops[i].is_reduction;
    return count;
}

static dlt_status find_parts(struct factoring *f, int count, const char *const *loops,
                             struct error *error) {
    const struct stage *stage = f->stage;
    int reductions = count_reduction_loops(stage);
    if (count < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "loops: %d are not one or more", count);
    for (int i = 0; i < count; i++) {
        int position;
        TRY(step_loop(stage, loops[i], &position, error));
        if (!stage->loops[position].is_reduction)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s is no reduction loop; its elements are apart already",
                             loops[i]);
        if (is_part(f, position))
            return error_set(error, DLT_ERROR_ARGUMENT, "loops: %s is named twice", loops[i]);
        if (stage->tensor->rank + count > MAX_RANK || reductions - count > MAX_RANK)
            return error_set(error, DLT_ERROR_REFUSED,
                             "the partial results would have more than %d axes or reduction axes",
                             MAX_RANK);
        f->parts[f->part_count++] = position;
    }
    if (count == reductions)
        return error_set(error, DLT_ERROR_REFUSED,
                         "no reduction loop would be left to make partial results; split one of "
                         "them first");
    return DLT_OK;
}

/* The new stage is at the root and computes all of the tensor, so this one may not depend on where
 * it is nor on how its axes were split. */
static dlt_status check_stage(const struct schedule *schedule, const struct stage *stage,
                              struct error *error) {
    const struct stage *attached = schedule_attached(schedule, stage, 0);
    if (stage->tensor->combiner == COMBINE_NONE)
        return error_set(error, DLT_ERROR_REFUSED, "the stage is no reduction");
    if (stage->tensor->domain_count)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the last step of a separated axis has fewer phases");
    if (stage->attach != ATTACH_ROOT)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the stage is attached at a loop of %s; factor it before that",
                         stage->consumer->name);
    if (attached)
        return error_set(error, DLT_ERROR_REFUSED,
                         "stage %s is attached at a loop of it; factor it before that",
                         attached->name);
    if (schedule->stage_count == MAX_STAGES)
        return error_set(error, DLT_ERROR_REFUSED, "there are %d stages already, the most",
                         MAX_STAGES);
    for (int i = 0; i < stage->loop_count; i++)
        if (stage->loops[i].kind != LOOP_SERIAL)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s is unrolled, vectorised or parallel; factor the stage before "
                             "that step",
                             stage->loops[i].variable->name);
    if (stage->has_tile)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has a tile; factor it before that");
    if (stage->loop_count - count_reduction_loops(stage) != stage->tensor->rank)
        return error_set(error, DLT_ERROR_REFUSED,
                         "loops over its axes were split or fused already; factor it before that");
    for (int i = 0; i < stage->tensor->rank; i++) {
        int unused;
        if (step_loop(stage, stage->tensor->axes[i]->name, &unused, NULL) != DLT_OK)
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop %s was split or fused already; factor the stage before that",
                             stage->tensor->axes[i]->name);
    }
    return DLT_OK;
}

static const struct variable *new_axis(struct factoring *f, const struct variable *like) {
    const struct variable *axis = loop_variable(f->arena, like->name, like->extent, &f->next_id);
    f->bindings[f->binding_count++] = (struct binding){like, affine_variable(f->arena, axis)};
    return axis;
}

/* The tensor's layout with the parts outermost. */
static dlt_status partial_layout(const struct factoring *f, struct tensor *partial,
                                 struct error *error) {
    const struct layout *old = &f->stage->layout;
    struct layout *layout = &partial->layout;
    double elements = (double)old->elements;
    layout->dimension_count = f->part_count + old->dimension_count;
    for (int i = 0; i < f->part_count; i++)
        elements *= (double)partial->axes[i]->extent;
    if (layout->dimension_count > MAX_LAYOUT_DIMENSIONS || elements > (double)MAX_ELEMENTS)
        return error_set(error, DLT_ERROR_REFUSED,
                         "the partial results would be %.0f elements in %d dimensions, at most "
                         "%lld in %d are possible",
                         elements, layout->dimension_count, (long long)MAX_ELEMENTS,
                         MAX_LAYOUT_DIMENSIONS);
    for (int i = 0; i < old->dimension_count; i++) {
        layout->dimensions[f->part_count + i] = old->dimensions[i];
        layout->dimensions[f->part_count + i].axis += f->part_count;
    }
    layout->elements = 1;
    for (int i = layout->dimension_count - 1; i >= f->part_count; i--) {
        layout->dimensions[i].stride = layout->elements; /* a buffer of its own, not padded */
        layout->elements *= layout->dimensions[i].extent;
    }
    for (int i = f->part_count - 1; i >= 0; i--) {
        layout->dimensions[i] = (struct layout_dimension){.axis = i,
                                                          .divisor = 1,
                                                          .extent = partial->axes[i]->extent,
                                                          .stride = layout->elements};
        layout->elements *= partial->axes[i]->extent;
    }
    return DLT_OK;
}

static const struct affine *over_new_axes(void *context, const struct affine *index) {
    const struct factoring *f = context;
    return affine_substitute(f->arena, index, f->bindings, f->binding_count);
}

/* The terms over the new stage's axes: its reduction axes are the loops that are left. */
static const struct value *partial_body(struct factoring *f) {
    const struct stage *stage = f->stage;
    const struct tensor *tensor = stage->tensor;
    struct binding loops[MAX_RANK];
    const struct affine *conditions[MAX_CONSTRAINTS];
    const struct value *body;
    for (int i = 0; i < tensor->reduction_rank; i++)
        loops[i] = (struct binding){tensor->reduction_axes[i],
                                    over_new_axes(f, stage->reduction_values[i])};
    body = value_substitute(f->arena, stage->body, loops, tensor->reduction_rank);
    body = value_substitute(f->arena, body, f->bindings, f->binding_count);
    for (int i = 0; i < stage->constraint_count; i++)
        conditions[i] = over_new_axes(f, stage->constraints[i]);
    if (stage->constraint_count == 0)
        return body;
    return value_select(
        f->arena, stage->constraint_count,
        arena_copy(f->arena, conditions, sizeof *conditions * (size_t)stage->constraint_count),
        body, value_constant(f->arena, tensor->type, combiners[tensor->combiner].identity));
}

static dlt_status partial_tensor(struct factoring *f, const char *name, struct tensor **result,
                                 struct error *error) {
    const struct stage *stage = f->stage;
    struct tensor *partial = ARENA_NEW(f->arena, struct tensor);
    partial->name = name;
    partial->kind = TENSOR_COMPUTED;
    partial->type = stage->tensor->type;
    partial->combiner = stage->tensor->combiner;
    for (int i = 0; i < f->part_count; i++)
        partial->axes[partial->rank++] = new_axis(f, stage->loops[f->parts[i]].variable);
    for (int i = 0; i < stage->tensor->rank; i++)
        partial->axes[partial->rank++] = new_axis(f, stage->tensor->axes[i]);
    for (int i = 0; i < stage->loop_count; i++)
        if (stage->loops[i].is_reduction && !is_part(f, i))
            partial->reduction_axes[partial->reduction_rank++] =
                new_axis(f, stage->loops[i].variable);
    partial->body = partial_body(f);
    *result = partial;
    return partial_layout(f, partial, error);
}

/* The tensor itself, which now combines the partial results. */
static struct tensor *combining_tensor(struct factoring *f, const struct tensor *partial) {
    const struct tensor *old = f->stage->tensor;
    struct tensor *tensor = arena_copy(f->arena, old, sizeof *old);
    const struct affine **subscripts =
        ARENA_ARRAY(f->arena, const struct affine *, (size_t)partial->rank);
    tensor->reduction_rank = f->part_count;
    for (int i = 0; i < partial->rank; i++) {
        if (i < f->part_count)
            tensor->reduction_axes[i] = loop_variable(f->arena, partial->axes[i]->name,
                                                      partial->axes[i]->extent, &f->next_id);
        subscripts[i] = affine_variable(f->arena, i < f->part_count ? tensor->reduction_axes[i]
                                                                    : old->axes[i - f->part_count]);
    }
    tensor->body = value_read(f->arena, partial, subscripts);
    return tensor;
}

static dlt_status partial_name(const struct schedule *schedule, const char *stage,
                               const char **name, struct error *error) {
    *name = arena_format(schedule->arena, "%s.partial", stage);
    if (strlen(*name) >= MAX_NAME)
        return error_set(error, DLT_ERROR_REFUSED, "the name %.100s would exceed %d bytes", *name,
                         MAX_NAME - 1);
    if (schedule_find(schedule, *name) || expression_find(schedule->expression, *name))
        return error_set(error, DLT_ERROR_REFUSED, "%s exists already; a stage is factored once",
                         *name);
    return DLT_OK;
}

static dlt_status record_rfactor(struct schedule *schedule, const char *stage, int count,
                                 const char *const *loops, struct error *error) {
    const char *names = "";
    for (int i = 0; i < count; i++)
        names = arena_format(schedule->arena, "%s %s", names, loops[i]);
    return step_record(schedule, error, "rfactor %s%s", stage, names);
}

static dlt_status rfactor(struct schedule *schedule, const char *stage_name, int count,
                          const char *const *loops, struct error *error) {
    struct factoring f = {.arena = schedule->arena, .next_id = schedule->next_variable_id};
    const struct value *bodies[MAX_STAGES];
    struct tensor *partial, *combined;
    struct stage draft;
    const char *name;
    int at = 0;
    TRY(step_stage(schedule, stage_name, &f.stage, error));
    TRY(check_stage(schedule, f.stage, error));
    TRY(find_parts(&f, count, loops, error));
    TRY(partial_name(schedule, stage_name, &name, error));
    TRY(partial_tensor(&f, name, &partial, error));
    combined = combining_tensor(&f, partial);
    draft = *f.stage;
    draft.tensor = combined;
    draft.body = combined->body;
    stage_start_loops(f.arena, &draft, &f.next_id);
    for (int i = 0; i < schedule->stage_count; i++)
        bodies[i] = value_rename(f.arena, schedule->stages[i]->body, f.stage->tensor, combined);
    struct stage *added = stage_create(f.arena, partial, &f.next_id);
    TRY(record_rfactor(schedule, stage_name, count, loops, error));
    while (schedule->stages[at] != f.stage)
        at++;
    for (int i = 0; i < schedule->stage_count; i++)
        schedule->stages[i]->body = bodies[i];
    *f.stage = draft;
    for (int i = schedule->stage_count++; i > at; i--)
        schedule->stages[i] = schedule->stages[i - 1];
    schedule->stages[at] = added;
    schedule->next_variable_id = f.next_id;
    schedule_update_packs_ahead(schedule);
    return DLT_OK;
}

dlt_status schedule_rfactor(struct schedule *schedule, const char *stage, int count,
                            const char *const *loops, struct error *error) {
    return step_context(rfactor(schedule, stage, count, loops, error), error, "rfactor %.60s",
                        stage);
}
