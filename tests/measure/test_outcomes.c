/* Every kind of failure by its right name, through the real worker process; nothing lost, nothing
 * left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "measure/measure.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct task *task;
static struct measurer *measurer;

static const char *key = "matmul m=5 n=7 k=3 target=c threads=1";

static void open_measurer(const char *text, double timeout_seconds) {
    struct measure_options options = {.seed = 1, .timeout_seconds = timeout_seconds};
    struct error error = {0};
    if (task_create_key(text, &task, &error) != DLT_OK)
        fail_msg("%s", error.message);
    if (measurer_create(task, &options, &measurer, &error) != DLT_OK)
        fail_msg("%s", error.message);
}

static void close_measurer(void) {
    measurer_free(measurer);
    task_free(task);
}

static struct measure_result run(const char *trace) {
    struct measure_result result;
    struct error error = {0};
    if (measurer_run(measurer, trace, 0, &result, &error) != DLT_OK)
        fail_msg("%s: %s", trace, error.message);
    return result;
}

static void expect(const char *trace, enum measure_outcome outcome, const char *part) {
    struct measure_result result = run(trace);
    if (result.outcome != outcome || !strstr(result.message, part))
        fail_msg("%s: %s (%s), not %s (%s)", trace, measure_outcome_name(result.outcome),
                 result.message, measure_outcome_name(outcome), part);
}

static void expect_right(const char *trace) {
    struct measure_result result = run(trace);
    if (result.outcome != OUTCOME_OK)
        fail_msg("%s: %s (%s)", trace, measure_outcome_name(result.outcome), result.message);
    assert_true(result.median_us > 0 && result.minimum_us > 0);
    assert_true(result.minimum_us <= result.median_us);
    assert_true(result.max_error <= 1);
    assert_false(result.wall_clock);
}

static const struct {
    const char *trace;
    enum measure_outcome outcome;
    const char *message; /* part of it */
} bad[] = {
    {"crash", OUTCOME_CRASH, "invalid memory access (signal 11) while checking"},
    {"illegal", OUTCOME_CRASH, "illegal instruction"},
    {"traps in tile", OUTCOME_CRASH, "(signal 4) while checking, at byte 3 of tile 1"},
    {"traps around tiles", OUTCOME_CRASH, "checking, at byte 70 of the code around the tiles"},
    {"aborts", OUTCOME_CRASH, "abort"},
    {"killed", OUTCOME_CRASH, "signal 9 from outside"},
    {"stack", OUTCOME_CRASH, "invalid memory access"},
    {"exits", OUTCOME_EXIT, "exit while checking"},
    {"exits at once", OUTCOME_EXIT, "status 3"},
    {"exits in make", OUTCOME_EXIT, "exit while compiling"},
    {"forks", OUTCOME_EXIT, ""},
    {"before", OUTCOME_OUTSIDE, "write 4 bytes before the start of output"},
    {"behind", OUTCOME_OUTSIDE, "write 1 bytes behind the end of output"},
    {"reads behind", OUTCOME_OUTSIDE, "read 1 bytes behind the end of b"},
    {"reads before", OUTCOME_OUTSIDE, "read 4 bytes before the start of a"},
    {"writes input", OUTCOME_OUTSIDE, "write to b, which is read-only"},
    {"beyond workspace", OUTCOME_OUTSIDE, "behind the end of workspace"},
    {"unwritten", OUTCOME_WRONG, "[4, 6] was left unwritten"},
    {"border", OUTCOME_WRONG, "[4, 6] is "},
    {"zeros", OUTCOME_WRONG, "[0, 0] is 0, should be "},
    {"undetermined", OUTCOME_WRONG, "[0, 0] differs between two runs"},
    {"complains", OUTCOME_WRONG, "run answered 7"},
    {"closes socket", OUTCOME_CRASH, ""},
    {"scribbles socket", OUTCOME_CRASH, ""},
    {"does not compile", OUTCOME_COMPILE, "line 1: no"},
    {"unheard of", OUTCOME_REFUSED, "there is no step unheard of"},
};

enum {
    BAD_COUNT = sizeof bad / sizeof bad[0]
};

static void each_by_its_name(void **state) {
    (void)state;
    open_measurer(key, 0);
    expect_right("right");
    for (int i = 0; i < BAD_COUNT; i++)
        expect(bad[i].trace, bad[i].outcome, bad[i].message);
    expect_right("right");
    expect_right("reversed");
    expect_right("uses workspace");
    close_measurer();
}

