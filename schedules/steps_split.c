/* The step split: a loop becomes an outer and an inner one. See schedule.h.
 *
 * With k = factor * k.o + k.i put in the place of k. What remains is the tail, where the factor
 * does not divide the extent: a constraint (guard), a last trip that starts earlier (shift), or
 * trips past the end that do no harm (round). */
#include "schedules/steps.h"

#include <string.h>

static const char *const tail_names[] = {
    [TAIL_GUARD] = " guard",
    [TAIL_SHIFT] = " shift",
    [TAIL_ROUND] = " round",
};

/* A loop whose variable is to vanish: serial, and nobody else's values are over it. */
static dlt_status check_may_vanish(const struct schedule *schedule, const struct stage *stage,
                                   int position, struct error *error) {
    const struct loop *loop = &stage->loops[position];
    const struct stage *attached = schedule_attached(schedule, stage, position);
    if (loop->kind != LOOP_SERIAL)
        return error_set(error, DLT_ERROR_REFUSED,
                         "loop %s is unrolled, vectorised or parallel; only a serial loop may be "
                         "changed: change it before that step",
                         loop->variable->name);
    if (stage->has_tile && stage->tile_loop == loop->variable)
        return error_set(error, DLT_ERROR_REFUSED,
                         "loop %s encloses the tile; change it before the step tile",
                         loop->variable->name);
    if (attached)
        return error_set(error, DLT_ERROR_REFUSED,
                         "stage %s is attached at or inside of loop %s; change the loop before "
                         "attaching",
                         attached->name, loop->variable->name);
    return DLT_OK;
}

/* What a loop is to an axis, for a split that rounds up: the whole of it or its outermost piece, so
 * that running over leads past the axis' end and nowhere else. */
static bool is_outermost_piece(struct arena *arena, const struct affine *local,
                               const struct variable *loop) {
    int64_t coefficient, lowest, highest;
    if (!affine_coefficient(local, loop, &coefficient) || coefficient < 1)
        return false;
    affine_range(affine_subtract(arena, local,
                                 affine_scale(arena, affine_variable(arena, loop), coefficient)),
                 &lowest, &highest);
    return lowest >= 0 && highest < coefficient;
}

struct round_check {
    const struct schedule *schedule;
    const struct stage *draft; /* after the split */
    const struct variable *axis;
    struct binding bindings[2 * MAX_RANK];
    int binding_count;
    const struct value *offending; /* a read that would leave its tensor's memory, or NULL */
};

static void check_read(void *context, const struct value *read) {
    struct round_check *check = context;
    const struct stage *producer = schedule_stage_of(check->schedule, read->tensor);
    for (int i = 0; i < read->tensor->rank; i++) {
        int64_t lowest, highest;
        if (!affine_uses(read->subscripts[i], check->axis))
            continue;
        affine_range(affine_substitute(check->schedule->arena, read->subscripts[i], check->bindings,
                                       check->binding_count),
                     &lowest, &highest);
        if (lowest < 0 || (producer && producer->attach == ATTACH_LOOP) ||
            highest >= layout_capacity(producer ? &producer->layout : &read->tensor->layout, i))
            check->offending = read;
    }
}

static dlt_status check_round(const struct schedule *schedule, const struct stage *before,
                              const struct variable *loop, const struct stage *draft,
                              struct error *error) {
    struct arena *arena = schedule->arena;
    struct round_check check = {schedule, draft, NULL, {{0}}, 0, NULL};
    int axis = -1;
    int64_t lowest, highest;
    if (before == schedule_result(schedule))
        return error_set(error, DLT_ERROR_REFUSED,
                         "round: %s is the result; only an intermediate stage may overrun",
                         before->name);
    for (int i = 0; i < before->tensor->rank; i++) {
        const struct affine *local =
            affine_subtract(arena, before->axis_values[i], before->box_minimum[i]);
        if (!affine_uses(local, loop))
            continue;
        if (axis >= 0 || !is_outermost_piece(arena, local, loop))
            return error_set(error, DLT_ERROR_REFUSED,
                             "round: loop %s is not the whole of an axis nor its outermost piece",
                             loop->name);
        axis = i;
    }
    if (axis < 0)
        return error_set(error, DLT_ERROR_REFUSED, "round: loop %s runs over no axis; guard may do",
                         loop->name);
    check.axis = before->tensor->axes[axis];
    check.binding_count = stage_bindings(draft, check.bindings);
    affine_range(affine_subtract(arena, draft->axis_values[axis], draft->box_minimum[axis]),
                 &lowest, &highest);
    if (highest >= layout_capacity(&draft->layout, axis))
        return error_set(error, DLT_ERROR_REFUSED,
                         "round: axis %s would be written up to %lld, but the layout of %s has "
                         "room for %lld",
                         check.axis->name, (long long)highest, before->name,
                         (long long)layout_capacity(&draft->layout, axis));
    value_visit_reads(draft->body, check_read, &check);
    if (check.offending)
        return error_set(error, DLT_ERROR_REFUSED,
                         "round: %s would be read outside of its memory along axis %s",
                         check.offending->tensor->name, check.axis->name);
    return DLT_OK;
}

