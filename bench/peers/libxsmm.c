/* libxsmm: small matrix products, by the function it compiles for their sizes.
 *
 * The function is fetched once and called by its pointer, the library's fastest way. Its matrices
 * are column-major, so it multiplies the transposed ones: output' = b' a'. It is made for products
 * up to 64 x 64 x 64; larger ones it leaves to a BLAS, which is compared by itself. */
#include "bench/peers/list.h"

#include <libxsmm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST (64.0 * 64 * 64)

struct state {
    libxsmm_smmfunction function;
    int64_t batch, steps[3]; /* from one matrix to the next, of b, a and the output */
    const float *a, *b;
    float *output;
    char implementation[64];
};

static dlt_status check(const struct problem *problem, struct error *error) {
    if (problem->kind != PROBLEM_MATMUL && problem->kind != PROBLEM_BATCH_MATMUL)
        return error_set(error, DLT_ERROR_REFUSED, "it is compared on matrix products only");
    if ((double)problem->m * (double)problem->n * (double)problem->k > LARGEST)
        return error_set(error, DLT_ERROR_REFUSED, "it is made for products up to 64x64x64");
    if (problem->step_count)
        return error_set(error, DLT_ERROR_REFUSED, "it has no epilogue");
    if (problem->task->threads > 1)
        return error_set(error, DLT_ERROR_REFUSED, "its functions run on one thread");
    return DLT_OK;
}

static dlt_status create(const struct problem *problem, void **made, struct error *error) {
    libxsmm_blasint leading[3];
    int64_t steps[3];
    float alpha = 1, beta = 0;
    int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_PREFETCH_NONE;
    struct state *state;
    TRY(check(problem, error));
    for (int i = 0; i < 3; i++) {
        static const enum problem_part parts[] = {PART_WEIGHTS, PART_SOURCE, PART_OUTPUT};
        int64_t strides[MAX_RANK];
        int rows = problem->tensors[parts[i]]->rank - 2;
        if (!problem_strides(problem->tensors[parts[i]], strides) || strides[rows + 1] != 1)
            return error_set(error, DLT_ERROR_REFUSED, "it takes rows only");
        leading[i] = (libxsmm_blasint)strides[rows];
        steps[i] = rows ? strides[0] : 0;
    }
    state = calloc(1, sizeof *state);
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    libxsmm_init();
    state->function = libxsmm_smmdispatch((libxsmm_blasint)problem->n, (libxsmm_blasint)problem->m,
                                          (libxsmm_blasint)problem->k, &leading[0], &leading[1],
                                          &leading[2], &alpha, &beta, &flags, &prefetch);
    if (!state->function) {
        free(state);
        return error_set(error, DLT_ERROR_REFUSED, "it makes no function for these sizes");
    }
    state->batch = problem->batch;
    memcpy(state->steps, steps, sizeof steps);
    state->a = problem->data[PART_SOURCE];
    state->b = problem->data[PART_WEIGHTS];
    state->output = problem->output;
    snprintf(state->implementation, sizeof state->implementation, "smm %s",
             libxsmm_get_target_arch());
    *made = state;
    return DLT_OK;
}

static void calls_of_batches(const struct state *state, long calls) {
    for (long i = 0; i < calls; i++)
        for (int64_t j = 0; j < state->batch; j++)
            state->function(state->b + j * state->steps[0], state->a + j * state->steps[1],
                            state->output + j * state->steps[2]);
}

static void run(void *opaque, long calls) {
    const struct state *state = opaque;
    libxsmm_smmfunction function = state->function;
    const float *a = state->a, *b = state->b;
    float *output = state->output;
    if (state->batch > 1)
        calls_of_batches(state, calls);
    else
        for (long i = 0; i < calls; i++)
            function(b, a, output);
}

static const char *implementation(const void *state) {
    return ((const struct state *)state)->implementation;
}

const struct peer libxsmm = {
    .name = "libxsmm",
    .package = "libxsmm-dev",
    .help = "the function compiled for the sizes, by its pointer",
    .create = create,
    .run = run,
    .implementation = implementation,
    .free = free,
};
