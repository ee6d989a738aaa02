/* OpenBLAS: matrix products by sgemm, products with a vector by sgemv.
 *
 * It has no packing ahead and no epilogue: bias and relu are a pass of their own over the result,
 * vectorised for the target. Which kernels it uses is said by the environment when the library is
 * loaded (bench/environment.c); it is asked which they are, since on a CPU that it does not know it
 * would take far slower ones. */
#include "bench/peers/list.h"

#include "machine/description.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct state;
typedef void finish_rows(const struct state *state);

struct state {
    int m, n, k, lda, ldb, ldc;
    int64_t batch;
    const float *a, *b, *bias;
    float *output;
    struct simple_epilogue epilogue;
    finish_rows *finish; /* NULL: no epilogue */
    char implementation[64];
};

/* ---- epilogue ---- */

static inline __attribute__((always_inline)) void finish_body(const struct state *state) {
    const int m = state->m, n = state->n;
    const bool add = state->epilogue.bias, relu = state->epilogue.relu;
    const float *restrict bias = state->bias;
    for (int64_t i = 0; i < m * state->batch; i++) {
        float *restrict row = state->output + i * state->ldc;
        if (add && relu)
            for (int j = 0; j < n; j++) {
                float sum = row[j] + bias[j];
                row[j] = sum > 0 ? sum : 0;
            }
        else if (add)
            for (int j = 0; j < n; j++)
                row[j] += bias[j];
        else
            for (int j = 0; j < n; j++)
                row[j] = row[j] > 0 ? row[j] : 0;
    }
}

static void finish_plain(const struct state *state) {
    finish_body(state);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void finish_avx2(const struct state *state) {
    finish_body(state);
}
__attribute__((target("avx512f,avx512vl"))) static void finish_avx512(const struct state *state) {
    finish_body(state);
}
#endif

static finish_rows *choose_finish(const struct target_description *target) {
#if defined(__x86_64__)
    if (target->vector_bytes == 64)
        return finish_avx512;
    if (target->vector_bytes == 32)
        return finish_avx2;
#endif
    (void)target;
    return finish_plain;
}

/* ---- preparing ---- */

static dlt_status leading(const struct problem *problem, enum problem_part part, int *elements,
                          struct error *error) {
    int64_t strides[MAX_RANK];
    int rows = problem->tensors[part]->rank - 2;
    if (!problem_strides(problem->tensors[part], strides) || strides[rows + 1] != 1 ||
        strides[rows] > INT32_MAX)
        return error_set(error, DLT_ERROR_REFUSED, "it takes rows only");
    *elements = (int)strides[rows];
    return DLT_OK;
}

/* The kernels that were asked for are those in use. */
static dlt_status check_core(struct error *error) {
    const char *wanted = getenv("OPENBLAS_CORETYPE"), *found = openblas_get_corename();
    if (wanted && strcasecmp(wanted, found))
        return error_set(error, DLT_ERROR_SYSTEM, "it uses kernels for %s where %s were asked for",
                         found, wanted);
    return DLT_OK;
}

static dlt_status fill(const struct problem *problem, struct state *state, struct error *error) {
    struct target_description target;
    if (problem->kind != PROBLEM_MATMUL && problem->kind != PROBLEM_BATCH_MATMUL)
        return error_set(error, DLT_ERROR_REFUSED, "it has matrix products only");
    TRY(target_describe(problem->task->target, &target, error));
    TRY(leading(problem, PART_SOURCE, &state->lda, error));
    TRY(leading(problem, PART_WEIGHTS, &state->ldb, error));
    TRY(leading(problem, PART_OUTPUT, &state->ldc, error));
    TRY(problem_simple_epilogue(problem, &state->epilogue, error));
    TRY(check_core(error));
    state->batch = problem->batch;
    state->m = (int)problem->m;
    state->n = (int)problem->n;
    state->k = (int)problem->k;
    state->a = problem->data[PART_SOURCE];
    state->b = problem->data[PART_WEIGHTS];
    state->bias = problem->data[PART_BIAS];
    state->output = problem->output;
    if (problem->step_count)
        state->finish = choose_finish(&target);
    openblas_set_num_threads(problem->task->threads);
    snprintf(state->implementation, sizeof state->implementation, "%s %s",
             state->m == 1 || state->n == 1 ? "sgemv" : "sgemm", openblas_get_corename());
    return DLT_OK;
}

static dlt_status create(const struct problem *problem, void **made, struct error *error) {
    struct state *state = calloc(1, sizeof *state);
    dlt_status status;
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = fill(problem, state, error);
    if (status != DLT_OK) {
        free(state);
        return status;
    }
    *made = state;
    return DLT_OK;
}

/* ---- running ---- */

static void multiply(const struct state *state, const float *a, const float *b, float *output) {
    if (state->n == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, state->m, state->k, 1, a, state->lda, b,
                    state->ldb, 0, output, state->ldc);
    else if (state->m == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, state->k, state->n, 1, b, state->ldb, a, 1, 0,
                    output, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, state->m, state->n, state->k, 1, a,
                    state->lda, b, state->ldb, 0, output, state->ldc);
}

/* One matrix after the other: it has nothing for all of them. */
static void multiply_all(const struct state *state) {
    for (int64_t i = 0; i < state->batch; i++)
        multiply(state, state->a + i * state->m * state->lda, state->b + i * state->k * state->ldb,
                 state->output + i * state->m * state->ldc);
}

static void run(void *opaque, long calls) {
    const struct state *state = opaque;
    for (long i = 0; i < calls; i++) {
        multiply_all(state);
        if (state->finish)
            state->finish(state);
    }
}

static const char *implementation(const void *state) {
    return ((const struct state *)state)->implementation;
}

const struct peer openblas = {
    .name = "openblas",
    .package = "libopenblas-dev",
    .help = "sgemm or sgemv, then a pass for the epilogue",
    .create = create,
    .run = run,
    .implementation = implementation,
    .free = free,
};
