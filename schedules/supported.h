/* Which element types a target computes in: the one place that decides it, asked before anything is
 * searched, looked up or made.
 *
 * Machine code holds f32 and nothing else. The plain loops of the target c take every type, with
 * rules for integers, whose arithmetic is exact or refused: nothing is divided, nothing but an
 * integer that fits becomes one, and s8 and u8, which nearly any sum leaves, are compared, chosen,
 * moved and converted, not added or multiplied. s32 is added and multiplied; results must fit. */
#ifndef SCHEDULES_SUPPORTED_H
#define SCHEDULES_SUPPORTED_H

#include "te/task.h"

/* DLT_ERROR_ARGUMENT names the tensor, the type and what is possible. */
dlt_status task_supported(const struct task *task, struct error *error);

#endif
