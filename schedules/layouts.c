/* The layouts of stages: of their box, and how far beyond an axis they reach. See steps.h. */
#include "schedules/steps.h"

/* A piece without modulus bounds its axis; without one, the outermost piece's modulus does, where
 * places would be given twice. */
int64_t layout_capacity(const struct layout *layout, int axis) {
    int64_t bound = INT64_MAX, covered = 0;
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *piece = &layout->dimensions[i];
        if (piece->axis != axis)
            continue;
        if (piece->modulus == 0 && piece->divisor * piece->extent < bound)
            bound = piece->divisor * piece->extent;
        if (piece->divisor * piece->modulus > covered)
            covered = piece->divisor * piece->modulus;
    }
    return bound < INT64_MAX ? bound : covered;
}

/* The tensor's layout as text, without physical extents: those were for the whole tensor. */
static const char *order_text(struct arena *arena, const struct tensor *tensor,
                              const char *const *names) {
    const char *order = "";
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *piece = &tensor->layout.dimensions[i];
        order = arena_format(arena, "%s%s%s/%lld", order, i ? " " : "", names[piece->axis],
                             (long long)piece->divisor);
        if (piece->modulus)
            order = arena_format(arena, "%s%%%lld", order, (long long)piece->modulus);
    }
    return order;
}

dlt_status stage_layout(struct arena *arena, const struct stage *stage, const char *text,
                        struct layout *layout, struct error *error) {
    const struct tensor *tensor = stage->tensor;
    const char *names[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++)
        names[i] = tensor->axes[i]->name;
    if (!text && stage->attach == ATTACH_ROOT) {
        *layout = tensor->layout;
        return DLT_OK;
    }
    if (text)
        return step_context(
            layout_parse(layout, text, tensor->rank, names, stage->box_extent, error), error,
            "layout");
    if (layout_parse(layout, order_text(arena, tensor, names), tensor->rank, names,
                     stage->box_extent, NULL) == DLT_OK)
        return DLT_OK;
    return layout_plain(layout, tensor->rank, stage->box_extent, error);
}
