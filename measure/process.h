/* A worker process as the measurer sees it: starting, talking, waiting, ending.
 *
 * Spawned, not forked: it does not matter how large the caller is or how many threads it has. Only
 * this process id is ever waited for or killed. */
#ifndef MEASURE_PROCESS_H
#define MEASURE_PROCESS_H

#include "measure/measure.h"
#include "measure/protocol.h"

#include <sys/types.h>

struct process {
    pid_t id;   /* 0: none */
    int socket; /* -1: none */
    uint64_t memory_headroom;
    unsigned counters;                    /* hardware counters that the worker has */
    uint64_t virtual_base, resident_base; /* bytes when it was ready */
    const volatile sig_atomic_t *cancel;  /* not 0: waiting for it ends it; may be NULL */
    bool killed; /* it ended by a signal that somebody sent it: no fault of its own is known */
};

/* Starts one and waits until it is ready for candidates of the task. Of what is there only `cancel`
 * is kept. */
dlt_status process_start(struct process *process, const char *program, const char *key,
                         const struct start_message *start, int shared, struct message *message,
                         struct error *error);

/* False if it died while it had nothing to do. */
bool process_is_idle(const struct process *process);

/* Waits for its next message. OUTCOME_OK: one has come. Else what became of it, with a message; it
 * has ended then. */
enum measure_outcome process_wait(struct process *process, double seconds, struct message *message,
                                  char *reason, size_t bytes);

bool process_is_cancelled(const struct process *process);

/* Ends it, whatever it does, and waits for it. */
void process_end(struct process *process);

#endif
