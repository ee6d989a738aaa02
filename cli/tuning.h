/* Tuning tasks one after the other, with progress and reports: what `OPERATOR` and `tune` share. */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "cli/requests.h"
#include "cli/roofs.h"
#include "search/search.h"

/* Checks that the target runs here, opens the database, tunes each request and reports it. One that
 * fails is reported and the others go on; cli->exit_status tells of it, or of an interruption. */
dlt_status tune_tasks(struct cli *cli, const struct request_list *list, struct error *error);

/* What the command line asks of the tuner, its seconds those of the whole run. */
struct tuner_options tuning_options(const struct cli *cli);

/* The peak of all the cores that the kernel may use, GFLOP/s, measured now. */
double tuning_peak(const struct task *task);

/* Prints what came of a task; answers whether it has a right schedule. `failure`: why it could not
 * be tuned, or NULL. */
bool tuning_report(struct cli *cli, const struct task *task, const struct tuner_summary *summary,
                   const struct tuner_options *options, const struct roofs *roofs,
                   const char *failure);

#endif
