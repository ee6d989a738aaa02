/* Several processes, one row: the worker that ships, workers that go wrong, the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "bench/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct task *make_task(const char *target, int threads) {
    struct task *task;
    assert_int_equal(task_create_text("matmul m=5 n=7 k=3", target, threads, &task, NULL), DLT_OK);
    return task;
}

static void test_worker(void **state) {
    struct bench_options options = {.processes = 2, .peers = true, .worker = WORKER};
    struct task *task = make_task("c", 1);
    struct bench_row row;
    struct error error;
    (void)state;
    if (bench_run(task, NULL, &options, &row, &error) != DLT_OK)
        fail_msg("%s", error.message);
    assert_string_equal(row.entries[0].name, "dltune");
    if (row.entries[0].status != DLT_OK)
        fail_msg("%s", row.entries[0].message);
    assert_int_equal(row.entries[0].process_count, 2);
    assert_true(row.entries[0].median_us > 0);
    assert_true(row.entries[0].max_error <= 1);
    assert_true(row.entry_count > 1); /* every peer, be it only as one that is not installed */
    assert_non_null(row.trace);
    assert_false(row.wall_clock);
    bench_row_free(&row);
    task_free(task);
}

/* The kernel for one thread takes part like a peer, with its own trace. */
static void test_one_thread(void **state) {
    struct bench_options options = {.processes = 1,
                                    .one_thread = true,
                                    .one_thread_trace = "split output m 2 guard\n",
                                    .worker = WORKER};
    struct task *task = make_task("c", 2);
    struct bench_row row;
    (void)state;
    assert_int_equal(bench_run(task, NULL, &options, &row, NULL), DLT_OK);
    assert_int_equal(row.entry_count, 2);
    assert_string_equal(row.entries[1].name, "one-thread");
    assert_string_equal(row.entries[1].implementation, "given");
    assert_int_equal(row.entries[1].status, DLT_OK);
    assert_true(row.entries[0].median_us > 0 && row.entries[1].median_us > 0);
    assert_true(row.wall_clock);
    bench_row_free(&row);
    options.one_thread_trace = "split nonsense m 2\n";
    assert_int_equal(bench_run(task, NULL, &options, &row, NULL), DLT_OK);
    assert_int_equal(row.entries[0].status, DLT_OK);
    assert_non_null(strstr(row.entries[1].message, "nonsense"));
    bench_row_free(&row);
    task_free(task);
}

static void test_trace_refused(void **state) {
    struct bench_options options = {.processes = 1, .worker = WORKER};
    struct task *task = make_task("c", 1);
    struct bench_row row;
    (void)state;
    assert_int_equal(bench_run(task, "split nonsense m 2\n", &options, &row, NULL), DLT_OK);
    assert_int_not_equal(row.entries[0].status, DLT_OK);
    assert_non_null(strstr(row.entries[0].message, "nonsense"));
    bench_row_free(&row);
    task_free(task);
}

/* ---- workers that go wrong ---- */

static char script_path[] = "/tmp/dltune-bench-worker-XXXXXX";

