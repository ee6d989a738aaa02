/* What the benchmarks of whole networks share: the tasks of a list, and two schedules of a task
 * timed against each other. */
#ifndef BENCH_NETWORK_H
#define BENCH_NETWORK_H

#include "db/db.h"
#include "te/task.h"

enum {
    MAX_NETWORK_TASKS = 128
};

struct network {
    int count;
    struct task *tasks[MAX_NETWORK_TASKS]; /* for this machine's target, one thread */
};

dlt_status network_read(struct network *network, const char *path, struct error *error);
void network_free(struct network *network);

/* Times two schedules of a task in turns, as finalists are. Both must run and be right. */
dlt_status network_time_pair(const struct task *task, const char *first, const char *second,
                             double microseconds[2], struct error *error);

/* The best that is stored for this host. */
dlt_status network_best(struct database *database, const struct task *task, struct record *record,
                        struct error *error);

/* Adds a copy of a file's records of every task but one. */
dlt_status network_copy_others(struct database *from, const char *except, struct database *to,
                               struct error *error);

#endif