static void packed_parameters(void **state) {
    (void)state;
    open_measurer("matmul m=5 n=8 k=4 const=b target=c threads=1", 0);
    expect_right("packs");
    expect("packs beyond", OUTCOME_OUTSIDE, "write 1 bytes behind the end of packed parameters");
    expect("pack complains", OUTCOME_WRONG, "pack answered -1");
    expect("writes packed", OUTCOME_OUTSIDE, "write to packed parameters, which is read-only");
    expect_right("packs");
    close_measurer();
}

/* Told at the time-out, if it had the time to take all the memory until then: a busy machine needs
 * more of it. */
static void takes_all_memory(const char *candidate) {
    for (double seconds = 8; seconds < 200; seconds *= 4) {
        enum measure_outcome outcome;
        open_measurer(key, seconds);
        outcome = run(candidate).outcome;
        if (outcome != OUTCOME_TIMEOUT) {
            assert_int_equal(outcome, OUTCOME_MEMORY);
            expect_right("right");
            close_measurer();
            return;
        }
        close_measurer();
    }
    fail_msg("%s: memory was taken for ever and nothing was said", candidate);
}

static void endless_ones(void **state) {
    (void)state;
    open_measurer(key, 0.5);
    expect("loops", OUTCOME_TIMEOUT, "longer than 0.5 seconds");
    expect_right("right");
    close_measurer();
    takes_all_memory("devours");
    takes_all_memory("devours for ever");
}

/* The reference of this one is sampled: its border is among the samples all the same. */
static void large_ones(void **state) {
    (void)state;
    open_measurer("matmul m=300 n=301 k=700 target=c threads=1", 60);
    expect("border", OUTCOME_WRONG, "[299, 300] is ");
    expect_right("right");
    expect_right("reversed");
    expect("border", OUTCOME_WRONG, "[299, 300] is ");
    expect("unwritten", OUTCOME_WRONG, "[299, 300] was left unwritten");
    expect("crash", OUTCOME_CRASH, "");
    expect_right("reversed");
    close_measurer();
}

/* A candidate that would loop for an hour is given up, and no worker is started any more. */
static void cancelled_ones(void **state) {
    static volatile sig_atomic_t cancel;
    static const char *const trace = "loops";
    struct measure_options options = {.seed = 1, .timeout_seconds = 3600, .cancel = &cancel};
    struct measure_result result;
    struct measurer *none;
    struct error error;
    (void)state;
    assert_int_equal(task_create_key(key, &task, &error), DLT_OK);
    assert_int_equal(measurer_create(task, &options, &measurer, &error), DLT_OK);
    assert_int_equal(measurer_run(measurer, "right", 0, &result, &error), DLT_OK);
    cancel = SIGINT;
    assert_int_equal(measurer_run(measurer, trace, 0, &result, &error), DLT_ERROR_CANCELLED);
    assert_string_equal(error.message, "interrupted");
    assert_int_equal(measurer_run_again(measurer, 1, &trace, &result, &error), DLT_ERROR_CANCELLED);
    assert_int_equal(measurer_create(task, &options, &none, &error), DLT_ERROR_CANCELLED);
    assert_null(none);
    cancel = 0; /* and then it goes on */
    assert_int_equal(measurer_run(measurer, "right", 0, &result, &error), DLT_OK);
    assert_int_equal(result.outcome, OUTCOME_OK);
    close_measurer();
}

static int open_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Each kind of bad candidate many times among as many good ones: no result is lost, nothing
 * stays. */