/* Guarded loops may run past the end of an axis, but not so far that numbers overflow later. */
static dlt_status check_slack(struct arena *arena, const struct stage *draft, struct error *error) {
    for (int i = 0; i < draft->tensor->rank + draft->tensor->reduction_rank; i++) {
        int r = i - draft->tensor->rank;
        const struct affine *value =
            r < 0 ? affine_subtract(arena, draft->axis_values[i], draft->box_minimum[i])
                  : draft->reduction_values[r];
        const struct variable *axis =
            r < 0 ? draft->tensor->axes[i] : draft->tensor->reduction_axes[r];
        int64_t lowest, highest;
        affine_range(value, &lowest, &highest);
        if (highest >= SLACK_EXTENT && highest / 4 >= axis->extent)
            return error_set(error, DLT_ERROR_REFUSED,
                             "the loops would run up to %lld along axis %s, far past its end at "
                             "%lld; a smaller factor may do",
                             (long long)highest, axis->name, (long long)axis->extent);
    }
    return DLT_OK;
}

static dlt_status check_split(const struct schedule *schedule, const struct stage *stage,
                              int position, int64_t factor, enum split_tail tail,
                              struct error *error) {
    const struct loop *loop = &stage->loops[position];
    if (factor < 1 || factor > MAX_EXTENT)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "factor: %lld is not a number from 1 to 2147483648", (long long)factor);
    if ((unsigned)tail > TAIL_ROUND)
        return error_set(error, DLT_ERROR_ARGUMENT, "tail: %d is none of guard, shift, round",
                         (int)tail);
    TRY(check_may_vanish(schedule, stage, position, error));
    if (stage->loop_count == MAX_LOOPS)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has %d loops already, the most",
                         MAX_LOOPS);
    if (loop->variable->extent % factor == 0)
        return DLT_OK;
    if (tail != TAIL_GUARD && loop->is_reduction)
        return error_set(error, DLT_ERROR_REFUSED,
                         "tail: a ragged split of a reduction loop may only guard");
    if (tail == TAIL_SHIFT && loop->variable->extent < factor)
        return error_set(error, DLT_ERROR_REFUSED,
                         "shift: the factor %lld is above the extent %lld; guard may do",
                         (long long)factor, (long long)loop->variable->extent);
    if (tail == TAIL_GUARD && stage->constraint_count == MAX_CONSTRAINTS)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has %d constraints already, the most",
                         MAX_CONSTRAINTS);
    return DLT_OK;
}

static dlt_status loop_names(struct arena *arena, const struct stage *stage, const char *loop,
                             const char *names[2], struct error *error) {
    static const char suffixes[2] = {'o', 'i'};
    for (int n = 0; n < 2; n++) {
        int position;
        names[n] = arena_format(arena, "%s.%c", loop, suffixes[n]);
        if (step_loop(stage, names[n], &position, NULL) == DLT_OK)
            return error_set(error, DLT_ERROR_REFUSED, "the stage has a loop %s already", names[n]);
        if (strlen(names[n]) >= MAX_LOOP_NAME)
            return error_set(error, DLT_ERROR_REFUSED, "the loops' names would exceed %d bytes",
                             MAX_LOOP_NAME - 1);
    }
    return DLT_OK;
}

/* Replaces the loop by two in the draft and substitutes. */
static void split_loop(struct arena *arena, struct stage *draft, int position,
                       const char *const names[2], int64_t factor, enum split_tail tail,
                       int *next_id) {
    const struct loop old = draft->loops[position];
    int64_t extent = old.variable->extent;
    bool ragged = extent % factor != 0;
    const struct variable *outer =
        loop_variable(arena, names[0], (extent + factor - 1) / factor, next_id);
    const struct variable *inner = loop_variable(arena, names[1], factor, next_id);
    const struct affine *start = affine_scale(arena, affine_variable(arena, outer), factor);
    struct binding binding = {old.variable, NULL};
    for (int i = draft->loop_count++; i > position + 1; i--)
        draft->loops[i] = draft->loops[i - 1];
    draft->loops[position] = (struct loop){outer, LOOP_SERIAL, old.is_reduction};
    draft->loops[position + 1] = (struct loop){inner, LOOP_SERIAL, old.is_reduction};
    if (ragged && tail == TAIL_SHIFT)
        start = affine_minimum(arena, start, extent - factor);
    binding.replacement = affine_add(arena, start, affine_variable(arena, inner));
    stage_substitute(arena, draft, &binding, 1);
    if (ragged && tail == TAIL_GUARD)
        draft->constraints[draft->constraint_count++] =
            affine_subtract(arena, affine_constant(arena, extent - 1), binding.replacement);
    if (ragged && tail == TAIL_ROUND)
        draft->overruns = true;
}

