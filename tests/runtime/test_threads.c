/* Sixteen threads get, run, release and describe overlapping kernels through a small cache, while
 * another process' records come in. Made for ThreadSanitizer (tools/check-threads.sh); each result
 * is also compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "db/db.h"
#include "dltune/dltune.h"
#include "machine/description.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    THREADS = 16,
    ROUNDS = 60,
    KEPT = 3,    /* kernels nobody holds */
    SHAPES = 7,  /* more than are kept, so that some are made again and again */
    LARGEST = 8, /* extent */
};

static char path[] = "/tmp/dltune-threads-XXXXXX.db";
static dlt_runtime *runtime;

/* A parallel-for of threads that begin and end with the loop. */
struct share {
    dlt_loop_body *body;
    void *context;
    long begin, end, slot;
};

static void *run_share(void *context) {
    const struct share *share = context;
    share->body(share->context, share->begin, share->end, share->slot);
    return NULL;
}

static void on_two_threads(void *context, dlt_loop_body *body, void *body_context, long count) {
    struct share second = {body, body_context, count / 2, count, 1};
    pthread_t thread;
    (void)context;
    bool started = pthread_create(&thread, NULL, run_share, &second) == 0;
    body(body_context, 0, count / 2, 0);
    if (started)
        pthread_join(thread, NULL);
    else
        run_share(&second);
}

static const dlt_threads two_threads = {NULL, 2, on_two_threads};

static DLTensor matrix(float *data, int64_t *shape, int64_t rows, int64_t columns) {
    shape[0] = rows, shape[1] = columns;
    return (DLTensor){
        .data = data, .device = {kDLCPU, 0}, .ndim = 2, .dtype = {kDLFloat, 32, 1}, .shape = shape};
}

/* Numbers that differ from thread to thread, small enough for exact sums. */
static void fill(float *numbers, int count, int seed) {
    for (int i = 0; i < count; i++)
        numbers[i] = (float)((i * 7 + seed * 3) % 13 - 6);
}

static bool is_product(const float *a, const float *b, const float *c, int m, int n, int k) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int l = 0; l < k; l++)
                sum += a[i * k + l] * b[l * n + j];
            if (c[i * n + j] != sum)
                return false;
        }
    return true;
}

static const char *run(dlt_kernel *kernel, int m, int n, int k, int seed,
                       const dlt_threads *threads) {
    _Alignas(64) static _Thread_local char workspace[1 << 20];
    float a[LARGEST * LARGEST], b[LARGEST * LARGEST], c[LARGEST * LARGEST];
    int64_t shapes[3][2];
    DLTensor tensor_a = matrix(a, shapes[0], m, k), tensor_b = matrix(b, shapes[1], k, n);
    DLTensor tensor_c = matrix(c, shapes[2], m, n), *inputs[] = {&tensor_a, &tensor_b};
    int count = threads ? threads->thread_count : 1;
    fill(a, m * k, seed);
    fill(b, k * n, seed + 1);
    if (dlt_kernel_workspace_bytes(kernel, count) > sizeof workspace)
        return "the workspace is too small for the test";
    if (dlt_kernel_run(kernel, inputs, &tensor_c, NULL, workspace, threads) != DLT_OK)
        return "a kernel did not run";
    return is_product(a, b, c, m, n, k) ? NULL : "a result is wrong";
}

static const char *one_round(struct random *random, int seed) {
    int m = 2 + (int)random_below(random, SHAPES), threads = 1 + (int)random_below(random, 2);
    char workload[64];
    dlt_kernel *kernel, *none;
    dlt_kernel_info info;
    const char *wrong;
    snprintf(workload, sizeof workload,
             random_below(random, 2) ? "matmul m=%d n=5 k=3" : "matmul  k=3 n=5 m=%d", m);
    if (dlt_runtime_get(runtime, workload, threads, &kernel) != DLT_OK)
        return "a kernel was not given";
    dlt_kernel_describe(kernel, &info);
    snprintf(workload, sizeof workload, "matmul m=%d n=5 k=3 ", m);
    if (strncmp(info.task, workload, strlen(workload)) || info.threads != threads)
        return "another kernel was given";
    wrong = run(kernel, m, 5, 3, seed, threads > 1 ? &two_threads : NULL);
    dlt_kernel_release(kernel);
    snprintf(workload, sizeof workload, "matmul m=%d", -1 - seed);
    if (dlt_runtime_get(runtime, workload, 1, &none) != DLT_ERROR_ARGUMENT ||
        !strstr(dlt_error(runtime), workload + strlen("matmul m=")))
        return "a message is another thread's";
    return wrong;
}

static void *work(void *context) {
    int seed = *(const int *)context;
    struct random random;
    random_seed(&random, (uint64_t)seed);
    for (int i = 0; i < ROUNDS; i++) {
        const char *wrong = one_round(&random, seed);
        if (wrong)
            return (void *)wrong;
    }
    return NULL;
}

static void add_records(void) {
    struct database *database;
    struct error error;
    if (database_open(path, DATABASE_WRITE, &database, &error) != DLT_OK)
        fail_msg("%s", error.message);
    for (int i = 0; i < 2 * SHAPES; i++) {
        char key[80];
        struct record record = {.task = key,
                                .host = host_name(),
                                .generator = DATABASE_GENERATOR,
                                .trace = "unroll output n\n",
                                .knobs = "",
                                .outcome = "ok",
                                .clock = "cpu",
                                .layouts = "",
                                .median_us = 1,
                                .verified = true};
        snprintf(key, sizeof key, "matmul m=%d n=5 k=3 target=c threads=%d", 2 + i / 2, 1 + i % 2);
        if (database_add(database, &record, &error) != DLT_OK)
            fail_msg("%s", error.message);
        usleep(2000);
    }
    database_close(database);
}

static void threads_share_a_runtime(void **state) {
    pthread_t threads[THREADS];
    int seeds[THREADS];
    (void)state;
    assert_int_equal(dlt_runtime_keep(runtime, KEPT), DLT_OK);
    for (int i = 0; i < THREADS; i++) {
        seeds[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &seeds[i]), 0);
    }
    add_records();
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        if (wrong)
            fail_msg("thread %d: %s", i, (const char *)wrong);
    }
}

static int set_up(void **state) {
    struct database *database;
    (void)state;
    int file = mkstemps(path, 3);
    if (file < 0 || close(file) != 0 ||
        database_open(path, DATABASE_WRITE, &database, NULL) != DLT_OK)
        return -1;
    database_close(database);
    return dlt_runtime_open(path, "c", &runtime) == DLT_OK ? 0 : -1;
}

static int tear_down(void **state) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char name[64];
    (void)state;
    dlt_runtime_close(runtime);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        unlink(name);
    }
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(threads_share_a_runtime, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
