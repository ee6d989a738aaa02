/* Calling kernels; see callable.h. */
#include "callable.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tensors as DLPack has them ---- */

struct tensors {
    int count;
    DLTensor tensors[MOST_TENSORS];
    DLTensor *pointers[MOST_TENSORS];
    const void *data[MOST_TENSORS];
    int64_t shapes[MOST_TENSORS][MOST_DIMENSIONS], strides[MOST_TENSORS][MOST_DIMENSIONS];
};

/* Logical axes with strides where no axis is cut into blocks, else the layout's dimensions. */
static void describe(DLTensor *to, int64_t *shape, int64_t *strides, const struct tensor *tensor,
                     char *data) {
    const struct layout *layout = &tensor->layout;
    bool whole = layout->count == tensor->rank;
    for (int i = 0; i < layout->count; i++)
        whole = whole && layout->dimensions[i].divisor == 1 && !layout->dimensions[i].modulus;
    for (int i = 0; i < layout->count; i++) {
        const struct dimension *d = &layout->dimensions[i];
        int place = whole ? d->axis : i;
        shape[place] = whole ? tensor->axes[d->axis].extent : d->extent;
        strides[place] = d->stride;
    }
    *to = (DLTensor){.data = data,
                     .device = {kDLCPU, 0},
                     .ndim = layout->count,
                     .dtype = {kDLFloat, 32, 1},
                     .shape = shape,
                     .strides = strides};
}

static void collect(struct tensors *tensors, const struct problem *problem, enum kind kind) {
    tensors->count = 0;
    for (int i = 0; i < problem->definition->tensor_count; i++) {
        const struct tensor *tensor = &problem->definition->tensors[i];
        int place = tensors->count;
        if (tensor->kind != kind)
            continue;
        describe(&tensors->tensors[place], tensors->shapes[place], tensors->strides[place], tensor,
                 problem->inputs[i].data);
        tensors->pointers[place] = &tensors->tensors[place];
        tensors->data[place] = problem->inputs[i].data;
        tensors->count++;
    }
}

static void describe_output(DLTensor *output, int64_t *shape, int64_t *strides,
                            const struct problem *problem) {
    describe(output, shape, strides, definition_result(problem->definition), problem->output.data);
}

/* ---- kernels ---- */

static bool has_parameters(const struct problem *problem) {
    for (int i = 0; i < problem->definition->tensor_count; i++)
        if (problem->definition->tensors[i].kind == KIND_PARAMETER)
            return true;
    return false;
}

dlt_status callable_get(struct callable *callable, dlt_runtime *runtime,
                        const struct problem *problem, int threads, bool strided,
                        char message[MOST_MESSAGE]) {
    const char *workload = problem->definition->workload;
    struct tensors inputs, parameters;
    int64_t shape[MOST_DIMENSIONS], strides[MOST_DIMENSIONS];
    dlt_kernel_info info;
    DLTensor output;
    dlt_status status;
    memset(callable, 0, sizeof *callable);
    collect(&inputs, problem, KIND_VARIABLE);
    collect(&parameters, problem, KIND_PARAMETER);
    describe_output(&output, shape, strides, problem);
    status = strided ? dlt_runtime_get_strided(runtime, workload, threads, inputs.pointers,
                                               parameters.pointers, &output, &callable->kernel)
                     : dlt_runtime_get(runtime, workload, threads, &callable->kernel);
    if (status) {
        snprintf(message, MOST_MESSAGE, "%s", dlt_error(runtime));
        return status;
    }
    dlt_kernel_describe(callable->kernel, &info);
    snprintf(callable->origin, sizeof callable->origin, "%s%s", dlt_origin_name(info.origin),
             strided ? ", strided" : "");
    callable->task = info.task;
    callable->packed_bytes = info.packed_bytes;
    callable->has_parameters = has_parameters(problem);
    if (info.parameter_count != parameters.count || info.input_count != inputs.count) {
        snprintf(message, MOST_MESSAGE, "the kernel has %d inputs and %d parameters, not %d and %d",
                 info.input_count, info.parameter_count, inputs.count, parameters.count);
        return DLT_ERROR_WRONG;
    }
    return DLT_OK;
}

