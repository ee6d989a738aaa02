/* The pool as a parallel-for: shares cover each trip once, slots of running shares differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "threads/thread_pool.h"

#include <stdatomic.h>
#include <string.h>

enum {
    MOST_TRIPS = 1000,
    MOST_SLOTS = 8
};

struct seen {
    atomic_int trips[MOST_TRIPS], slots[MOST_SLOTS], outside;
    int thread_count;
    long begin[MOST_SLOTS];
};

static void body(void *context, long begin, long end, long slot) {
    struct seen *seen = context;
    if (slot < 0 || slot >= seen->thread_count || begin >= end || end > MOST_TRIPS) {
        seen->outside++;
        return;
    }
    seen->slots[slot]++;
    seen->begin[slot] = begin;
    for (long i = begin; i < end; i++)
        seen->trips[i]++;
}

static void covers(void **state) {
    static const long counts[] = {0, 1, 2, 3, 7, 8, 9, 63, 1000};
    (void)state;
    for (int threads = 1; threads <= MOST_SLOTS; threads++) {
        struct thread_pool *pool;
        struct error error;
        assert_int_equal(thread_pool_create(threads, &pool, &error), DLT_OK);
        assert_int_equal(thread_pool_threads(pool)->thread_count, threads);
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            const dlt_threads *loop = thread_pool_threads(pool);
            struct seen seen, again;
            memset(&seen, 0, sizeof seen);
            memset(&again, 0, sizeof again);
            seen.thread_count = again.thread_count = threads;
            loop->parallel_for(loop->context, body, &seen, counts[c]);
            loop->parallel_for(loop->context, body, &again, counts[c]);
            assert_int_equal(seen.outside, 0);
            for (long i = 0; i < MOST_TRIPS; i++)
                assert_int_equal(seen.trips[i], i < counts[c]);
            for (int slot = 0; slot < MOST_SLOTS; slot++)
                assert_int_equal(seen.slots[slot], slot < threads && slot < counts[c]);
            assert_memory_equal(seen.begin, again.begin, sizeof seen.begin);
        }
        thread_pool_free(pool);
    }
    thread_pool_free(NULL);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(covers), cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
