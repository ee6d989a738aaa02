/* What the tests of the public interface share: a database of their own, a runtime on the target c
 * that reads it, and small products whose result is easy to tell. */
#ifndef TESTS_RUNTIME_FIXTURE_H
#define TESTS_RUNTIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/db.h"
#include "dltune/dltune.h"
#include "machine/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    M = 7,
    N = 5,
    K = 3
};

#define WORKLOAD "matmul m=7 n=5 k=3"
#define KEY      WORKLOAD " target=c threads=1"

static char path[] = "/tmp/dltune-runtime-XXXXXX.db";
static struct error error;
static dlt_runtime *runtime;

static const char *stored_knobs = ""; /* of what is stored next */

/* A schedule of a matrix product that leaves the plain loops as they are. */
#define ONE_STEP "unroll output n\n"

/* An empty trace: of one step. */
static inline void store(const char *key, const char *host, const char *generator,
                         const char *trace) {
    struct database *database;
    struct record record = {
        .task = key,
        .host = host,
        .generator = generator,
        .trace = *trace                      ? trace
                 : strncmp(key, "matmul", 6) ? "unroll output k\n"
                                             : ONE_STEP,
        .knobs = stored_knobs,
        .outcome = "ok",
        .clock = "cpu",
        .layouts = "",
        .median_us = 4.5,
        .verified = true,
    };
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK ||
        database_add(database, &record, &error) != DLT_OK)
        fail_msg("%s", error.message);
    database_close(database);
}

static inline int open_runtime(void **state) {
    (void)state;
    struct database *database;
    strcpy(path, "/tmp/dltune-runtime-XXXXXX.db");
    int file = mkstemps(path, 3);
    if (file < 0 || close(file) != 0)
        return -1;
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK)
        return -1;
    database_close(database);
    return dlt_runtime_open(path, "c", &runtime) == DLT_OK ? 0 : -1;
}

static inline int close_runtime(void **state) {
    char name[64];
    (void)state;
    dlt_runtime_close(runtime);
    snprintf(name, sizeof name, "%s-wal", path);
    remove(name);
    snprintf(name, sizeof name, "%s-shm", path);
    remove(name);
    return remove(path);
}

static inline dlt_kernel *get(const char *workload, int threads) {
    dlt_kernel *kernel;
    if (dlt_runtime_get(runtime, workload, threads, &kernel) != DLT_OK)
        fail_msg("%s", dlt_error(runtime));
    return kernel;
}

/* Matrices whose product is easy to tell, as DLTensors. */
struct problem {
    float a[M * K], b[K * N], c[M * N];
    int64_t a_shape[2], b_shape[2], c_shape[2];
    DLTensor a_tensor, b_tensor, c_tensor;
};

static inline DLTensor matrix(float *data, int64_t *shape, int64_t rows, int64_t columns) {
    shape[0] = rows, shape[1] = columns;
    return (DLTensor){
        .data = data, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = shape};
}

static inline void set_up(struct problem *problem) {
    for (int i = 0; i < M * K; i++)
        problem->a[i] = (float)(i % 11 - 5);
    for (int i = 0; i < K * N; i++)
        problem->b[i] = (float)(i % 7 - 3);
    for (int i = 0; i < M * N; i++)
        problem->c[i] = -1e6f;
    problem->a_tensor = matrix(problem->a, problem->a_shape, M, K);
    problem->b_tensor = matrix(problem->b, problem->b_shape, K, N);
    problem->c_tensor = matrix(problem->c, problem->c_shape, M, N);
}

static inline void is_product(const struct problem *problem) {
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float sum = 0;
            for (int k = 0; k < K; k++)
                sum += problem->a[m * K + k] * problem->b[k * N + n];
            if (problem->c[m * N + n] != sum)
                fail_msg("c[%d,%d] is %g, not %g", m, n, (double)problem->c[m * N + n],
                         (double)sum);
        }
}

static inline void *block(size_t bytes) {
    void *memory = aligned_alloc(DLT_ALIGNMENT, (bytes / DLT_ALIGNMENT + 1) * DLT_ALIGNMENT);
    assert_non_null(memory);
    return memory;
}

static inline void run_product(dlt_kernel *kernel, const dlt_threads *threads) {
    struct problem problem;
    DLTensor *inputs[2] = {&problem.a_tensor, &problem.b_tensor};
    dlt_kernel_info info;
    dlt_kernel_describe(kernel, &info);
    void *workspace =
        block(dlt_kernel_workspace_bytes(kernel, threads ? threads->thread_count : 1));
    void *packed = block(info.packed_bytes);
    set_up(&problem);
    if (info.parameter_count) {
        DLTensor *parameters[1] = {&problem.b_tensor};
        if (dlt_kernel_pack(kernel, parameters, packed) != DLT_OK)
            fail_msg("%s", dlt_error(kernel));
    }
    if (dlt_kernel_run(kernel, inputs, &problem.c_tensor, packed, workspace, threads) != DLT_OK)
        fail_msg("%s", dlt_error(kernel));
    is_product(&problem);
    free(workspace);
    free(packed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_runtime, close_runtime)

#endif