void callable_release(struct callable *callable) {
    dlt_kernel_release(callable->kernel);
    callable->kernel = NULL;
}

bool callable_find(struct callable *callable, const struct library *library, const char *origin,
                   const struct problem *problem, const char *canonical) {
    memset(callable, 0, sizeof *callable);
    callable->library = library;
    callable->entry = library->find(canonical);
    if (!callable->entry)
        return false;
    snprintf(callable->origin, sizeof callable->origin, "%s", origin);
    callable->packed_bytes = library->packed_bytes(callable->entry);
    callable->has_parameters = has_parameters(problem);
    return true;
}

size_t callable_workspace_bytes(const struct callable *callable, int threads) {
    return callable->kernel ? dlt_kernel_workspace_bytes(callable->kernel, threads)
                            : callable->library->workspace_bytes(callable->entry, threads);
}

bool callable_pack(const struct callable *callable, const struct problem *problem, void *packed,
                   char message[MOST_MESSAGE]) {
    struct tensors parameters;
    int answer;
    collect(&parameters, problem, KIND_PARAMETER);
    answer = callable->kernel ? (int)dlt_kernel_pack(callable->kernel, parameters.pointers, packed)
                              : callable->library->pack(callable->entry, parameters.data, packed);
    if (answer)
        snprintf(message, MOST_MESSAGE, "packing answers %d: %s", answer,
                 callable->kernel ? dlt_error(callable->kernel) : "");
    return answer == 0;
}

bool callable_run(const struct callable *callable, struct problem *problem, const void *packed,
                  void *workspace, const dlt_threads *threads, char message[MOST_MESSAGE]) {
    struct tensors inputs;
    int64_t shape[MOST_DIMENSIONS], strides[MOST_DIMENSIONS];
    DLTensor output;
    int answer;
    collect(&inputs, problem, KIND_VARIABLE);
    describe_output(&output, shape, strides, problem);
    answer = callable->kernel ? (int)dlt_kernel_run(callable->kernel, inputs.pointers, &output,
                                                    packed, workspace, threads)
                              : callable->library->run(callable->entry, inputs.data, packed,
                                                       problem->output.data, workspace, threads);
    if (answer)
        snprintf(message, MOST_MESSAGE, "running answers %d: %s", answer,
                 callable->kernel ? dlt_error(callable->kernel) : "");
    return answer == 0;
}

/* ---- threads ---- */

struct odd_threads {
    struct random *random;
    int slots;
};

/* Shares of random lengths from the last to the first, each in a random slot. */
static void odd_parallel_for(void *context, dlt_loop_body *body, void *body_context, long count) {
    struct odd_threads *odd = context;
    while (count > 0) {
        long share = (long)random_between(odd->random, 1, count);
        body(body_context, count - share, count,
             (long)random_between(odd->random, 0, odd->slots - 1));
        count -= share;
    }
}

/* ---- checking ---- */

struct call {
    const char *how;
    const dlt_threads *threads;
};

static bool call_once(const struct callable *callable, struct problem *problem,
                      const struct buffer *packed, const struct call *call, struct random *random,
                      char message[MOST_MESSAGE]) {
    int threads = call->threads ? call->threads->thread_count : 1;
    size_t bytes = callable_workspace_bytes(callable, threads);
    struct buffer workspace = {0};
    bool right;
    if (bytes && !buffer_create(&workspace, bytes, DLT_ALIGNMENT, random)) {
        snprintf(message, MOST_MESSAGE, "no memory for a workspace of %zu bytes", bytes);
        return false;
    }
    if (bytes)
        memset(workspace.data, 0xff, bytes); /* numbers that are none */
    problem_prepare(problem);
    right = callable_run(callable, problem, packed->data, workspace.data, call->threads, message) &&
            problem_judge(problem, message);
    if (right && bytes && !buffer_is_intact(&workspace)) {
        snprintf(message, MOST_MESSAGE, "memory beside the workspace was written");
        right = false;
    }
    buffer_free(&workspace);
    return right;
}

