/* A pool of threads as the parallel-for that kernels take (dltune/threads.h).
 *
 * Over pthreadpool. A loop of `count` trips is cut into at most thread_count equal shares, and a
 * share's number is its slot: the same threads and count give the same shares, so kernels that
 * combine partial results by slot give the same bits. The caller's thread works too. */
#ifndef THREADS_THREAD_POOL_H
#define THREADS_THREAD_POOL_H

#include "base/error.h"
#include "dltune/threads.h"

struct thread_pool;

enum {
    MAX_THREADS = 1024
};

/* `thread_count` from 1 to MAX_THREADS, the caller's included. */
dlt_status thread_pool_create(int thread_count, struct thread_pool **pool, struct error *error);
void thread_pool_free(struct thread_pool *pool); /* also of NULL */

/* Valid until the pool is freed. Loops of several callers run one after the other. */
const dlt_threads *thread_pool_threads(const struct thread_pool *pool);

#endif
