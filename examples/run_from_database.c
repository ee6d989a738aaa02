/* Gets the kernel of a convolution from a database of tuned kernels, packs its weights, runs it,
 * checks a few numbers and prints the time of a call.
 *
 *     dltune conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 --db kernels.db
 *     cc run_from_database.c $(pkg-config --cflags --libs dltune) -o run_from_database
 *     ./run_from_database kernels.db
 *
 * dltune's own build makes the program as well. */
#include <dltune/dltune.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    C = 64,
    H = 56,
    W = 56,
    K = 64,
    R = 3,
    S = 3
};

static const char workload[] = "conv2d n=1 c=64 h=56 w=56 k=64 r=3 s=3 pad=1";

/* A block of memory for a tensor as the kernel wants it. */
struct block {
    dlt_tensor_info info;
    DLTensor tensor;
};

static void *aligned(size_t bytes) {
    void *memory = aligned_alloc(DLT_ALIGNMENT, (bytes / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT);
    if (!memory) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static void check(dlt_status status, const void *handle) {
    if (status == DLT_OK)
        return;
    fprintf(stderr, "%s\n", dlt_error(handle));
    exit(1);
}

static void allocate(dlt_kernel *kernel, dlt_role role, struct block *block) {
    check(dlt_kernel_tensor(kernel, role, 0, &block->info), kernel);
    block->tensor = (DLTensor){
        .data = aligned((size_t)block->info.elements * sizeof(float)),
        .device = {kDLCPU, 0},
        .ndim = block->info.rank,
        .dtype = block->info.type,
        .shape = block->info.shape,
        .strides = block->info.strides,
    };
}

/* The element at four subscripts; the strides know the layout. */
static float *at(const struct block *block, int a, int b, int c, int d) {
    const int64_t *strides = block->info.strides;
    return (float *)block->tensor.data + a * strides[0] + b * strides[1] + c * strides[2] +
           d * strides[3];
}

static void fill(const struct block *block) {
    const int64_t *shape = block->info.shape;
    unsigned number = 1;
    for (int a = 0; a < shape[0]; a++)
        for (int b = 0; b < shape[1]; b++)
            for (int c = 0; c < shape[2]; c++)
                for (int d = 0; d < shape[3]; d++) {
                    number = number * 1664525u + 1013904223u;
                    *at(block, a, b, c, d) = (float)(number >> 16) / 65536.0f - 0.5f;
                }
}

/* What the convolution is, one element of it. */
static double expected(const struct block *x, const struct block *weight, int k, int y, int z) {
    double sum = 0;
    for (int c = 0; c < C; c++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                int row = y + r - 1, column = z + s - 1;
                if (row >= 0 && row < H && column >= 0 && column < W)
                    sum += (double)*at(x, 0, c, row, column) * (double)*at(weight, k, c, r, s);
            }
    return sum;
}

static int is_right(const struct block *x, const struct block *weight, const struct block *output) {
    for (int i = 0; i < 200; i++) {
        int k = i * 7 % K, y = i * 11 % H, z = i * 13 % W;
        double want = expected(x, weight, k, y, z), have = (double)*at(output, 0, k, y, z);
        if (!(fabs(have - want) < 1e-4)) {
            fprintf(stderr, "output[0, %d, %d, %d] is %g, not %g\n", k, y, z, have, want);
            return 0;
        }
    }
    return 1;
}

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static double time_of_call(dlt_kernel *kernel, struct block *x, struct block *output,
                           const void *packed, void *workspace) {
    DLTensor *inputs[] = {&x->tensor};
    double best = INFINITY;
    for (int i = 0; i < 50; i++) {
        double start = microseconds(), time;
        check(dlt_kernel_run(kernel, inputs, &output->tensor, packed, workspace, NULL), kernel);
        time = microseconds() - start;
        best = time < best ? time : best;
    }
    return best;
}

int main(int argument_count, char **arguments) {
    dlt_runtime *runtime;
    dlt_kernel *kernel;
    dlt_kernel_info info;
    struct block x, weight, output;
    dlt_status status;

    /* In two steps: which of a call's arguments is evaluated first is open. */
    status = dlt_runtime_open(argument_count > 1 ? arguments[1] : NULL, NULL, &runtime);
    check(status, runtime);
    check(dlt_runtime_get(runtime, workload, 1, &kernel), runtime);
    dlt_kernel_describe(kernel, &info);
    printf("%s\nkernel: %s%s%s%s\n", info.task, dlt_origin_name(info.origin),
           info.verified ? ", verified" : "", *info.reason ? ": " : "", info.reason);

    allocate(kernel, DLT_ROLE_INPUT, &x);
    allocate(kernel, DLT_ROLE_PARAMETER, &weight);
    allocate(kernel, DLT_ROLE_OUTPUT, &output);
    fill(&x);
    fill(&weight);

    void *packed = aligned(info.packed_bytes), *workspace = aligned(info.workspace_bytes);
    DLTensor *parameters[] = {&weight.tensor};
    check(dlt_kernel_pack(kernel, parameters, packed), kernel);
    double time = time_of_call(kernel, &x, &output, packed, workspace);
    int right = is_right(&x, &weight, &output);
    printf("%.1f us a call (least of 50), %s\n", time, right ? "right" : "WRONG");

    dlt_kernel_release(kernel);
    dlt_runtime_close(runtime);
    free(x.tensor.data), free(weight.tensor.data), free(output.tensor.data);
    free(packed), free(workspace);
    return !right;
}
