/* Threads that take shares of loops; see thread_pool.h.
 *
 * A loop is published by one store of its *ticket*: the loop's number and how many shares it has. A
 * thread begins a share by writing the loop's number into the share's `taken`, where an older one
 * stood; so whoever comes late finds no share to begin and never touches a loop that is over. Each
 * thread begins with the share of its own number, whose data it had in its cache the last time, and
 * then looks for shares that are left. The caller waits only for shares that were begun. */
#define _GNU_SOURCE
#include "threads/thread_pool.h"

#include "threads/processors.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    /* Active waiting before sleep, about what a sleep and a wake take together: so no wait costs
     * more than twice what the better of the two would have. */
    ACTIVE_NANOSECONDS = 50000,
    PAUSES = 32, /* between looks at the clock */
    CACHE_LINE_BYTES = 64,
    SHARE_BITS = 16, /* of a ticket */
};

struct loop {
    dlt_loop_body *body;
    void *context;
    long count, shares;
};

/* What belongs to one thread at work, and to the share of the same number. */
struct worker {
    alignas(CACHE_LINE_BYTES) _Atomic uint64_t taken; /* number of the last loop it was begun in */
    struct thread_pool *pool;
    pthread_t thread;
};

struct thread_pool {
    dlt_threads threads;
    int worker_count;       /* the caller's included, which is the first */
    pid_t process;          /* whose threads they are */
    pthread_mutex_t caller; /* held by the one whose loop runs */
    struct loop loop;       /* changes only while no share is unfinished */
    alignas(CACHE_LINE_BYTES) _Atomic uint64_t ticket;
    _Atomic uint32_t published; /* changes with the ticket: what threads without work sleep on */
    _Atomic uint32_t sleeping;
    alignas(CACHE_LINE_BYTES) _Atomic uint32_t unfinished; /* shares; the caller sleeps on it */
    _Atomic uint32_t caller_sleeps;
    struct worker workers[];
};

#define STOP UINT64_MAX /* the last ticket */

/* ---- waiting ---- */

