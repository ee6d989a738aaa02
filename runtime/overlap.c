/* Overlap of strided tensors; see overlap.h.
 *
 * A tensor is runs of bytes without a gap, at addresses that differ by multiples of its other
 * strides. If all those strides, of both tensors, are multiples of a pitch, then a run of either
 * takes the same places modulo the pitch as all its others; where these places are apart, so are
 * the tensors. */
#include "runtime/overlap.h"

#include "base/divisor.h"

struct extent {
    uintptr_t begin, end; /* of all its elements */
    int64_t run;          /* bytes without a gap */
    int64_t pitch;        /* divides the strides from one run to another; 0: there is one run */
};

static struct extent extent_of(const struct tensor_form *form, const void *address) {
    const dlt_tensor_info *info = &form->info;
    int64_t bytes = form->bytes_each, last = 0, run = 1;
    struct extent extent = {.begin = (uintptr_t)address};
    bool grows = true;
    while (grows) { /* by the axis whose stride is what there is without a gap */
        grows = false;
        for (int i = 0; i < info->rank; i++)
            if (info->shape[i] > 1 && info->strides[i] == run) {
                run *= info->shape[i];
                grows = true;
                break;
            }
    }
    for (int i = 0; i < info->rank; i++) {
        last += (info->shape[i] - 1) * info->strides[i];
        if (info->shape[i] > 1 && info->strides[i] >= run)
            extent.pitch = greatest_common_divisor(extent.pitch, info->strides[i] * bytes);
    }
    extent.run = run * bytes;
    extent.end = extent.begin + (uintptr_t)(last + 1) * (uintptr_t)bytes;
    return extent;
}

bool tensors_overlap(const struct tensor_form *a, const void *address_of_a,
                     const struct tensor_form *b, const void *address_of_b) {
    struct extent left = extent_of(a, address_of_a), right = extent_of(b, address_of_b);
    uintptr_t pitch = (uintptr_t)greatest_common_divisor(left.pitch, right.pitch), distance;
    if (left.end <= right.begin || right.end <= left.begin)
        return false;
    if (pitch == 0)
        return true;
    distance = left.begin <= right.begin ? (right.begin - left.begin) % pitch
                                         : (pitch - (left.begin - right.begin) % pitch) % pitch;
    /* from the start of a run of `left` to the next one's of `right` */
    return distance < (uintptr_t)left.run || distance + (uintptr_t)right.run > pitch;
}
