/* Stages: their first loops, the values of their axes, how they hang together. See steps.h. */
#include "schedules/steps.h"

#include <string.h>

const struct variable *loop_variable(struct arena *arena, const char *name, int64_t extent,
                                     int *next_id) {
    struct variable *variable = ARENA_NEW(arena, struct variable);
    variable->name = name;
    variable->id = (*next_id)++;
    variable->extent = extent;
    return variable;
}

static const struct affine *add_loop(struct arena *arena, struct stage *stage,
                                     const struct variable *axis, int64_t extent, bool is_reduction,
                                     int *next_id) {
    struct loop *loop = &stage->loops[stage->loop_count++];
    loop->variable = loop_variable(arena, axis->name, extent, next_id);
    loop->kind = LOOP_SERIAL;
    loop->is_reduction = is_reduction;
    return affine_variable(arena, loop->variable);
}

/* Keeps the values of an axis inside the tensor where the box may reach beyond it. */
static void constrain_axis(struct arena *arena, struct stage *stage, const struct affine *value,
                           int64_t extent) {
    int64_t lowest, highest;
    affine_range(value, &lowest, &highest);
    if (lowest < 0)
        stage->constraints[stage->constraint_count++] = value;
    if (highest >= extent)
        stage->constraints[stage->constraint_count++] =
            affine_subtract(arena, affine_constant(arena, extent - 1), value);
}

void stage_start_loops(struct arena *arena, struct stage *stage, int *next_id) {
    const struct tensor *tensor = stage->tensor;
    stage->loop_count = stage->constraint_count = 0;
    for (int i = 0; i < tensor->rank; i++) {
        const struct affine *loop =
            add_loop(arena, stage, tensor->axes[i], stage->box_extent[i], false, next_id);
        stage->axis_values[i] = affine_add(arena, stage->box_minimum[i], loop);
        constrain_axis(arena, stage, stage->axis_values[i], tensor->axes[i]->extent);
    }
    for (int i = 0; i < tensor->reduction_rank; i++) {
        const struct variable *axis = tensor->reduction_axes[i];
        stage->reduction_values[i] = add_loop(arena, stage, axis, axis->extent, true, next_id);
    }
}

struct stage *stage_create(struct arena *arena, const struct tensor *tensor, int *next_id) {
    struct stage *stage = ARENA_NEW(arena, struct stage);
    stage->name = tensor->name;
    stage->tensor = tensor;
    stage->layout = tensor->layout;
    stage->body = tensor->body;
    stage->attach = ATTACH_ROOT;
    for (int i = 0; i < tensor->rank; i++) {
        stage->box_minimum[i] = affine_constant(arena, 0);
        stage->box_extent[i] = tensor->axes[i]->extent;
    }
    stage_start_loops(arena, stage, next_id);
    return stage;
}

bool stage_is_untouched(const struct stage *stage) {
    const struct tensor *tensor = stage->tensor;
    if (stage->has_tile || stage->loop_count != tensor->rank + tensor->reduction_rank)
        return false;
    for (int i = 0; i < stage->loop_count; i++) {
        const struct variable *axis =
            i < tensor->rank ? tensor->axes[i] : tensor->reduction_axes[i - tensor->rank];
        if (stage->loops[i].kind != LOOP_SERIAL ||
            strcmp(stage->loops[i].variable->name, axis->name) != 0)
            return false;
    }
    return true;
}

int stage_position(const struct stage *stage, const struct variable *loop) {
    for (int i = 0; i < stage->loop_count; i++)
        if (stage->loops[i].variable == loop)
            return i;
    return -1;
}

void stage_substitute(struct arena *arena, struct stage *stage, const struct binding *bindings,
                      int count) {
    for (int i = 0; i < stage->tensor->rank; i++)
        stage->axis_values[i] = affine_substitute(arena, stage->axis_values[i], bindings, count);
    for (int i = 0; i < stage->tensor->reduction_rank; i++)
        stage->reduction_values[i] =
            affine_substitute(arena, stage->reduction_values[i], bindings, count);
    for (int i = 0; i < stage->constraint_count; i++)
        stage->constraints[i] = affine_substitute(arena, stage->constraints[i], bindings, count);
}

