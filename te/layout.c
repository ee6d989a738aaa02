/* Layouts: parsing, checking, printing and offsets; see layout.h. */
#include "te/layout.h"
dlt_status layout_plain(struct layout *layout, int rank, const int64_t *extents,
                        struct error *error) {
    double elements = 1;
    *layout = (struct layout){.dimension_count = rank, .elements = 1};
    for (int axis = 0; axis < rank; axis++)
        elements *= (double)extents[axis];
    if (elements > (double)MAX_ELEMENTS)
        return error_set(error, DLT_ERROR_ARGUMENT, "%.0f elements, at most %lld are possible",
                         elements, (long long)MAX_ELEMENTS);
    for (int axis = rank - 1; axis >= 0; axis--) {
        layout->dimensions[axis] = (struct layout_dimension){
            .axis = axis, .divisor = 1, .extent = extents[axis], .stride = layout->elements};
        layout->elements *= extents[axis];
    }
    return DLT_OK;
}
