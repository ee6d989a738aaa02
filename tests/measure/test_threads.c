/* The pool as a parallel-for: shares cover each trip once, slots of running shares differ, whatever
 * the numbers of threads and processors; callers at once; sleeping threads; fork. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads/processors.h"
#include "threads/thread_pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_TRIPS = 1000,
    MOST_SLOTS = 8,
    CALLERS = 4,
    LOOPS = 2000,
    SECONDS_TO_HANG = 60,
};

struct seen {
    atomic_int trips[MOST_TRIPS], slots[MOST_SLOTS], outside;
    int workers;
    long begin[MOST_SLOTS];
};

static void body(void *context, long begin, long end, long slot) {
    struct seen *seen = context;
    if (slot < 0 || slot >= seen->workers || begin >= end || end > MOST_TRIPS) {
        seen->outside++;
        return;
    }
    seen->slots[slot]++;
    seen->begin[slot] = begin;
    for (long i = begin; i < end; i++)
        seen->trips[i]++;
}

/* One loop; answers the number of trips that did not run once, or of shares out of their place. */
static int run_loop(const dlt_threads *loop, int workers, long count, struct seen *seen) {
    memset(seen, 0, sizeof *seen);
    seen->workers = workers;
    loop->parallel_for(loop->context, body, seen, count);
    int wrong = seen->outside;
    for (long i = 0; i < MOST_TRIPS; i++)
        wrong += seen->trips[i] != (i < count);
    for (int slot = 0; slot < MOST_SLOTS; slot++)
        wrong += seen->slots[slot] != (slot < workers && slot < count);
    return wrong;
}

static void covers(void **state) {
    static const long counts[] = {0, 1, 2, 3, 7, 8, 9, 63, 1000};
    (void)state;
    for (int workers = 1; workers <= MOST_SLOTS; workers++) {
        struct thread_pool *pool;
        struct error error;
        assert_int_equal(thread_pool_create_with(MOST_SLOTS, workers, &pool, &error), DLT_OK);
        assert_int_equal(thread_pool_threads(pool)->thread_count, MOST_SLOTS);
        assert_int_equal(thread_pool_workers(pool), workers);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const dlt_threads *loop = thread_pool_threads(pool);
            struct seen seen, again;
            assert_int_equal(run_loop(loop, workers, counts[c], &seen), 0);
            assert_int_equal(run_loop(loop, workers, counts[c], &again), 0);
            assert_memory_equal(seen.begin, again.begin, sizeof seen.begin);
        }
        thread_pool_free(pool);
    }
    thread_pool_free(NULL);
}

/* More threads than processors would only wait for each other; what was asked for stays the number
 * that workspaces are made for. */
static void no_more_than_processors(void **state) {
    static const int counts[] = {1, 2, 3, 8, 64, MAX_THREADS};
    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct thread_pool *pool;
        struct error error;
        assert_int_equal(thread_pool_create(counts[i], &pool, &error), DLT_OK);
        assert_int_equal(thread_pool_workers(pool), processors_for(counts[i]));
        assert_int_equal(thread_pool_threads(pool)->thread_count, counts[i]);
        thread_pool_free(pool);
    }
}

/* Pauses of all lengths about that after which threads sleep. */
static void wakes(void **state) {
    struct thread_pool *pool;
    struct error error;
    struct seen seen;
    (void)state;
    assert_int_equal(thread_pool_create_with(3, 3, &pool, &error), DLT_OK);
    for (int i = 0; i < LOOPS; i++) {
        if (run_loop(thread_pool_threads(pool), 3, i % 5, &seen))
            fail_msg("loop %d is wrong", i);
        if (i % 4 == 0)
            usleep((useconds_t)(i % 200));
    }
    thread_pool_free(pool);
}

static void *call_often(void *context) {
    const dlt_threads *loop = context;
    struct seen seen;
    long wrong = 0;
    for (int i = 0; i < LOOPS / CALLERS; i++)
        wrong += run_loop(loop, 3, 40, &seen);
    return (void *)wrong;
}

static void callers_at_once(void **state) {
    pthread_t callers[CALLERS];
    struct thread_pool *pool;
    struct error error;
    (void)state;
    assert_int_equal(thread_pool_create_with(3, 3, &pool, &error), DLT_OK);
    for (int i = 0; i < CALLERS; i++)
        assert_int_equal(
            pthread_create(&callers[i], NULL, call_often, (void *)thread_pool_threads(pool)), 0);
    for (int i = 0; i < CALLERS; i++) {
        void *wrong;
        assert_int_equal(pthread_join(callers[i], &wrong), 0);
        assert_null(wrong);
    }
    thread_pool_free(pool);
}

/* A child has a pool of its own, and the parent's without its threads; both stay right. */
static void fork_with_a_live_pool(void **state) {
    struct thread_pool *pool;
    struct error error;
    struct seen seen;
    int status;
    (void)state;
    assert_int_equal(thread_pool_create_with(3, 3, &pool, &error), DLT_OK);
    assert_int_equal(run_loop(thread_pool_threads(pool), 3, 100, &seen), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct thread_pool *own;
        alarm(SECONDS_TO_HANG);
        int wrong = run_loop(thread_pool_threads(pool), 3, 100, &seen);
        thread_pool_free(pool);
        if (thread_pool_create_with(3, 3, &own, &error) != DLT_OK)
            _exit(2);
        for (int i = 0; i < 100; i++)
            wrong += run_loop(thread_pool_threads(own), 3, 100, &seen);
        thread_pool_free(own);
        _exit(wrong ? 1 : 0);
    }
    assert_int_equal(run_loop(thread_pool_threads(pool), 3, 100, &seen), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    thread_pool_free(pool);
}

/* The processors may become fewer while the pool lives. */
static void masks_change(void **state) {
    struct thread_pool *pool;
    struct error error;
    struct seen seen;
    cpu_set_t all, one;
    int first = 0;
    (void)state;
    assert_int_equal(thread_pool_create_with(3, 3, &pool, &error), DLT_OK);
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(run_loop(thread_pool_threads(pool), 3, 100, &seen), 0);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(run_loop(thread_pool_threads(pool), 3, 100, &seen), 0);
    thread_pool_free(pool);
}

static void refused(void **state) {
    static const int counts[] = {-1, 0, MAX_THREADS + 1};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct thread_pool *pool;
        struct error error;
        assert_int_equal(thread_pool_create(counts[i], &pool, &error), DLT_ERROR_ARGUMENT);
        assert_null(pool);
        assert_non_null(strstr(error.message, "from 1 to 1024"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(covers),
        cmocka_unit_test(no_more_than_processors),
        cmocka_unit_test(wakes),
        cmocka_unit_test(callers_at_once),
        cmocka_unit_test(fork_with_a_live_pool),
        cmocka_unit_test(masks_change),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