int stage_bindings(const struct stage *stage, struct binding *bindings) {
    const struct tensor *tensor = stage->tensor;
    int count = 0;
    for (int i = 0; i < tensor->rank; i++)
        bindings[count++] = (struct binding){tensor->axes[i], stage->axis_values[i]};
    for (int i = 0; i < tensor->reduction_rank; i++)
        bindings[count++] = (struct binding){tensor->reduction_axes[i], stage->reduction_values[i]};
    return count;
}

static bool uses_in_minimum(const struct affine *value, const struct variable *variable) {
    for (int i = 0; i < value->term_count; i++) {
        const struct affine_term *term = &value->terms[i];
        if (term->kind == ATOM_VARIABLE)
            continue;
        if (term->kind == ATOM_MINIMUM ? affine_uses(term->operand, variable)
                                       : uses_in_minimum(term->operand, variable))
            return true;
    }
    return false;
}

bool stage_loop_overlaps(const struct stage *stage, const struct variable *loop) {
    for (int i = 0; i < stage->tensor->rank; i++)
        if (uses_in_minimum(stage->axis_values[i], loop))
            return true;
    return false;
}

bool schedule_stores_once(const struct schedule *schedule) {
    const struct stage *stage = schedule_result(schedule);
    for (int i = 0; i < stage->loop_count; i++)
        if (stage_loop_overlaps(stage, stage->loops[i].variable))
            return false;
    return true;
}

dlt_status stage_check_overlap(const struct stage *stage, struct error *error) {
    const struct loop *reduction = NULL;
    bool accumulates = tensor_accumulates(stage->tensor);
    for (int i = 0; i < stage->loop_count; i++) {
        const struct loop *loop = &stage->loops[i];
        if (loop->is_reduction)
            reduction = loop;
        else if (accumulates && stage_loop_overlaps(stage, loop->variable))
            return error_set(error, DLT_ERROR_REFUSED,
                             "trips of loop %s overlap (shift), and %s accumulates: elements would "
                             "be added twice to what they held before; it may be split with guard",
                             loop->variable->name, stage->tensor->name);
        else if (reduction && stage_loop_overlaps(stage, loop->variable))
            return error_set(error, DLT_ERROR_REFUSED,
                             "trips of loop %s overlap (shift), and inside of reduction loop %s "
                             "elements would be accumulated twice; it may be outside of all "
                             "reduction loops, or split with guard",
                             loop->variable->name, reduction->variable->name);
    }
    return DLT_OK;
}

const struct stage *schedule_attached(const struct schedule *schedule, const struct stage *stage,
                                      int position) {
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *other = schedule->stages[i];
        if (other->attach == ATTACH_LOOP && other->consumer == stage &&
            stage_position(stage, other->attach_loop) >= position)
            return other;
    }
    return NULL;
}

struct ahead {
    const struct schedule *schedule;
    const bool *known; /* of each stage: depends on what is known ahead only */
    bool result;
};

static void visit_ahead(void *context, const struct value *read) {
    struct ahead *ahead = context;
    if (read->tensor->kind == TENSOR_VARIABLE)
        ahead->result = false;
    for (int i = 0; i < ahead->schedule->stage_count; i++)
        if (ahead->schedule->stages[i]->tensor == read->tensor && !ahead->known[i])
            ahead->result = false;
}

/* Where there is no parameter there is nothing to pack, and nobody need ask for it: what depends on
 * literals and indices alone is then computed in each call. */
void schedule_update_packs_ahead(struct schedule *schedule) {
    bool known[MAX_STAGES] = {false}, packs = expression_has_parameters(schedule->expression);
    for (int i = 0; i < schedule->stage_count; i++) {
        struct stage *stage = schedule->stages[i];
        struct ahead ahead = {schedule, known, true};
        value_visit_reads(stage->body, visit_ahead, &ahead);
        known[i] = ahead.result;
        stage->packs_ahead =
            packs && known[i] && stage->attach == ATTACH_ROOT && stage != schedule_result(schedule);
    }
}
