/* Schedules without steps: creating, finding, printing; what stages are made of. See schedule.h. */
#include "schedules/schedule.h"

#include "schedules/steps.h"

#include <string.h>

struct schedule *schedule_create(struct arena *arena, const struct expression *expression) {
    struct schedule *schedule = ARENA_NEW(arena, struct schedule);
    schedule->arena = arena;
    schedule->expression = expression;
    schedule->next_variable_id = expression->next_variable_id;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_COMPUTED)
            schedule->stages[schedule->stage_count++] =
                stage_create(arena, tensor, &schedule->next_variable_id);
    }
    schedule_update_packs_ahead(schedule);
    return schedule;
}

void schedule_free(struct schedule *schedule) {
    if (schedule)
        text_free(&schedule->trace);
}

struct stage *schedule_find(const struct schedule *schedule, const char *stage) {
    for (int i = 0; i < schedule->stage_count; i++)
        if (strcmp(schedule->stages[i]->name, stage) == 0)
            return schedule->stages[i];
    return NULL;
}

struct stage *schedule_stage_of(const struct schedule *schedule, const struct tensor *tensor) {
    for (int i = 0; i < schedule->stage_count; i++)
        if (schedule->stages[i]->tensor == tensor)
            return schedule->stages[i];
    return NULL;
}

struct stage *schedule_result(const struct schedule *schedule) {
    return schedule->stage_count ? schedule->stages[schedule->stage_count - 1] : NULL;
}

const char *schedule_trace(const struct schedule *schedule) {
    return text_string(&schedule->trace);
}

static void print_loops(struct text *text, const struct stage *stage) {
    static const char *const kinds[] = {
        [LOOP_SERIAL] = "",
        [LOOP_UNROLLED] = " unrolled",
        [LOOP_VECTORISED] = " vectorised",
        [LOOP_PARALLEL] = " parallel",
    };
    if (stage->has_tile && !stage->tile_loop)
        text_append(text, "    tile\n");
    for (int i = 0; i < stage->loop_count; i++) {
        const struct loop *loop = &stage->loops[i];
        text_format(text, "    for %s < %lld%s%s\n", loop->variable->name,
                    (long long)loop->variable->extent, loop->is_reduction ? " reduction" : "",
                    kinds[loop->kind]);
        if (stage->has_tile && stage->tile_loop == loop->variable)
            text_append(text, "    tile\n");
    }
}

static void print_equation(struct text *text, const char *word, const char *name,
                           const struct affine *value, const char *end) {
    text_format(text, "    %s%s", word, name);
    affine_print(text, value);
    text_append(text, end);
}

static void print_layout(struct text *text, const struct stage *stage) {
    const char *names[MAX_RANK];
    for (int i = 0; i < stage->tensor->rank; i++)
        names[i] = stage->tensor->axes[i]->name;
    text_append(text, ", layout ");
    layout_print(text, &stage->layout, names, stage->box_extent);
    for (int i = 0; i < stage->layout.dimension_count; i++)
        if (layout_padding(&stage->layout, i))
            text_format(text, ", %s padded by %lld", names[stage->layout.dimensions[i].axis],
                        (long long)layout_padding(&stage->layout, i));
    text_append(text, "\n");
}

static void print_box(struct text *text, const struct stage *stage) {
    for (int i = 0; i < stage->tensor->rank; i++) {
        text_format(text, "    box %s from ", stage->tensor->axes[i]->name);
        affine_print(text, stage->box_minimum[i]);
        text_format(text, ", %lld long\n", (long long)stage->box_extent[i]);
    }
}

static void print_stage(struct text *text, const struct stage *stage) {
    const struct tensor *tensor = stage->tensor;
    text_format(text, "stage %s", stage->name);
    if (stage->attach == ATTACH_LOOP)
        text_format(text, " at %s %s", stage->consumer->name, stage->attach_loop->name);
    else
        text_append(text, " at root");
    if (stage->packs_ahead)
        text_append(text, ", packs ahead");
    print_layout(text, stage);
    if (stage->attach == ATTACH_LOOP)
        print_box(text, stage);
    print_loops(text, stage);
    for (int i = 0; i < tensor->rank; i++)
        print_equation(text, tensor->axes[i]->name, " = ", stage->axis_values[i], "\n");
    for (int i = 0; i < tensor->reduction_rank; i++)
        print_equation(text, tensor->reduction_axes[i]->name, " = ", stage->reduction_values[i],
                       "\n");
    for (int i = 0; i < stage->constraint_count; i++)
        print_equation(text, "where ", "", stage->constraints[i], " >= 0\n");
    if (stage->overruns)
        text_append(text, "    overruns\n");
    text_format(text, "    %s%s", tensor->combiner ? combiners[tensor->combiner].name : "",
                tensor->combiner ? " of " : "");
    value_print(text, stage->body);
    text_append(text, "\n");
}

void schedule_print(struct text *text, const struct schedule *schedule) {
    for (int i = 0; i < schedule->stage_count; i++)
        print_stage(text, schedule->stages[i]);
}
