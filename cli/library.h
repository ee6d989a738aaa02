/* Stored bests as a static library: what `export` and `tune --name` share. */
#ifndef CLI_LIBRARY_H
#define CLI_LIBRARY_H

#include "cli/requests.h"

/* Writes libNAME.a and its companions (--name, --out) of the bests of all requests. */
dlt_status library_write(struct cli *cli, struct database *database,
                         const struct request_list *list, struct error *error);

#endif
