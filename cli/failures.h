/* Failed candidates: how many of each kind, one of each as an example, and each again. */
#ifndef CLI_FAILURES_H
#define CLI_FAILURES_H

#include "cli/requests.h"

/* `db failures [WORKLOAD]`: a line a kind. With --out each failure becomes a file. */
dlt_status db_failures(struct cli *cli, struct database *database, const struct request *request,
                       struct error *error);

/* `explain --replay FILE`: measures it again. Exit status 1 if something else comes of it. */
dlt_status replay_failure(struct cli *cli, const char *path, struct error *error);

#endif
