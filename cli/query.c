/* `dltune query WORKLOAD`: the stored best; measures and writes nothing. */
#include "cli/report.h"
#include "machine/description.h"

#include <unistd.h>

static dlt_status print_best(struct cli *cli, struct request *request, struct database *database,
                             struct error *error) {
    struct report report = {.cli = cli};
    struct record record, shown;
    struct stored_counts counts;
    struct roofs roofs;
    dlt_status status;
    bool exact;
    int which;
    TRY(best_of(database, request, &which, &record, &exact, error));
    report.task = request_show(request, which);
    shown = record;
    shown.task = request->key;
    if (!exact && !cli->options.quiet)
        cli_complain("note: nothing was measured here by this code generator; this is of `%s`, "
                     "generator %s%s",
                     record.host, record.generator,
                     record.imported ? ", taken in from another file and not compared with the "
                                       "reference here"
                                     : "");
    status = stored_count(database, request, &counts, error);
    report.record = &shown;
    report.counts = &counts;
    roofs_read(database, report.task->target, &roofs);
    report.roofs = &roofs;
    if (status == DLT_OK)
        report_print(&report);
    record_free(&record);
    return status;
}

static dlt_status query(struct cli *cli, struct request *request, struct error *error) {
    struct database *database;
    dlt_status status = cli_open_database(cli, DATABASE_READ, &database, error);
    if (status == DLT_ERROR_DATABASE && access(cli->database_path, F_OK) != 0)
        return error_set(error, DLT_ERROR_NOT_FOUND,
                         "%s: there is no such database, so nothing is stored; tuning creates it",
                         cli->database_path);
    TRY(status);
    status = print_best(cli, request, database, error);
    cli_close_database(cli, database);
    return status;
}

dlt_status run_query(struct cli *cli, struct error *error) {
    struct request *request;
    dlt_status status;
    TRY(cli_request(cli, &request, error));
    status = query(cli, request, error);
    request_free(request);
    return status;
}
