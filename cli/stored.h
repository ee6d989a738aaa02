/* The stored bests that `bench` and `export` work on. */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include "cli/requests.h"
#include "measure/measure.h"

/* What was asked for, by --list or as a workload on the command line; perhaps nothing. */
dlt_status requested_tasks(struct cli *cli, struct request_list *list, struct error *error);

/* Fills an empty list with everything stored for the target and the number of threads that has a
 * right schedule. */
dlt_status stored_tasks(struct cli *cli, struct database *database, struct request_list *list,
                        struct error *error);

/* The best record of a request, and the number of its task. Nothing stored is DLT_ERROR_NOT_FOUND;
 * for stored_best_of it is DLT_ERROR_REFUSED. */
dlt_status best_of(struct database *database, const struct request *request, int *which,
                   struct record *record, bool *exact, struct error *error);
dlt_status stored_best_of(struct cli *cli, struct database *database, const struct request *request,
                          int *which, struct record *record, struct error *error);

/* The records of a request, or of everything: NULL. */
dlt_status stored_records(struct database *database, const struct request *request,
                          record_visitor *visitor, void *context, struct error *error);

/* Says that there are none, and what to do: DLT_ERROR_REFUSED. */
dlt_status nothing_stored(const struct cli *cli, const char *key, struct error *error);

/* The trials of a request that are stored, by what became of them. */
struct stored_counts {
    int64_t trials, by_outcome[OUTCOME_COUNT];
};
dlt_status stored_count(struct database *database, const struct request *request,
                        struct stored_counts *counts, struct error *error);

#endif
