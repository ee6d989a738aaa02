/* Tasks: work on a target and a number of threads, which is what is tuned, stored and looked up.
 *
 * A task comes from a workload ("matmul m=128 n=3072 k=768") or from a tensor expression. Its key
 * is canonical text: equal work has an equal key. The key's workload, without target= and threads=,
 * is what dlt_runtime_get and NAME_find take, of expressions too. Link with libdltune-tune.
 *
 * A task may be used by several threads at once. */
#ifndef DLTUNE_TASK_H
#define DLTUNE_TASK_H

#include "dltune/expression.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlt_task dlt_task;

/* `target` is a name that `dltune targets` lists; NULL or "native": the best that runs here.
 * `threads` is from 1. The handle is set in case of failure too (dlt_error); free it in any case.
 * DLT_ERROR_ARGUMENT: workload, target or threads is malformed, by name, or the target does not
 * compute in the type of a tensor. */
DLT_API dlt_status dlt_task_create(const char *workload, const char *target, int threads,
                                   dlt_task **task);

/* The expression is checked and copied. */
DLT_API dlt_status dlt_task_from_expression(dlt_expression *expression, const char *target,
                                            int threads, dlt_task **task);

DLT_API void dlt_task_free(dlt_task *task); /* NULL is allowed */

/* Strings belong to the task; those of a task that could not be made are "". */
DLT_API const char *dlt_task_key(const dlt_task *task);
DLT_API const char *dlt_task_workload(const dlt_task *task);
DLT_API const char *dlt_task_target(const dlt_task *task);

/* Floating-point operations of one call, padding not counted. */
DLT_API double dlt_task_operations(const dlt_task *task);

#ifdef __cplusplus
}
#endif
#endif