/* Sleeps if `word` is `expected`, perhaps not until it changes. */
static void futex_wait(_Atomic uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int threads) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void pause_processor(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

typedef bool condition(struct thread_pool *pool, uint64_t than);

static bool has_other_ticket(struct thread_pool *pool, uint64_t than) {
    return atomic_load(&pool->ticket) != than;
}

static bool is_finished(struct thread_pool *pool, uint64_t unused) {
    (void)unused;
    return atomic_load(&pool->unfinished) == 0;
}

/* Waits actively, but not for long. The processor is offered to other threads in between: what is
 * waited for may be one of them. */
static bool wait_actively(struct thread_pool *pool, condition *holds, uint64_t than) {
    int64_t end = 0;
    do {
        for (int i = 0; i < PAUSES; i++) {
            if (holds(pool, than))
                return true;
            pause_processor();
        }
        sched_yield();
        end = end ? end : nanoseconds() + ACTIVE_NANOSECONDS;
    } while (nanoseconds() < end);
    return holds(pool, than);
}

/* ---- shares ---- */

/* The first count % shares shares have one trip more. */
static long share_begin(const struct loop *loop, long share) {
    long each = loop->count / loop->shares, longer = loop->count % loop->shares;
    return share * each + (share < longer ? share : longer);
}

/* Whether the share was begun by this call and not by another thread. */
static bool begin_share(struct worker *share, uint64_t loop) {
    uint64_t before = atomic_load(&share->taken);
    return before < loop && atomic_compare_exchange_strong(&share->taken, &before, loop);
}

static void run_share(struct thread_pool *pool, long share) {
    const struct loop *loop = &pool->loop;
    loop->body(loop->context, share_begin(loop, share), share_begin(loop, share + 1), share);
    if (atomic_fetch_sub(&pool->unfinished, 1) == 1 && atomic_load(&pool->caller_sleeps))
        futex_wake(&pool->unfinished, 1);
}

/* Runs the shares of a ticket's loop that nobody begins before; `number` is the thread's. */
static void run_shares(struct thread_pool *pool, uint64_t ticket, long number) {
    long shares = (long)(ticket & ((1 << SHARE_BITS) - 1));
    for (long i = 0; i < shares; i++) {
        long share = (number + i) % shares;
        if (begin_share(&pool->workers[share], ticket >> SHARE_BITS))
            run_share(pool, share);
    }
}

/* What a thread of the pool does from its start to its end. */
static void *serve(void *context) {
    struct worker *worker = context;
    struct thread_pool *pool = worker->pool;
    uint64_t last = 0;
    for (;;) {
        uint32_t published = atomic_load(&pool->published);
        uint64_t ticket = atomic_load(&pool->ticket);
        if (ticket == STOP)
            return NULL;
        if (ticket != last) {
            run_shares(pool, ticket, worker - pool->workers);
            last = ticket;
        } else if (!wait_actively(pool, has_other_ticket, last)) {
            atomic_fetch_add(&pool->sleeping, 1);
            if (!has_other_ticket(pool, last))
                futex_wait(&pool->published, published);
            atomic_fetch_sub(&pool->sleeping, 1);
        }
    }
}

static void publish(struct thread_pool *pool, uint64_t ticket, int wanted) {
    atomic_store(&pool->ticket, ticket);
    atomic_fetch_add(&pool->published, 1);
    if (atomic_load(&pool->sleeping))
        futex_wake(&pool->published, wanted);
}

static void wait_for_shares(struct thread_pool *pool) {
    uint32_t left;
    if (wait_actively(pool, is_finished, 0))
        return;
    atomic_store(&pool->caller_sleeps, 1);
    while ((left = atomic_load(&pool->unfinished)) != 0)
        futex_wait(&pool->unfinished, left);
    atomic_store(&pool->caller_sleeps, 0);
}

static void parallel_for(void *context, dlt_loop_body *body, void *body_context, long count) {
    struct thread_pool *pool = context;
    long shares = count < pool->worker_count ? count : pool->worker_count;
    if (count <= 0)
        return;
    if (shares == 1) {
        body(body_context, 0, count, 0);
        return;
    }
    pthread_mutex_lock(&pool->caller);
    uint64_t number = (atomic_load(&pool->ticket) >> SHARE_BITS) + 1;
    uint64_t ticket = number << SHARE_BITS | (uint64_t)shares;
    pool->loop = (struct loop){body, body_context, count, shares};
    atomic_store(&pool->unfinished, (uint32_t)shares);
    publish(pool, ticket, (int)shares - 1);
    run_shares(pool, ticket, 0);
    wait_for_shares(pool);
    pthread_mutex_unlock(&pool->caller);
}

/* ---- beginning and end ---- */

/* A child process after fork() has none of the threads. */
static void stop_workers(struct thread_pool *pool, int started) {
    if (pool->process != getpid())
        return;
    publish(pool, STOP, MAX_THREADS);
    for (int i = 1; i < started; i++)
        pthread_join(pool->workers[i].thread, NULL);
}

static dlt_status start_workers(struct thread_pool *pool, struct error *error) {
    for (int i = 1; i < pool->worker_count; i++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        int failed = pthread_create(&worker->thread, NULL, serve, worker);
        if (failed) {
            stop_workers(pool, i);
            return error_set(error, DLT_ERROR_SYSTEM, "cannot start %d threads: %s",
                             pool->worker_count, strerror(failed));
        }
    }
    return DLT_OK;
}

dlt_status thread_pool_create_with(int thread_count, int workers, struct thread_pool **result,
                                   struct error *error) {
    size_t bytes = sizeof(struct thread_pool) + (size_t)workers * sizeof(struct worker);
    struct thread_pool *pool = aligned_alloc(CACHE_LINE_BYTES, bytes);
    dlt_status status;
    *result = NULL;
    if (!pool)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    memset(pool, 0, bytes);
    pool->threads = (dlt_threads){pool, thread_count, parallel_for};
    pool->worker_count = workers;
    pool->process = getpid();
    pthread_mutex_init(&pool->caller, NULL);
    status = start_workers(pool, error);
    if (status == DLT_OK) {
        *result = pool;
        return DLT_OK;
    }
    pthread_mutex_destroy(&pool->caller);
    free(pool);
    return status;
}

dlt_status thread_pool_create(int thread_count, struct thread_pool **pool, struct error *error) {
    *pool = NULL;
    if (thread_count < 1 || thread_count > MAX_THREADS)
        return error_set(error, DLT_ERROR_ARGUMENT, "threads: %d is not a number from 1 to %d",
                         thread_count, MAX_THREADS);
    return thread_pool_create_with(thread_count, processors_for(thread_count), pool, error);
}

void thread_pool_free(struct thread_pool *pool) {
    if (!pool)
        return;
    stop_workers(pool, pool->worker_count);
    pthread_mutex_destroy(&pool->caller);
    free(pool);
}

const dlt_threads *thread_pool_threads(const struct thread_pool *pool) {
    return &pool->threads;
}

int thread_pool_workers(const struct thread_pool *pool) {
    return pool->worker_count;
}
