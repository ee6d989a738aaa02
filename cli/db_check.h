/* Whether what is stored can still be used: `dltune db check`. */
#ifndef CLI_DB_CHECK_H
#define CLI_DB_CHECK_H

#include "cli/requests.h"

/* Checks the database's records (of a request, or all: NULL) and prints what is wrong with them. */
dlt_status db_check(struct cli *cli, struct database *database, const struct request *request,
                    struct error *error);

/* Recovers the database's records into the file --repair names. The damaged file is not opened as a
 * database, since it may no longer be one. */
dlt_status db_repair(struct cli *cli, struct error *error);

#endif
