/* The gate: what a record, a task or a model has to be before anything believes it.
 *
 * Files come from other machines, through other programs, and from failing disks. So whatever is
 * read from a file passes the first part, values, and what is taken into a file, or chosen as the
 * best of one, the second part too: the task parses to the same key, the schedule replays on it,
 * and no machine is needed that does not exist. What does not pass is left out and named. */
#ifndef DB_GATE_H
#define DB_GATE_H

#include "db/db.h"
#include "te/task.h"

/* Neighbouring records mostly are of one task, so the last one is kept. Zeroed: empty. */
struct gate {
    struct task *task;
};

/* All say in `error` which column is wrong, what it is and what it may be: DLT_ERROR_ARGUMENT, or
 * DLT_ERROR_MEMORY. */

/* The columns, each and together: ranges, names of outcomes and clocks, no control characters. */
dlt_status record_check_values(const struct record *record, struct error *error);
dlt_status run_check_values(const struct run *run, struct error *error);

/* Values, task and schedule. */
dlt_status gate_check_record(struct gate *gate, const struct record *record, struct error *error);
dlt_status gate_check_task(struct gate *gate, const char *key, struct error *error);
dlt_status gate_check_run(struct gate *gate, const struct run *run, struct error *error);
void gate_free(struct gate *gate);

/* Whether bytes are UTF-8 without control characters but line ends and tabs. What overwrote a row
 * seldom is, and no terminal obeys what is. */
bool text_is_plain(const void *bytes, size_t count);

#endif