/* Compares bits; of a NaN they mean nothing. */
static bool same_bits(const struct problem *problem, const float *first,
                      char message[MOST_MESSAGE]) {
    const float *now = (const float *)problem->output.data;
    for (int64_t i = 0; i < problem->count; i++)
        if (memcmp(&first[i], &now[i], sizeof *now) != 0 &&
            !(first[i] != first[i] && now[i] != now[i])) {
            snprintf(message, MOST_MESSAGE, "place %lld was %.9g, is %.9g", (long long)i,
                     (double)first[i], (double)now[i]);
            return false;
        }
    return true;
}

static bool check_calls(const struct callable *callable, struct problem *problem,
                        const struct buffer *packed, const struct call *calls, int count,
                        struct random *random, char message[MOST_MESSAGE]) {
    float *first = malloc(problem->output.bytes + 1);
    char what[MOST_MESSAGE] = "";
    bool right = first != NULL;
    for (int i = 0; i < count && right; i++) {
        right = call_once(callable, problem, packed, &calls[i], random, what);
        if (right && i == 0)
            memcpy(first, problem->output.data, problem->output.bytes);
        else if (right)
            right = same_bits(problem, first, what);
        if (!right)
            snprintf(message, MOST_MESSAGE, "%s kernel, %s: %.400s", callable->origin, calls[i].how,
                     what);
    }
    free(first);
    return right;
}

bool callable_check(const struct callable *callable, struct problem *problem, int threads,
                    dlt_thread_pool *const *pools, struct random *random,
                    char message[MOST_MESSAGE]) {
    struct random order = {random_bits(random)};
    struct odd_threads odd = {&order, threads};
    const dlt_threads odd_threads = {&odd, threads, odd_parallel_for};
    struct call calls[5] = {{"alone", NULL}, {"alone again", NULL}};
    struct buffer packed = {0};
    int count = 2;
    bool right = true;
    if (threads > 1)
        calls[count++] = (struct call){"shares in an odd order", &odd_threads};
    if (threads > 1 && pools) {
        calls[count++] = (struct call){"two threads", dlt_thread_pool_threads(pools[0])};
        calls[count++] = (struct call){"three threads", dlt_thread_pool_threads(pools[1])};
    }
    if (callable->packed_bytes &&
        !buffer_create(&packed, callable->packed_bytes, DLT_ALIGNMENT, random)) {
        snprintf(message, MOST_MESSAGE, "no memory for %zu packed bytes", callable->packed_bytes);
        return false;
    }
    if (packed.data)
        memset(packed.data, 0xff, packed.bytes);
    if (callable->has_parameters || callable->packed_bytes)
        right = callable_pack(callable, problem, packed.data, message);
    if (right && packed.map && !buffer_is_intact(&packed)) {
        snprintf(message, MOST_MESSAGE, "memory beside the packed block was written");
        right = false;
    }
    if (packed.map)
        buffer_protect(&packed);
    right = right && check_calls(callable, problem, &packed, calls, count, random, message);
    buffer_free(&packed);
    return right;
}

/* ---- libraries ---- */

static bool load(struct library *library, const char *name, const char *function, void *pointer,
                 char message[MOST_MESSAGE]) {
    char symbol[256];
    void *address;
    snprintf(symbol, sizeof symbol, "%s_%s", name, function);
    address = dlsym(library->object, symbol);
    if (!address)
        snprintf(message, MOST_MESSAGE, "the library has no %s", symbol);
    memcpy(pointer, &address, sizeof address);
    return address != NULL;
}

bool library_open(struct library *library, const char *path, const char *name,
                  char message[MOST_MESSAGE]) {
    memset(library, 0, sizeof *library);
    library->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library->object) {
        snprintf(message, MOST_MESSAGE, "%s", dlerror());
        return false;
    }
    return load(library, name, "find", &library->find, message) &&
           load(library, name, "packed_bytes", &library->packed_bytes, message) &&
           load(library, name, "workspace_bytes", &library->workspace_bytes, message) &&
           load(library, name, "pack", &library->pack, message) &&
           load(library, name, "run", &library->run, message);
}

void library_close(struct library *library) {
    if (library->object)
        dlclose(library->object);
    library->object = NULL;
}
