/* Threads for kernels over pthreadpool; see thread_pool.h. */
#include "threads/thread_pool.h"

#include <pthreadpool.h>
#include <stdlib.h>

struct thread_pool {
    pthreadpool_t pool; /* NULL for one thread */
    dlt_threads threads;
};

struct loop {
    dlt_loop_body *body;
    void *context;
    long count, shares;
};

/* The first count % shares shares have one trip more. */
static long share_begin(const struct loop *loop, long share) {
    long each = loop->count / loop->shares, longer = loop->count % loop->shares;
    return share * each + (share < longer ? share : longer);
}

static void run_share(void *context, size_t share) {
    const struct loop *loop = context;
    loop->body(loop->context, share_begin(loop, (long)share), share_begin(loop, (long)share + 1),
               (long)share);
}

static void parallel_for(void *context, dlt_loop_body *body, void *body_context, long count) {
    struct thread_pool *pool = context;
    struct loop loop = {body, body_context, count, pool->threads.thread_count};
    if (count <= 0)
        return;
    if (loop.shares > count)
        loop.shares = count;
    if (loop.shares == 1)
        body(body_context, 0, count, 0);
    else
        pthreadpool_parallelize_1d(pool->pool, run_share, &loop, (size_t)loop.shares, 0);
}

dlt_status thread_pool_create(int thread_count, struct thread_pool **result, struct error *error) {
    struct thread_pool *pool;
    *result = NULL;
    if (thread_count < 1 || thread_count > MAX_THREADS)
        return error_set(error, DLT_ERROR_ARGUMENT, "threads: %d is not a number from 1 to %d",
                         thread_count, MAX_THREADS);
    pool = calloc(1, sizeof *pool);
    if (!pool)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    pool->threads = (dlt_threads){pool, thread_count, parallel_for};
    if (thread_count > 1) {
        pool->pool = pthreadpool_create((size_t)thread_count);
        if (!pool->pool) {
            free(pool);
            return error_set(error, DLT_ERROR_SYSTEM, "cannot start %d threads", thread_count);
        }
    }
    *result = pool;
    return DLT_OK;
}

void thread_pool_free(struct thread_pool *pool) {
    if (!pool)
        return;
    if (pool->pool)
        pthreadpool_destroy(pool->pool);
    free(pool);
}

const dlt_threads *thread_pool_threads(const struct thread_pool *pool) {
    return &pool->threads;
}
