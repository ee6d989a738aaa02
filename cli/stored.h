/* The stored bests that `bench` and `export` work on. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "cli/cli.h"
#include "measure/measure.h"

/* The tasks that were asked for, by --list or as a workload on the command line; perhaps none. */
dlt_status requested_tasks(struct cli *cli, struct task_list *list, struct error *error);

/* Fills an empty list with everything stored for the target and the number of threads that has a
 * right schedule. */
dlt_status stored_tasks(struct cli *cli, struct database *database, struct task_list *list,
                        struct error *error);

/* The best record of a task. Nothing stored is DLT_ERROR_REFUSED here. */
dlt_status stored_best(struct cli *cli, struct database *database, const struct task *task,
                       struct record *record, struct error *error);

/* The trials of a task that are stored, by what became of them. */
struct stored_counts {
    int64_t trials, by_outcome[OUTCOME_COUNT];
};
dlt_status stored_count(struct database *database, const struct task *task,
                        struct stored_counts *counts, struct error *error);

#endif
