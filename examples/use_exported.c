/* Runs a convolution from an exported library; dltune itself is not needed to build or run this.
 *
 *     dltune conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 --db kernels.db
 *     dltune export --db kernels.db --name kernels "conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1"
 *     cc use_exported.c -I. -L. -lkernels -lm -o use_exported
 *     ./use_exported
 *
 * The kernel is asked for by its workload. A program that knows which one it wants can as well call
 * kernels_conv2d_n1_c64_h56_w56_k64_r3_s3_pad1_564e1a78, whose arguments have names and types. */
#include "kernels.h"

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

static float x[C][H][W], weight[K][C][R][S], output[K][H][W];

static void fill(float *numbers, size_t count) {
    unsigned number = 1;
    for (size_t i = 0; i < count; i++) {
        number = number * 1664525u + 1013904223u;
        numbers[i] = (float)(number >> 16) / 65536.0f - 0.5f;
    }
}

/* What the convolution is, one element of it. */
static double expected(int k, int y, int z) {
    double sum = 0;
    for (int c = 0; c < C; c++)
        for (int r = 0; r < R; r++)
            for (int s = 0; s < S; s++) {
                int row = y + r - 1, column = z + s - 1;
                if (row >= 0 && row < H && column >= 0 && column < W)
                    sum += (double)x[c][row][column] * (double)weight[k][c][r][s];
            }
    return sum;
}

static int is_right(void) {
    for (int i = 0; i < 200; i++) {
        int k = i * 7 % K, y = i * 11 % H, z = i * 13 % W;
        if (!(fabs((double)output[k][y][z] - expected(k, y, z)) < 1e-4)) {
            fprintf(stderr, "output[%d][%d][%d] is %g, not %g\n", k, y, z, (double)output[k][y][z],
                    expected(k, y, z));
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

int main(void) {
    const kernels_kernel *kernel = kernels_find("conv2d n=1 c=64 h=56 w=56 k=64 r=3 s=3 pad=1");
    const void *parameters[] = {weight}, *inputs[] = {x};
    double best = INFINITY;
    int status, right;
    if (!kernel) {
        fputs("the library has no kernel for this layer\n", stderr);
        return 1;
    }
    void *packed = aligned_alloc(64, (kernels_packed_bytes(kernel) / 64 + 1) * 64);
    void *workspace = aligned_alloc(64, (kernels_workspace_bytes(kernel, 1) / 64 + 1) * 64);
    if (!packed || !workspace)
        return 1;
    fill(&x[0][0][0], C * H * W);
    fill(&weight[0][0][0][0], K * C * R * S);
    status = kernels_pack(kernel, parameters, packed);
    for (int i = 0; i < 50 && status == kernels_OK; i++) {
        double start = microseconds(), time;
        status = kernels_run(kernel, inputs, packed, output, workspace, NULL);
        time = microseconds() - start;
        best = time < best ? time : best;
    }
    if (status != kernels_OK) {
        fprintf(stderr, status == kernels_ERROR_CPU ? "this CPU lacks instructions of the kernel\n"
                                                    : "the kernel refused its arguments\n");
        return 1;
    }
    right = is_right();
    printf("%.1f us a call (least of 50), %s\n", best, right ? "right" : "WRONG");
    free(packed);
    free(workspace);
    return !right;
}
