/* dltune's own kernel in a contest: compiled from a trace, packed, ready to be called. */
#ifndef BENCH_WORKER_KERNEL_H
#define BENCH_WORKER_KERNEL_H

#include "base/text.h"
#include "te/task.h"

struct bench_kernel;

/* `trace` empty: the space's default point, whose trace is then left in it. `data[t]` is that of
 * tensor t, `output` where the result goes. All are borrowed. */
dlt_status bench_kernel_create(const struct task *task, struct text *trace, const void *const *data,
                               void *output, struct bench_kernel **kernel, struct error *error);
void bench_kernel_free(void *kernel); /* also of NULL */
void bench_kernel_run(void *kernel, long calls);

#endif
