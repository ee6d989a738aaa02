/* Describing, packing and running a kernel: everything is checked before the first byte is
 * written. */
#include "runtime/overlap.h"
#include "runtime/runtime.h"

const char *dlt_origin_name(dlt_origin origin) {
    static const char *const names[] = {
        [DLT_ORIGIN_EXACT] = "exact",
        [DLT_ORIGIN_ADAPTED] = "adapted",
        [DLT_ORIGIN_DEFAULT] = "default",
    };
    return (unsigned)origin < sizeof names / sizeof names[0] ? names[origin] : "unknown";
}

void dlt_kernel_describe(const dlt_kernel *kernel, dlt_kernel_info *info) {
    *info = kernel->info;
}

size_t dlt_kernel_workspace_bytes(const dlt_kernel *kernel, int thread_count) {
    const struct kernel *native = kernel->native;
    int slots = thread_count > 1 ? thread_count : 1;
    return (size_t)native->shared_bytes + (size_t)slots * (size_t)native->private_bytes;
}

static dlt_status fail(const dlt_kernel *kernel, const struct error *error) {
    return handle_fail(&kernel->handle, error);
}

dlt_status dlt_kernel_tensor(const dlt_kernel *kernel, dlt_role role, int index,
                             dlt_tensor_info *info) {
    const struct tensor_form *forms[] = {kernel->inputs, kernel->parameters, &kernel->output};
    const int counts[] = {kernel->info.input_count, kernel->info.parameter_count, 1};
    static const char *const names[] = {"input", "parameter", "output"};
    struct error error;
    if ((unsigned)role > DLT_ROLE_OUTPUT)
        error_set(&error, DLT_ERROR_ARGUMENT, "role: %d is none of DLT_ROLE_*", (int)role);
    else if (index < 0 || index >= counts[role])
        error_set(&error, DLT_ERROR_ARGUMENT, "index: there is no %s %d, the kernel has %d of them",
                  names[role], index, counts[role]);
    else {
        *info = forms[role][index].info;
        return DLT_OK;
    }
    return fail(kernel, &error);
}

static dlt_status check_block(const char *name, const void *block, size_t bytes,
                              struct error *error) {
    if (!bytes)
        return DLT_OK;
    if (!block)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is NULL, but the kernel needs %zu bytes",
                         name, bytes);
    if ((uintptr_t)block % DLT_ALIGNMENT != 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is not aligned to %d bytes", name,
                         DLT_ALIGNMENT);
    return DLT_OK;
}

static dlt_status check_list(const char *name, const void *list, int count, struct error *error) {
    if (count && !list)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is NULL, but the kernel has %d", name,
                         count);
    return DLT_OK;
}

static dlt_status addresses_of(const struct tensor_form *forms, int count, const char *role,
                               DLTensor *const *tensors, void **addresses, struct error *error) {
    for (int i = 0; i < count; i++)
        TRY(tensor_address(&forms[i], role, tensors[i], &addresses[i], error));
    return DLT_OK;
}

static dlt_status pack(const dlt_kernel *kernel, DLTensor *const *parameters, void *packed,
                       struct error *error) {
    void *addresses[MAX_TENSORS];
    int count = kernel->info.parameter_count;
    TRY(check_list("parameters", parameters, count, error));
    TRY(addresses_of(kernel->parameters, count, "parameter", parameters, addresses, error));
    TRY(check_block("packed", packed, kernel->info.packed_bytes, error));
    if (kernel->native->pack((const void *const *)addresses, packed) != 0)
        return error_set(error, DLT_ERROR_REFUSED, "the kernel refused to pack");
    return DLT_OK;
}

dlt_status dlt_kernel_pack(const dlt_kernel *kernel, DLTensor *const *parameters, void *packed) {
    struct error error;
    if (pack(kernel, parameters, packed, &error) != DLT_OK)
        return fail(kernel, &error);
    return DLT_OK;
}

/* The output may be a residual itself, whose strides are the same then, but no part of another
 * input. */
static dlt_status check_overlap(const dlt_kernel *kernel, void *const *addresses,
                                struct error *error) {
    int count = kernel->info.input_count;
    const struct tensor_form *output = &kernel->output;
    for (int i = 0; i < count; i++) {
        const struct tensor_form *input = &kernel->inputs[i];
        if ((input->info.in_place && addresses[i] == addresses[count]) ||
            !tensors_overlap(output, addresses[count], input, addresses[i]))
            continue;
        return error_set(error, DLT_ERROR_ARGUMENT, "output %s: overlaps input %s; it may %s",
                         output->info.name, input->info.name,
                         input->info.in_place ? "be that whole tensor, at the same address, or lie "
                                                "apart from it"
                                              : "not share an element with it");
    }
    return DLT_OK;
}

static dlt_status run(const dlt_kernel *kernel, DLTensor *const *inputs, DLTensor *output,
                      const void *packed, void *workspace, const dlt_threads *threads,
                      struct error *error) {
    void *addresses[MAX_TENSORS + 1];
    int count = kernel->info.input_count, thread_count = threads ? threads->thread_count : 1;
    if (thread_count < 1 || (threads && !threads->parallel_for))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "threads: a thread_count of at least 1 and a parallel_for are needed");
    TRY(check_list("inputs", inputs, count, error));
    TRY(addresses_of(kernel->inputs, count, "input", inputs, addresses, error));
    TRY(tensor_address(&kernel->output, "output", output, &addresses[count], error));
    TRY(check_overlap(kernel, addresses, error));
    TRY(check_block("packed", packed, kernel->info.packed_bytes, error));
    TRY(check_block("workspace", workspace, dlt_kernel_workspace_bytes(kernel, thread_count),
                    error));
    if (kernel->native->run(addresses, packed, workspace, threads) != 0)
        return error_set(error, DLT_ERROR_REFUSED, "the kernel refused to run");
    return DLT_OK;
}

dlt_status dlt_kernel_run(const dlt_kernel *kernel, DLTensor *const *inputs, DLTensor *output,
                          const void *packed, void *workspace, const dlt_threads *threads) {
    struct error error;
    if (run(kernel, inputs, output, packed, workspace, threads, &error) != DLT_OK)
        return fail(kernel, &error);
    return DLT_OK;
}