static void write_script(const char *body) {
    FILE *file = fopen(script_path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\nread request\n%s\n", body);
    fclose(file);
    assert_int_equal(chmod(script_path, 0700), 0);
}

#define ANSWER                                                                                     \
    "echo '{\"contestants\":[{\"name\":\"dltune\",\"status\":\"ok\",\"median_us\":2,"              \
    "\"min_us\":1}],\"trace\":\"t\",\"peak_gflops\":3,\"clock\":\"wall\"}'\n"

static dlt_status run_script(const char *body, struct bench_row *row, struct task **task,
                             struct error *error) {
    struct bench_options options = {
        .processes = 3, .peers = true, .worker = script_path, .timeout_seconds = 5};
    *task = make_task("c", 1);
    write_script(body);
    return bench_run(*task, NULL, &options, row, error);
}

/* The peer that was begun last is to blame; the rest goes on without it. */
static void test_peer_crashes(void **state) {
    struct bench_row row;
    struct task *task;
    (void)state;
    assert_int_equal(run_script("case $request in *'\"skip\":[\"bad\"]'*) ;;\n"
                                "*) echo '{\"begin\":\"bad\"}'; kill -SEGV $$;; esac\n" ANSWER,
                                &row, &task, NULL),
                     DLT_OK);
    assert_int_equal(row.entry_count, 2);
    assert_string_equal(row.entries[1].name, "bad");
    assert_int_equal(row.entries[1].status, DLT_ERROR_SYSTEM);
    assert_non_null(strstr(row.entries[1].message, "crashed: "));
    assert_int_equal(row.entries[0].process_count, 3);
    assert_true(row.entries[0].median_us == 2 && row.entries[0].minimum_us == 1);
    assert_true(row.peak_gflops == 3 && row.wall_clock);
    bench_row_free(&row);
    task_free(task);
}

static void test_kernel_crashes(void **state) {
    struct bench_row row;
    struct task *task;
    (void)state;
    assert_int_equal(run_script("echo '{\"begin\":\"dltune\"}'; kill -SEGV $$", &row, &task, NULL),
                     DLT_OK);
    assert_int_equal(row.entries[0].status, DLT_ERROR_SYSTEM);
    bench_row_free(&row);
    task_free(task);
}

static void test_silent_worker(void **state) {
    struct bench_row row;
    struct task *task;
    struct error error;
    (void)state;
    assert_int_equal(run_script("exit 0", &row, &task, &error), DLT_ERROR_SYSTEM);
    assert_non_null(strstr(error.message, "ended without an answer"));
    bench_row_free(&row);
    task_free(task);
    assert_int_equal(run_script("echo '{\"error\":\"no luck\"}'; exit 1", &row, &task, &error),
                     DLT_ERROR_SYSTEM);
    assert_string_equal(error.message, "no luck");
    bench_row_free(&row);
    task_free(task);
}

static volatile sig_atomic_t cancel;

static void on_signal(int number) {
    cancel = number;
}

/* The worker asks for the signal itself, and would then sleep for an hour. */
static void test_cancelled(void **state) {
    struct bench_options options = {
        .processes = 3, .worker = script_path, .timeout_seconds = 3600, .cancel = &cancel};
    struct task *task = make_task("c", 1);
    struct bench_row row;
    struct error error;
    (void)state;
    cancel = 0;
    signal(SIGUSR1, on_signal);
    write_script("kill -USR1 $PPID; exec sleep 3600\n");
    assert_int_equal(bench_run(task, NULL, &options, &row, &error), DLT_ERROR_CANCELLED);
    assert_int_equal(cancel, SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    bench_row_free(&row);
    task_free(task);
}

static void test_bad_options(void **state) {
    struct bench_options options = {.processes = 26};
    struct task *task = make_task("c", 1);
    struct bench_row row;
    struct error error;
    (void)state;
    assert_int_equal(bench_run(task, NULL, &options, &row, &error), DLT_ERROR_ARGUMENT);
    assert_string_equal(error.message, "processes: 26 is not a number from 1 to 25");
    bench_row_free(&row);
    options = (struct bench_options){.worker = "/no/such/worker"};
    assert_int_equal(bench_run(task, NULL, &options, &row, &error), DLT_ERROR_SYSTEM);
    assert_non_null(strstr(error.message, "/no/such/worker"));
    bench_row_free(&row);
    task_free(task);
}

/* ---- the environment ---- */

static const char *find(char **environment, const char *name, int *count) {
    const char *found = NULL;
    *count = 0;
    for (int i = 0; environment[i]; i++)
        if (!strncmp(environment[i], name, strlen(name)) && environment[i][strlen(name)] == '=') {
            found = environment[i] + strlen(name) + 1;
            ++*count;
        }
    return found;
}

/* What was inherited does not decide how libraries run; the target does. */
static void test_environment(void **state) {
    static const struct {
        const char *target, *core, *isa;
    } cases[] = {
        {"x86-avx512", "SKYLAKEX", NULL}, {"x86-avx2", "Haswell", "AVX2"}, {"c", NULL, NULL}};
    (void)state;
    setenv("OPENBLAS_CORETYPE", "Prescott", 1);
    setenv("DNNL_MAX_CPU_ISA", "SSE41", 1);
    setenv("ONEDNN_CPU_ISA_HINTS", "PREFER_YMM", 1);
    setenv("OMP_THREAD_LIMIT", "1", 1);
    setenv("DLTUNE_TEST_VARIABLE", "kept", 1);
    for (int i = 0; i < 3; i++) {
        struct task *task = make_task(cases[i].target, 2);
        char **environment = bench_environment(task);
        const char *core, *isa;
        int count;
        assert_non_null(environment);
        core = find(environment, "OPENBLAS_CORETYPE", &count);
        assert_int_equal(count, cases[i].core != NULL);
        if (core)
            assert_string_equal(core, cases[i].core);
        isa = find(environment, "DNNL_MAX_CPU_ISA", &count);
        assert_int_equal(count, cases[i].isa != NULL);
        if (isa)
            assert_string_equal(isa, cases[i].isa);
        assert_null(find(environment, "ONEDNN_CPU_ISA_HINTS", &count));
        assert_null(find(environment, "OMP_THREAD_LIMIT", &count));
        assert_string_equal(find(environment, "OMP_NUM_THREADS", &count), "2");
        assert_string_equal(find(environment, "DLTUNE_TEST_VARIABLE", &count), "kept");
        free(environment);
        task_free(task);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worker),        cmocka_unit_test(test_one_thread),
        cmocka_unit_test(test_one_thread),    cmocka_unit_test(test_trace_refused),
        cmocka_unit_test(test_peer_crashes),  cmocka_unit_test(test_kernel_crashes),
        cmocka_unit_test(test_silent_worker), cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_environment),   cmocka_unit_test(test_cancelled),
    };
    int file = mkstemp(script_path), failures;
    if (file < 0)
        return 1;
    close(file);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(script_path);
    return failures;
}