static dlt_status split(struct schedule *schedule, const char *stage_name, const char *loop,
                        int64_t factor, enum split_tail tail, struct error *error) {
    struct stage *stage, draft;
    const struct variable *variable;
    const char *names[2];
    int position, next_id = schedule->next_variable_id;
    bool ragged;
    TRY(step_stage(schedule, stage_name, &stage, error));
    TRY(step_loop(stage, loop, &position, error));
    TRY(check_split(schedule, stage, position, factor, tail, error));
    TRY(loop_names(schedule->arena, stage, loop, names, error));
    variable = stage->loops[position].variable;
    ragged = variable->extent % factor != 0;
    draft = *stage;
    split_loop(schedule->arena, &draft, position, names, factor, tail, &next_id);
    TRY(check_slack(schedule->arena, &draft, error));
    TRY(stage_check_overlap(&draft, error));
    if (ragged && tail == TAIL_ROUND)
        TRY(check_round(schedule, stage, variable, &draft, error));
    TRY(step_record(schedule, error, "split %s %s %lld%s", stage_name, loop, (long long)factor,
                    ragged ? tail_names[tail] : ""));
    *stage = draft;
    schedule->next_variable_id = next_id;
    return DLT_OK;
}

dlt_status schedule_split(struct schedule *schedule, const char *stage, const char *loop,
                          int64_t factor, enum split_tail tail, struct error *error) {
    return step_context(split(schedule, stage, loop, factor, tail, error), error,
                        "split %.60s %.60s", stage, loop);
}

static dlt_status check_fuse(const struct schedule *schedule, const struct stage *stage, int outer,
                             int inner, struct error *error) {
    const struct loop *a = &stage->loops[outer], *b = &stage->loops[inner];
    if (inner != outer + 1)
        return error_set(error, DLT_ERROR_REFUSED,
                         "loop %s is not the one just inside of %s; reorder them first",
                         b->variable->name, a->variable->name);
    if (a->is_reduction != b->is_reduction)
        return error_set(error, DLT_ERROR_REFUSED,
                         "one is a reduction loop, the other not; both or neither may be");
    TRY(check_may_vanish(schedule, stage, outer, error));
    TRY(check_may_vanish(schedule, stage, inner, error));
    if (a->variable->extent > MAX_LOOP_EXTENT / b->variable->extent)
        return error_set(error, DLT_ERROR_REFUSED, "a loop of more than %lld trips",
                         (long long)MAX_LOOP_EXTENT);
    return DLT_OK;
}

static dlt_status fuse(struct schedule *schedule, const char *stage_name, const char *outer,
                       const char *inner, struct error *error) {
    struct arena *arena = schedule->arena;
    struct stage *stage, draft;
    int a, b, unused, next_id = schedule->next_variable_id;
    const struct variable *fused;
    const char *name;
    TRY(step_stage(schedule, stage_name, &stage, error));
    TRY(step_loop(stage, outer, &a, error));
    TRY(step_loop(stage, inner, &b, error));
    TRY(check_fuse(schedule, stage, a, b, error));
    name = arena_format(arena, "%s.%s", outer, inner);
    if (step_loop(stage, name, &unused, NULL) == DLT_OK)
        return error_set(error, DLT_ERROR_REFUSED, "the stage has a loop %s already", name);
    if (strlen(name) >= MAX_LOOP_NAME)
        return error_set(error, DLT_ERROR_REFUSED, "the loop's name would exceed %d bytes",
                         MAX_LOOP_NAME - 1);
    draft = *stage;
    int64_t inner_extent = stage->loops[b].variable->extent;
    fused = loop_variable(arena, name, stage->loops[a].variable->extent * inner_extent, &next_id);
    const struct affine *index = affine_variable(arena, fused);
    struct binding bindings[2] = {
        {stage->loops[a].variable, affine_divide(arena, index, inner_extent)},
        {stage->loops[b].variable, affine_remainder(arena, index, inner_extent)},
    };
    draft.loops[a].variable = fused;
    for (int i = b; i + 1 < draft.loop_count; i++)
        draft.loops[i] = draft.loops[i + 1];
    draft.loop_count--;
    stage_substitute(arena, &draft, bindings, 2);
    TRY(stage_check_overlap(&draft, error));
    TRY(step_record(schedule, error, "fuse %s %s %s", stage_name, outer, inner));
    *stage = draft;
    schedule->next_variable_id = next_id;
    return DLT_OK;
}

dlt_status schedule_fuse(struct schedule *schedule, const char *stage, const char *outer,
                         const char *inner, struct error *error) {
    return step_context(fuse(schedule, stage, outer, inner, error), error, "fuse %.60s %.60s %.60s",
                        stage, outer, inner);
}
