/* Tuning tasks one after the other, with progress and reports: what `OPERATOR` and `tune` share. */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "cli/cli.h"

/* Checks that the target runs here, opens the database, tunes each task and reports it. A task that
 * fails is reported and the others go on; cli->exit_status tells of it, or of an interruption. */
dlt_status tune_tasks(struct cli *cli, const struct task_list *list, struct error *error);

#endif
