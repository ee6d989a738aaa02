/* A pool of threads as the parallel-for that kernels take (dltune/threads.h).
 *
 * A loop of `count` trips is cut into equal shares, as many as the pool has threads at work, and a
 * share's number is its slot. The caller's thread works too, and takes over shares that no other
 * has begun: a thread that gets no processor delays nothing. What a kernel computes does not depend
 * on how many shares there are.
 *
 * At work are no more threads than the processors that the process may use (threads/processors.h)
 * when the pool is created: more would wait for each other. Threads without work wait actively for
 * about as long as waking them takes, giving way to others meanwhile, and then sleep.
 *
 * In a child process after fork() a pool of the parent has no threads but the caller's: its loops
 * still run, all on the caller's thread. */
#ifndef THREADS_THREAD_POOL_H
#define THREADS_THREAD_POOL_H

#include "base/error.h"
#include "dltune/threads.h"

struct thread_pool;

enum {
    MAX_THREADS = 1024
};

/* `thread_count` from 1 to MAX_THREADS, the caller's included. It is that of thread_pool_threads,
 * however many are at work. */
dlt_status thread_pool_create(int thread_count, struct thread_pool **pool, struct error *error);

/* The same with `workers` threads at work, the caller's included, from 1 to thread_count. */
dlt_status thread_pool_create_with(int thread_count, int workers, struct thread_pool **pool,
                                   struct error *error);
void thread_pool_free(struct thread_pool *pool); /* also of NULL */

/* Valid until the pool is freed. Loops of several callers run one after the other. */
const dlt_threads *thread_pool_threads(const struct thread_pool *pool);
int thread_pool_workers(const struct thread_pool *pool); /* at work, the caller's included */

#endif
