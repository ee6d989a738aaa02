/* The handles behind dltune/expression.h, task.h, schedule.h and tune.h.
 *
 * Each owns its messages (runtime/handle.h). What a handle wraps lives in an arena, so every call
 * that allocates there sets a recovery point first; it may not outlive the call. */
#ifndef API_API_H
#define API_API_H

#include "dltune/schedule.h"
#include "runtime/handle.h"
#include "schedules/schedule.h"
#include "te/task.h"

struct dlt_expression {
    struct handle handle;
    struct messages messages;
    struct arena arena;
    struct expression *expression;
    struct error failure; /* the first of building: everything after it fails with it */
    struct text text;
};

struct dlt_task {
    struct handle handle;
    struct messages messages;
    struct task *task; /* NULL if it could not be made */
};

struct dlt_schedule {
    struct handle handle;
    struct messages messages;
    struct arena arena;
    struct schedule *schedule; /* NULL if it could not be made */
    struct text text;
};

/* A handle of `bytes` bytes that begins as those above; NULL if memory ran out. */
void *handle_create(size_t bytes);

#endif
