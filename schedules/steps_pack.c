/* The steps that change how tensors lie in memory: pack and layout. See schedule.h.
 *
 * Packing adds an identity stage with another layout, which is from then on scheduled like any
 * other; all that read the tensor read the packed one. */
#include "schedules/steps.h"

#include <string.h>

static const struct tensor *find_tensor(const struct schedule *schedule, const char *name) {
    const struct stage *stage = schedule_find(schedule, name);
    const struct tensor *tensor = expression_find(schedule->expression, name);
    if (stage)
        return stage->tensor;
    return tensor && tensor->kind != TENSOR_COMPUTED ? tensor : NULL;
}

/* The tensor of the identity stage: packed[axes] = tensor[axes]. */
static struct tensor *packed_tensor(struct arena *arena, const struct tensor *tensor,
                                    const char *name, int *next_id) {
    struct tensor *packed = ARENA_NEW(arena, struct tensor);
    const struct affine **subscripts =
        ARENA_ARRAY(arena, const struct affine *, (size_t)tensor->rank);
    packed->name = name;
    packed->kind = TENSOR_COMPUTED;
    packed->type = tensor->type;
    packed->rank = tensor->rank;
    for (int i = 0; i < tensor->rank; i++) {
        packed->axes[i] =
            loop_variable(arena, tensor->axes[i]->name, tensor->axes[i]->extent, next_id);
        subscripts[i] = affine_variable(arena, packed->axes[i]);
    }
    packed->body = value_read(arena, tensor, subscripts);
    return packed;
}

static dlt_status check_pack(const struct schedule *schedule, const char *name,
                             const struct tensor *tensor, int *first_reader, struct error *error) {
    const struct stage *stage = tensor ? schedule_stage_of(schedule, tensor) : NULL;
    if (!tensor)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor: %.100s is neither an input nor a stage", name);
    if (stage && stage == schedule_result(schedule))
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s is the result; an input or an intermediate stage may be", name);
    if (stage && stage->attach == ATTACH_LOOP)
        return error_set(error, DLT_ERROR_REFUSED,
                         "stage %s is attached at a loop; pack it before, or use layout", name);
    if (schedule->stage_count == MAX_STAGES)
        return error_set(error, DLT_ERROR_REFUSED, "there are %d stages already, the most",
                         MAX_STAGES);
    *first_reader = -1;
    for (int i = schedule->stage_count - 1; i >= 0; i--) {
        if (!value_count_reads(schedule->stages[i]->body, tensor))
            continue;
        *first_reader = i;
        if (schedule->stages[i]->overruns)
            return error_set(error, DLT_ERROR_REFUSED,
                             "stage %s reads it in loops rounded up; pack before that split",
                             schedule->stages[i]->name);
    }
    if (*first_reader < 0)
        return error_set(error, DLT_ERROR_REFUSED, "no stage reads it");
    return DLT_OK;
}

static dlt_status packed_name(const struct schedule *schedule, const char *tensor,
                              const char **name, struct error *error) {
    *name = arena_format(schedule->arena, "%s.packed", tensor);
    if (strlen(*name) >= MAX_NAME)
        return error_set(error, DLT_ERROR_REFUSED, "the name %.100s would exceed %d bytes", *name,
                         MAX_NAME - 1);
    if (schedule_find(schedule, *name) || expression_find(schedule->expression, *name))
        return error_set(error, DLT_ERROR_REFUSED, "%s exists already; a tensor is packed once",
                         *name);
    return DLT_OK;
}

/* The layout's text as it is printed, so that equal layouts have equal traces. The copy is
 * allocated first: an arena that is out of memory leaves, and the text would be lost. */
static const char *canonical_layout(struct arena *arena, const struct stage *stage) {
    enum {
        MAX_LAYOUT_TEXT = MAX_LAYOUT_DIMENSIONS * (MAX_NAME + 64)
    };
    struct text text = {0};
    const char *names[MAX_RANK];
    char *copy = arena_allocate(arena, MAX_LAYOUT_TEXT);
    bool fits;
    for (int i = 0; i < stage->tensor->rank; i++)
        names[i] = stage->tensor->axes[i]->name;
    layout_print(&text, &stage->layout, names, stage->box_extent);
    fits = !text.failed && text.length < MAX_LAYOUT_TEXT;
    if (fits)
        memcpy(copy, text_string(&text), text.length);
    text_free(&text);
    return fits ? copy : NULL;
}

static dlt_status set_layout(struct arena *arena, struct stage *stage, const char *layout,
                             struct error *error) {
    TRY(stage_layout(arena, stage, layout, &stage->layout, error));
    stage->layout_text = canonical_layout(arena, stage);
    if (!stage->layout_text)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory for the layout's text");
    return DLT_OK;
}

static dlt_status pack(struct schedule *schedule, const char *tensor_name, const char *layout,
                       struct error *error) {
    struct arena *arena = schedule->arena;
    const struct tensor *tensor = find_tensor(schedule, tensor_name);
    const struct value *bodies[MAX_STAGES];
    const char *name;
    int first = -1, next_id = schedule->next_variable_id;
    TRY(packed_name(schedule, tensor_name, &name, error));
    TRY(check_pack(schedule, tensor_name, tensor, &first, error));
    struct tensor *packed = packed_tensor(arena, tensor, name, &next_id);
    struct stage *stage = stage_create(arena, packed, &next_id);
    TRY(set_layout(arena, stage, layout, error));
    packed->layout = stage->layout;
    for (int i = 0; i < schedule->stage_count; i++)
        bodies[i] = value_rename(arena, schedule->stages[i]->body, tensor, packed);
    TRY(step_record(schedule, error, "pack %s %s", tensor_name, stage->layout_text));
    for (int i = 0; i < schedule->stage_count; i++)
        schedule->stages[i]->body = bodies[i];
    for (int i = schedule->stage_count++; i > first; i--)
        schedule->stages[i] = schedule->stages[i - 1];
    schedule->stages[first] = stage;
    schedule->next_variable_id = next_id;
    schedule_update_packs_ahead(schedule);
    return DLT_OK;
}

dlt_status schedule_pack(struct schedule *schedule, const char *tensor, const char *layout,
                         struct error *error) {
    return step_context(pack(schedule, tensor, layout, error), error, "pack %.60s", tensor);
}

static dlt_status change_layout(struct schedule *schedule, const char *name, const char *layout,
                                struct error *error) {
    struct stage *stage, draft;
    TRY(step_stage(schedule, name, &stage, error));
    if (stage == schedule_result(schedule))
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s is the result, whose layout the task states; an intermediate stage's "
                         "may be chosen",
                         name);
    if (stage->overruns)
        return error_set(error, DLT_ERROR_REFUSED,
                         "its loops are rounded up to its layout; choose it before that split");
    for (int i = 0; i < schedule->stage_count; i++)
        if (schedule->stages[i]->overruns &&
            value_count_reads(schedule->stages[i]->body, stage->tensor))
            return error_set(error, DLT_ERROR_REFUSED,
                             "stage %s reads it in loops rounded up; choose the layout before "
                             "that split",
                             schedule->stages[i]->name);
    draft = *stage;
    TRY(set_layout(schedule->arena, &draft, layout, error));
    TRY(step_record(schedule, error, "layout %s %s", name, draft.layout_text));
    *stage = draft;
    return DLT_OK;
}

dlt_status schedule_layout(struct schedule *schedule, const char *stage, const char *layout,
                           struct error *error) {
    return step_context(change_layout(schedule, stage, layout, error), error, "layout %.60s",
                        stage);
}
