/* Stored bests as a static library: what `export` and `tune --name` share. */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include "cli/requests.h"

/* Writes libNAME.a and its companions (--name, --out) of the bests of all requests. A request of
 * which nothing is stored fails with DLT_ERROR_REFUSED and nothing is written; or with `tolerant`
 * it is named on standard error and left out, and the exit status is that of a failure. */
dlt_status library_write(struct cli *cli, struct database *database,
                         const struct request_list *list, bool tolerant, struct error *error);

#endif