static void many(void **state) {
    enum {
        EACH = 1000
    };
    int descriptors = open_descriptors(), good = 0, failed = 0;
    (void)state;
    open_measurer(key, 0);
    for (int i = 0; i < EACH; i++) {
        good += run("right").outcome == OUTCOME_OK;
        failed += run(bad[i % BAD_COUNT].trace).outcome == bad[i % BAD_COUNT].outcome;
    }
    assert_int_equal(good, EACH);
    assert_int_equal(failed, EACH);
    close_measurer();
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* A run is abandoned when far behind, and told apart from a good one. */
static void far_behind(void **state) {
    struct measure_result result;
    struct error error;
    (void)state;
    open_measurer(key, 0);
    assert_int_equal(measurer_run(measurer, "slow:1000", 1e-3, &result, &error), DLT_OK);
    assert_int_equal(result.outcome, OUTCOME_OK);
    assert_true(result.abandoned);
    assert_int_equal(measurer_run(measurer, "slow:1000", 1e9, &result, &error), DLT_OK);
    assert_false(result.abandoned);
    /* Too slow for a second run even: compared with the reference all the same. */
    assert_int_equal(measurer_run(measurer, "slow:100000", 1e-3, &result, &error), DLT_OK);
    assert_true(result.outcome == OUTCOME_OK && result.abandoned && result.median_us > 1);
    close_measurer();
}

/* Limits grow with the best known time, or with the work; what was asked for counts first. */
static void limits(void **state) {
    struct measure_result result;
    struct error error;
    (void)state;
    open_measurer(key, 0);
    assert_in_range((int)measurer_limit(measurer, 0), 10, 11);
    assert_in_range((int)measurer_limit(measurer, 1e6), 20, 60);
    /* a call may not be many times slower than the best */
    assert_int_equal(measurer_run(measurer, "loops", 1e3, &result, &error), DLT_OK);
    assert_int_equal(result.outcome, OUTCOME_TIMEOUT);
    assert_non_null(strstr(result.message, "a call took longer than 1"));
    assert_false(result.cut);
    expect_right("right");
    close_measurer();
    open_measurer("matmul m=8192 n=8192 k=8192 target=x86-avx2 threads=1", 0);
    assert_true(measurer_limit(measurer, 0) > 8 * 60); /* 8 calls at 20 GFLOP/s */
    close_measurer();
    open_measurer(key, 3);
    assert_true(measurer_limit(measurer, 0) == 3 && measurer_limit(measurer, 1e9) == 3);
    close_measurer();
}

/* When the time is over nothing is said of a candidate, unless nothing right is known yet. */
static void no_time_left(void **state) {
    struct account account;
    struct measure_options options = {.seed = 1, .account = &account};
    struct measure_result result;
    struct error error;
    const char *trace = "right";
    (void)state;
    account_open(&account, 1e-9);
    assert_int_equal(task_create_key(key, &task, &error), DLT_OK);
    assert_int_equal(measurer_create(task, &options, &measurer, &error), DLT_OK);
    assert_int_equal(measurer_run(measurer, "right", 0, &result, &error), DLT_OK);
    assert_int_equal(result.outcome, OUTCOME_OK);
    assert_false(result.cut);
    assert_int_equal(measurer_run(measurer, "loops", 1e9, &result, &error), DLT_OK);
    assert_true(result.cut);
    account.is_optional = true;
    assert_int_equal(measurer_run(measurer, "loops", 0, &result, &error), DLT_OK);
    assert_true(result.cut);
    assert_int_equal(measurer_run_again(measurer, 1, &trace, &result, &error), DLT_OK);
    assert_true(result.cut);
    assert_true(measurer_finalists_seconds(measurer, 2) > 0);
    close_measurer();
}

/* However little time there is, what is wrong is found to be. */
static void wrong_in_a_hurry(void **state) {
    static const char *const wrong[] = {"border", "unwritten", "undetermined", "zeros"};
    struct account account;
    struct measure_options options = {.seed = 1, .account = &account};
    struct measure_result result;
    struct error error;
    (void)state;
    account_open(&account, 1e-9);
    assert_int_equal(task_create_key("matmul m=300 n=301 k=700 target=c threads=1", &task, &error),
                     DLT_OK);
    assert_int_equal(measurer_create(task, &options, &measurer, &error), DLT_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(measurer_run(measurer, wrong[i], 0, &result, &error), DLT_OK);
        if (result.outcome != OUTCOME_WRONG)
            fail_msg("%s: %s", wrong[i], measure_outcome_name(result.outcome));
    }
    close_measurer();
}

static void no_worker(void **state) {
    struct measure_options options = {0};
    struct measurer *none;
    struct error error = {0};
    (void)state;
    assert_int_equal(task_create_key(key, &task, &error), DLT_OK);
    setenv("DLTUNE_WORKER", "/nowhere/worker", 1);
    assert_int_equal(measurer_create(task, &options, &none, &error), DLT_ERROR_SYSTEM);
    assert_non_null(strstr(error.message, "/nowhere/worker"));
    assert_null(none);
    setenv("DLTUNE_WORKER", "/bin/true", 1);
    assert_int_equal(measurer_create(task, &options, &none, &error), DLT_ERROR_SYSTEM);
    assert_non_null(strstr(error.message, "worker"));
    setenv("DLTUNE_WORKER", BAD_WORKER, 1);
    task_free(task);
}

/* Calls `visit` for every worker that `caller` started; how many there are. Zombies do not count:
 * they have no arguments left. */
static int visit_workers(pid_t caller, void (*visit)(pid_t worker)) {
    DIR *directory = opendir("/proc");
    struct dirent *entry;
    int count = 0;
    while ((entry = readdir(directory))) {
        char path[300], arguments[4096] = "";
        FILE *file;
        snprintf(path, sizeof path, "/proc/%.200s/cmdline", entry->d_name);
        file = fopen(path, "r");
        if (!file)
            continue;
        if (fread(arguments, 1, sizeof arguments - 2, file) > 0 &&
            strcmp(arguments, BAD_WORKER) == 0 &&
            atol(arguments + strlen(arguments) + 1) == (long)caller) {
            visit((pid_t)atol(entry->d_name));
            count++;
        }
        fclose(file);
    }
    closedir(directory);
    return count;
}

static void leave_worker(pid_t worker) {
    (void)worker;
}

static void kill_worker(pid_t worker) {
    kill(worker, SIGKILL);
}

/* Whatever ends the caller, its worker goes too, even in the middle of an endless candidate. */
static void killed_caller(void **state) {
    static const char *const traces[] = {"loops", "right"};
    static const int signals[] = {SIGKILL, SIGINT, SIGTERM, SIGHUP};
    (void)state;
    for (int i = 0; i < 8; i++) {
        int ready[2], left = 1;
        pid_t caller;
        char byte;
        assert_int_equal(pipe(ready), 0);
        caller = fork();
        if (caller == 0) {
            open_measurer(key, 100);
            assert_int_equal(write(ready[1], "r", 1), 1);
            for (;;)
                run(traces[i % 2]);
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        usleep(50000);
        assert_true(visit_workers(caller, leave_worker) == 1);
        kill(caller, signals[i / 2]);
        waitpid(caller, NULL, 0);
        for (int wait = 0; wait < 500 && left; wait++, usleep(10000))
            left = visit_workers(caller, leave_worker);
        assert_int_equal(left, 0);
        close(ready[0]);
        close(ready[1]);
    }
}

/* A worker that somebody kills in the middle of a candidate costs no record: it is measured
 * again. */
static void killed_while_busy(void **state) {
    pid_t killer, measuring = getpid();
    (void)state;
    open_measurer(key, 30);
    killer = fork();
    if (killer == 0) {
        usleep(100000);
        _exit(visit_workers(measuring, kill_worker) == 1 ? 0 : 1);
    }
    expect_right("slow:3000000"); /* some tenths of a second a call */
    int status = -1;
    waitpid(killer, &status, 0);
    assert_int_equal(status, 0);
    close_measurer();
}

/* Processes may not be started, threads may. Under AddressSanitizer workers are not confined. */
static void confined(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    open_measurer(key, 10);
    expect_right("escapes");
    expect_right("runs program");
    expect_right("starts thread");
    close_measurer();
    /* what escaped would still be a worker of ours by its arguments */
    assert_int_equal(visit_workers(getpid(), leave_worker), 0);
}

static void unpinned(void **state) {
    (void)state;
    setenv("DLTUNE_PIN", "0", 1);
    open_measurer(key, 10);
    expect_right("right");
    close_measurer();
    unsetenv("DLTUNE_PIN");
}

/* An idle worker that somebody kills is no candidate's fault. */
static void killed_while_idle(void **state) {
    (void)state;
    open_measurer(key, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(visit_workers(getpid(), kill_worker), 1);
        usleep(20000);
        expect_right("right");
    }
    close_measurer();
}

static void names(void **state) {
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(measure_outcome_name(i), measure_outcome_name(j));
    assert_string_equal(measure_outcome_name(OUTCOME_COUNT), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(each_by_its_name),
        cmocka_unit_test(large_ones),
        cmocka_unit_test(packed_parameters),
        cmocka_unit_test(endless_ones),
        cmocka_unit_test(cancelled_ones),
        cmocka_unit_test(far_behind),
        cmocka_unit_test(limits),
        cmocka_unit_test(no_time_left),
        cmocka_unit_test(wrong_in_a_hurry),
        cmocka_unit_test(no_worker),
        cmocka_unit_test(many),
        cmocka_unit_test(killed_caller),
        cmocka_unit_test(killed_while_idle),
        cmocka_unit_test(killed_while_busy),
        cmocka_unit_test(confined),
        cmocka_unit_test(unpinned),
    };
    setenv("DLTUNE_WORKER", BAD_WORKER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
