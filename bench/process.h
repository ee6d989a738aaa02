/* One process of a benchmark: started with an environment that says how libraries are to run, given
 * its request, read to its end. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include "base/text.h"
#include "te/task.h"

#include <signal.h>

/* The environment of this process but for what libraries read, which is set for the task. An array
 * that ends with NULL, to be freed in one piece; NULL without memory. */
char **bench_environment(const struct task *task);

/* Runs the worker on a request (one line). What it answered is in `answers`, whatever became of it;
 * the failure says whether it was killed, by what, or ran out of time. When `*cancel` (cancel may
 * be NULL) becomes other than 0 the worker is ended: DLT_ERROR_CANCELLED. */
dlt_status bench_process_run(const char *worker, const struct task *task, const char *request,
                             double timeout_seconds, const volatile sig_atomic_t *cancel,
                             struct text *answers, struct error *error);

#endif
