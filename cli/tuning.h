/* Tuning tasks one after the other, with progress and reports: what `OPERATOR` and `tune` share. */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "cli/requests.h"

/* Checks that the target runs here, opens the database, tunes each request and reports it. One that
 * fails is reported and the others go on; cli->exit_status tells of it, or of an interruption. */
dlt_status tune_tasks(struct cli *cli, const struct request_list *list, struct error *error);

#endif
