/* How a kernel runs its parallel loops: through a parallel-for that the caller provides. */
#ifndef DLTUNE_THREADS_H
#define DLTUNE_THREADS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One share of a parallel loop: the trips begin <= i < end, on the thread that holds `slot`. */
typedef void dlt_loop_body(void *body_context, long begin, long end, long slot);

/* Equal to  for each share [b, e) of [0, count): body(body_context, b, e, slot)  with the shares
 * covering 0 .. count-1 once, run by any threads at any time before `parallel_for` returns; two
 * shares that run at the same time have different slots, 0 <= slot < thread_count. */
typedef struct dlt_threads {
    void *context; /* passed back to parallel_for */
    int thread_count;
    void (*parallel_for)(void *context, dlt_loop_body *body, void *body_context, long count);
} dlt_threads;

#ifdef __cplusplus
}
#endif
#endif
