/* Gaps between rows; see gaps.h. The gap of a dimension is the part of its extent that no index
 * needs: one stretch of memory for each combination of the dimensions outside. */
#include "measure/gaps.h"

#include <string.h>

static int64_t needed_extent(const struct tensor *tensor, const struct layout_dimension *piece) {
    int64_t extent = tensor->axes[piece->axis]->extent;
    return piece->modulus ? piece->modulus : (extent + piece->divisor - 1) / piece->divisor;
}

/* Every byte that is not `value`, of `count`, is a written one; answers the first, or -1. */
static int64_t find_written(const unsigned char *bytes, int64_t count, int value) {
    for (int64_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return i;
    return -1;
}

/* Gaps within gaps are met twice: zeroing waits until all were looked at. */
static bool walk(const struct tensor *tensor, unsigned char *output, bool zero, int prefill,
                 int64_t *offset) {
    int64_t element = data_types[tensor->type].bytes;
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *piece = &tensor->layout.dimensions[i];
        int64_t needed = needed_extent(tensor, piece);
        int64_t block = piece->extent * piece->stride;
        int64_t gap = (piece->extent - needed) * piece->stride * element;
        for (int64_t start = needed * piece->stride; gap && start < tensor->layout.elements;
             start += block) {
            int64_t written = zero ? -1 : find_written(output + start * element, gap, prefill);
            if (zero)
                memset(output + start * element, 0, (size_t)gap);
            if (written >= 0) {
                *offset = start + written / element;
                return false;
            }
        }
    }
    return true;
}

bool gaps_are_kept(const struct tensor *tensor, void *output, int prefill, int64_t *offset) {
    return walk(tensor, output, false, prefill, offset) &&
           walk(tensor, output, true, prefill, offset);
}
