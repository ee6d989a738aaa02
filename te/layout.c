/* Layouts: offsets, printing, and copying tensors in and out; see layout.h. The parser is in
 * layout_parse.c.
 *
 * An offset is a sum over the axes, each axis adding what its own subscript makes of the dimensions
 * that hold a piece of it. */
#include "te/layout.h"

#include <inttypes.h>
#include <string.h>

dlt_status layout_plain(struct layout *layout, int rank, const int64_t *extents,
                        struct error *error) {
    double elements = 1;
    if (rank < 0 || rank > MAX_RANK)
        return error_set(error, DLT_ERROR_ARGUMENT, "%d axes, at most %d are possible", rank,
                         MAX_RANK);
    for (int axis = 0; axis < rank; axis++)
        elements *= (double)extents[axis];
    if (elements > (double)MAX_ELEMENTS)
        return error_set(error, DLT_ERROR_ARGUMENT, "%.0f elements, at most %lld are possible",
                         elements, (long long)MAX_ELEMENTS);
    *layout = (struct layout){.dimension_count = rank, .elements = 1};
    for (int axis = rank - 1; axis >= 0; axis--) {
        layout->dimensions[axis] = (struct layout_dimension){
            .axis = axis, .divisor = 1, .extent = extents[axis], .stride = layout->elements};
        layout->elements *= extents[axis];
    }
    return DLT_OK;
}

bool layout_equal(const struct layout *a, const struct layout *b) {
    if (a->dimension_count != b->dimension_count)
        return false;
    for (int i = 0; i < a->dimension_count; i++) {
        const struct layout_dimension *left = &a->dimensions[i], *right = &b->dimensions[i];
        if (left->axis != right->axis || left->divisor != right->divisor ||
            left->modulus != right->modulus || left->extent != right->extent)
            return false;
    }
    return true;
}

void layout_print(struct text *text, const struct layout *layout, const char *const *axis_names,
                  const int64_t *extents) {
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *dimension = &layout->dimensions[i];
        int64_t divisor = dimension->divisor;
        int64_t needed = dimension->modulus ? dimension->modulus
                                            : (extents[dimension->axis] + divisor - 1) / divisor;
        text_format(text, "%s%s", i ? " " : "", axis_names[dimension->axis]);
        if (divisor > 1)
            text_format(text, "/%" PRId64, divisor);
        if (dimension->modulus)
            text_format(text, "%%%" PRId64, dimension->modulus);
        if (dimension->extent != needed)
            text_format(text, ":%" PRId64, dimension->extent);
    }
}

const struct affine *layout_offset(struct arena *arena, const struct layout *layout,
                                   const struct affine *const *subscripts) {
    const struct affine *offset = affine_constant(arena, 0);
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *dimension = &layout->dimensions[i];
        const struct affine *piece =
            affine_divide(arena, subscripts[dimension->axis], dimension->divisor);
        if (dimension->modulus)
            piece = affine_remainder(arena, piece, dimension->modulus);
        offset = affine_add(arena, offset, affine_scale(arena, piece, dimension->stride));
    }
    return offset;
}

/* What one axis adds to the offset. */
static int64_t axis_offset(const struct layout *layout, int axis, int64_t subscript) {
    int64_t offset = 0;
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *dimension = &layout->dimensions[i];
        int64_t piece;
        if (dimension->axis != axis)
            continue;
        piece = subscript / dimension->divisor;
        if (dimension->modulus)
            piece %= dimension->modulus;
        offset += piece * dimension->stride;
    }
    return offset;
}

int64_t layout_offset_of(const struct layout *layout, const int64_t *subscripts) {
    int64_t offset = 0;
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *dimension = &layout->dimensions[i];
        int64_t piece = subscripts[dimension->axis] / dimension->divisor;
        if (dimension->modulus)
            piece %= dimension->modulus;
        offset += piece * dimension->stride;
    }
    return offset;
}

int64_t layout_used(const struct layout *layout, const int64_t *extents) {
    int64_t used = 1;
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *d = &layout->dimensions[i];
        int64_t needed = d->modulus ? d->modulus : (extents[d->axis] - 1) / d->divisor + 1;
        used += (needed - 1) * d->stride;
    }
    return used;
}

/* One copy of a tensor, as copy_axes walks it. */
struct copy {
    const struct layout *layout;
    int rank, bytes;
    const int64_t *extents;
    const char *source;
    char *destination;
    bool storing; /* from plain order to the layout */
    int64_t next; /* position in plain order */
};

static void copy_axes(struct copy *copy, int axis, int64_t offset) {
    if (axis < copy->rank) {
        for (int64_t i = 0; i < copy->extents[axis]; i++)
            copy_axes(copy, axis + 1, offset + axis_offset(copy->layout, axis, i));
        return;
    }
    size_t bytes = (size_t)copy->bytes;
    size_t laid_out = (size_t)offset * bytes, plain = (size_t)copy->next++ * bytes;
    if (copy->storing)
        memcpy(copy->destination + laid_out, copy->source + plain, bytes);
    else
        memcpy(copy->destination + plain, copy->source + laid_out, bytes);
}

void layout_store(const struct layout *layout, int rank, const int64_t *extents, int bytes,
                  const void *plain, void *laid_out) {
    struct copy copy = {layout, rank, bytes, extents, plain, laid_out, true, 0};
    memset(laid_out, 0, (size_t)layout->elements * (size_t)bytes);
    copy_axes(&copy, 0, 0);
}

void layout_load(const struct layout *layout, int rank, const int64_t *extents, int bytes,
                 const void *laid_out, void *plain) {
    struct copy copy = {layout, rank, bytes, extents, laid_out, plain, false, 0};
    copy_axes(&copy, 0, 0);
}
