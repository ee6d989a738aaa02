/* DLTensors against what a kernel needs; see tensors.h. */
#include "runtime/tensors.h"

#include <inttypes.h>

_Static_assert((int)DLT_MAX_RANK >= (int)MAX_LAYOUT_DIMENSIONS, "a layout's dimensions fit");
_Static_assert((int)DLT_MAX_RANK >= (int)MAX_RANK, "a tensor's axes fit");

static const DLDataType dlpack_types[TYPE_COUNT] = {
    [TYPE_F32] = {kDLFloat, 32, 1}, [TYPE_F64] = {kDLFloat, 64, 1},
    [TYPE_S32] = {kDLInt, 32, 1},   [TYPE_S8] = {kDLInt, 8, 1},
    [TYPE_U8] = {kDLUInt, 8, 1},    [TYPE_BF16] = {kDLBfloat, 16, 1},
};

/* True if each axis of more than one element is one whole dimension. */
static bool keeps_axes_whole(const struct tensor *tensor) {
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *dimension = &tensor->layout.dimensions[i];
        if (dimension->divisor != 1 || dimension->modulus != 0)
            return false;
    }
    return true;
}

static void fill_logical(const struct tensor *tensor, struct tensor_form *form) {
    form->info.rank = tensor->rank;
    for (int axis = 0; axis < tensor->rank; axis++) {
        form->axis_names[axis] = tensor->axes[axis]->name;
        form->info.shape[axis] = tensor->axes[axis]->extent;
        form->info.strides[axis] = 1;
    }
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *dimension = &tensor->layout.dimensions[i];
        form->info.strides[dimension->axis] = dimension->stride;
    }
}

static void fill_physical(struct arena *arena, const struct tensor *tensor,
                          struct tensor_form *form) {
    form->info.rank = tensor->layout.dimension_count;
    for (int i = 0; i < tensor->layout.dimension_count; i++) {
        const struct layout_dimension *dimension = &tensor->layout.dimensions[i];
        const char *name = tensor->axes[dimension->axis]->name;
        if (dimension->divisor > 1)
            name = arena_format(arena, "%s/%" PRId64, name, dimension->divisor);
        if (dimension->modulus)
            name = arena_format(arena, "%s%%%" PRId64, name, dimension->modulus);
        form->axis_names[i] = name;
        form->info.shape[i] = dimension->extent;
        form->info.strides[i] = dimension->stride;
    }
}

static const char *layout_text(struct arena *arena, const struct tensor *tensor) {
    const char *names[MAX_RANK], *copy;
    int64_t extents[MAX_RANK];
    struct text text = {0};
    for (int axis = 0; axis < tensor->rank; axis++) {
        names[axis] = tensor->axes[axis]->name;
        extents[axis] = tensor->axes[axis]->extent;
    }
    layout_print(&text, &tensor->layout, names, extents);
    copy = text.length < 512 ? arena_format(arena, "%s", text_string(&text)) : "";
    text_free(&text);
    return copy;
}

dlt_status tensor_form(struct arena *arena, const struct tensor *tensor, struct tensor_form *form,
                       struct error *error) {
    *form = (struct tensor_form){.bytes_each = data_types[tensor->type].bytes};
    if (!dlpack_types[tensor->type].bits)
        return error_set(error, DLT_ERROR_REFUSED, "%s: DLPack has no type for %s", tensor->name,
                         data_types[tensor->type].name);
    form->info.name = tensor->name;
    form->info.type = dlpack_types[tensor->type];
    form->info.elements = tensor->layout.elements;
    form->info.layout = layout_text(arena, tensor);
    if (keeps_axes_whole(tensor))
        fill_logical(tensor, form);
    else
        fill_physical(arena, tensor, form);
    return DLT_OK;
}

static dlt_status check_shape(const struct tensor_form *form, const char *role,
                              const DLTensor *tensor, struct error *error) {
    const dlt_tensor_info *info = &form->info;
    if (tensor->ndim != info->rank)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s %s: has %d axes, the kernel's has %d", role,
                         info->name, tensor->ndim, info->rank);
    if (info->rank && !tensor->shape)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s %s: its shape is NULL", role, info->name);
    for (int i = 0; i < info->rank; i++)
        if (tensor->shape[i] != info->shape[i])
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s %s: axis %s is %" PRId64 ", the kernel's is %" PRId64, role,
                             info->name, form->axis_names[i], tensor->shape[i], info->shape[i]);
    return DLT_OK;
}

/* Shapes are equal already. */
static dlt_status check_strides(const struct tensor_form *form, const char *role,
                                const DLTensor *tensor, struct error *error) {
    const dlt_tensor_info *info = &form->info;
    int64_t compact = 1;
    for (int i = info->rank - 1; i >= 0; i--) {
        int64_t stride = tensor->strides ? tensor->strides[i] : compact;
        if (info->shape[i] > 1 && stride != info->strides[i])
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "%s %s: the stride of axis %s is %" PRId64
                             " elements, the kernel's layout `%s` has %" PRId64,
                             role, info->name, form->axis_names[i], stride, info->layout,
                             info->strides[i]);
        compact *= info->shape[i];
    }
    return DLT_OK;
}

static dlt_status check_element(const struct tensor_form *form, const char *role,
                                const DLTensor *tensor, struct error *error) {
    const DLDataType have = tensor->dtype, want = form->info.type;
    static const char *const codes[] = {"int", "uint", "float", "handle", "bfloat", "complex"};
    if (tensor->device.device_type != kDLCPU)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "%s %s: is on a device of DLPack's kind %d, not in the CPU's memory (%d)",
                         role, form->info.name, (int)tensor->device.device_type, (int)kDLCPU);
    if (have.code == want.code && have.bits == want.bits && have.lanes == want.lanes)
        return DLT_OK;
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "%s %s: its elements are %s of %d bits and %d lanes, the kernel's %s of %d "
                     "bits and 1 lane",
                     role, form->info.name,
                     have.code < sizeof codes / sizeof codes[0] ? codes[have.code] : "unknown",
                     have.bits, have.lanes, codes[want.code], want.bits);
}

dlt_status tensor_address(const struct tensor_form *form, const char *role, const DLTensor *tensor,
                          void **address, struct error *error) {
    const char *name = form->info.name;
    if (!tensor)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s %s: is NULL", role, name);
    TRY(check_element(form, role, tensor, error));
    TRY(check_shape(form, role, tensor, error));
    TRY(check_strides(form, role, tensor, error));
    if (!tensor->data)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s %s: its data is NULL", role, name);
    *address = (char *)tensor->data + tensor->byte_offset;
    if ((uintptr_t)*address % (uintptr_t)form->bytes_each != 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s %s: its data is not aligned to %d bytes",
                         role, name, form->bytes_each);
    return DLT_OK;
}
