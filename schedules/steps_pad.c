/* The step pad: rows of a stage's buffer lie some cache lines further apart. See schedule.h.
 *
 * Rows whose distance is a large power of two fall on few sets of a cache, which then holds few of
 * them at once however large it is. A line or two between them spreads them over all sets. What
 * lies between the rows is neither read nor written. */
#include "schedules/steps.h"

#include <string.h>

int64_t layout_padding(const struct layout *layout, int dimension) {
    const struct layout_dimension *inner = &layout->dimensions[dimension + 1];
    bool is_last = dimension + 1 == layout->dimension_count;
    int64_t packed = is_last ? 1 : inner->stride * inner->extent;
    int64_t stride = layout->dimensions[dimension].stride;
    return stride > packed ? stride - packed : 0; /* steps of phases may be less than packed */
}

bool layout_is_padded(const struct layout *layout) {
    for (int i = 0; i < layout->dimension_count; i++)
        if (layout_padding(layout, i))
            return true;
    return false;
}

bool layout_pad(struct layout *layout, int dimension, int64_t elements) {
    struct layout padded = *layout;
    double all = 1;
    for (int i = layout->dimension_count - 1; i >= 0; i--) {
        struct layout_dimension *piece = &padded.dimensions[i];
        all += (double)layout_padding(layout, i) + (i == dimension ? (double)elements : 0);
        piece->stride = (int64_t)all;
        all *= (double)piece->extent;
        if (all > (double)MAX_ELEMENTS)
            return false;
    }
    padded.elements = (int64_t)all;
    *layout = padded;
    return true;
}

const char *layout_piece_name(struct arena *arena, const struct layout *layout,
                              const struct tensor *tensor, int dimension) {
    const struct layout_dimension *piece = &layout->dimensions[dimension];
    const char *name = tensor->axes[piece->axis]->name;
    if (piece->divisor > 1)
        name = arena_format(arena, "%s/%lld", name, (long long)piece->divisor);
    if (piece->modulus)
        name = arena_format(arena, "%s%%%lld", name, (long long)piece->modulus);
    return name;
}

static dlt_status find_piece(struct arena *arena, const struct stage *stage, const char *name,
                             int *dimension, struct error *error) {
    const char *names = "";
    for (int i = 0; i < stage->layout.dimension_count; i++) {
        const char *piece = layout_piece_name(arena, &stage->layout, stage->tensor, i);
        *dimension = i;
        if (strcmp(piece, name) == 0)
            return DLT_OK;
        names = arena_format(arena, "%s %s", names, piece);
    }
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "dimension: %.60s is none of the layout's; they are%.150s", name, names);
}

static dlt_status pad(struct schedule *schedule, const char *name, const char *piece, int64_t lines,
                      struct error *error) {
    struct stage *stage;
    struct layout layout;
    int dimension = -1;
    TRY(step_stage(schedule, name, &stage, error));
    if (stage == schedule_result(schedule))
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s is the result, whose layout the task states; an intermediate stage "
                         "may be",
                         name);
    TRY(find_piece(schedule->arena, stage, piece, &dimension, error));
    if (lines < 1 || lines > MAX_PADDING_LINES)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "lines: %lld are not a number from 1 to %d cache lines", (long long)lines,
                         MAX_PADDING_LINES);
    layout = stage->layout;
    if (dimension + 1 == layout.dimension_count)
        return error_set(error, DLT_ERROR_REFUSED,
                         "%s is the innermost dimension, whose neighbours stay side by side",
                         piece);
    if (layout_padding(&layout, dimension))
        return error_set(error, DLT_ERROR_REFUSED, "dimension %s is padded already", piece);
    if (!layout_pad(&layout, dimension,
                    lines * PADDING_LINE_BYTES / data_types[stage->tensor->type].bytes))
        return error_set(error, DLT_ERROR_REFUSED, "more than %lld elements",
                         (long long)MAX_ELEMENTS);
    TRY(step_record(schedule, error, "pad %s %s %lld", name, piece, (long long)lines));
    stage->layout = layout;
    return DLT_OK;
}

dlt_status schedule_pad(struct schedule *schedule, const char *stage, const char *dimension,
                        int64_t lines, struct error *error) {
    return step_context(pad(schedule, stage, dimension, lines, error), error, "pad %.60s", stage);
}
