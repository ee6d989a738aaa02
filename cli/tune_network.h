/* Tuning all workloads of a list together, in a common time; see search/network.h. */
#ifndef CLI_TUNE_NETWORK_H
#define CLI_TUNE_NETWORK_H

#include "cli/requests.h"

/* Tunes and reports all of them, and their total. cli->exit_status tells of failures. */
dlt_status tune_list_together(struct cli *cli, const struct request_list *list,
                              struct database *database, struct error *error);

#endif
