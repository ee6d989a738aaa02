/* Where elements lie in memory; see definition.h. */
#include "definition.h"

#include <inttypes.h>
#include <stdio.h>

void layout_append(struct layout *layout, const struct tensor *tensor, int axis, int64_t divisor,
                   int64_t modulus, int64_t extent) {
    int64_t needed = modulus ? modulus : (tensor->axes[axis].extent + divisor - 1) / divisor;
    layout->dimensions[layout->count++] = (struct dimension){.axis = axis,
                                                             .divisor = divisor,
                                                             .modulus = modulus,
                                                             .needed = needed,
                                                             .extent = extent ? extent : needed};
}

void layout_finish(struct layout *layout) {
    layout->elements = 1;
    for (int i = layout->count - 1; i >= 0; i--) {
        layout->dimensions[i].stride = layout->elements;
        layout->elements *= layout->dimensions[i].extent;
    }
}

void layout_plain(struct layout *layout, const struct tensor *tensor) {
    layout->count = 0;
    for (int axis = 0; axis < tensor->rank; axis++)
        layout_append(layout, tensor, axis, 1, 0, 0);
    layout_finish(layout);
}

int64_t layout_offset(const struct layout *layout, const int64_t *subscripts) {
    int64_t offset = 0;
    for (int i = 0; i < layout->count; i++) {
        const struct dimension *d = &layout->dimensions[i];
        int64_t piece = subscripts[d->axis] / d->divisor;
        offset += (d->modulus ? piece % d->modulus : piece) * d->stride;
    }
    return offset;
}

enum place layout_place(const struct layout *layout, const struct tensor *tensor, int64_t offset) {
    int64_t subscripts[MOST_SLOTS] = {0};
    for (int i = 0; i < layout->count; i++) {
        const struct dimension *d = &layout->dimensions[i];
        int64_t piece = offset / d->stride % d->extent;
        if (piece >= d->needed)
            return PLACE_GAP;
        subscripts[d->axis] += piece * d->divisor;
    }
    for (int axis = 0; axis < tensor->rank; axis++)
        if (subscripts[axis] >= tensor->axes[axis].extent)
            return PLACE_LANE;
    return PLACE_ELEMENT;
}

int64_t layout_end(const struct layout *layout, const struct tensor *tensor) {
    int64_t end = layout->elements;
    while (end > 1 && layout_place(layout, tensor, end - 1) == PLACE_GAP)
        end--;
    return end;
}

int layout_text(char *text, size_t size, const struct layout *layout, const struct tensor *tensor,
                const char *separator) {
    int used = 0;
    text[0] = 0;
    for (int i = 0; i < layout->count; i++) {
        const struct dimension *d = &layout->dimensions[i];
        used += snprintf(text + used, size - (size_t)used, "%s%s", i ? separator : "",
                         tensor->axes[d->axis].name);
        if (d->divisor > 1)
            used += snprintf(text + used, size - (size_t)used, "/%" PRId64, d->divisor);
        if (d->modulus)
            used += snprintf(text + used, size - (size_t)used, "%%%" PRId64, d->modulus);
        if (d->extent != d->needed)
            used += snprintf(text + used, size - (size_t)used, ":%" PRId64, d->extent);
    }
    return used;
}
