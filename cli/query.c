/* `dltune query WORKLOAD`: the stored best; measures and writes nothing. */
#include "cli/report.h"
#include "targets/description.h"

#include <unistd.h>

static dlt_status print_best(struct cli *cli, const struct task *task, struct database *database,
                             struct error *error) {
    struct report report = {.cli = cli, .task = task};
    struct record record;
    struct stored_counts counts;
    struct roofs roofs;
    dlt_status status;
    bool exact;
    TRY(database_best(database, task->key, host_name(), DATABASE_GENERATOR, &record, &exact,
                      error));
    if (!exact && !cli->options.quiet)
        cli_complain("note: nothing is stored for this host and code generator; this is of `%s`, "
                     "generator %s",
                     record.host, record.generator);
    status = stored_count(database, task, &counts, error);
    report.record = &record;
    report.counts = &counts;
    roofs_read(database, task->target, &roofs);
    report.roofs = &roofs;
    if (status == DLT_OK)
        report_print(&report);
    record_free(&record);
    return status;
}

static dlt_status query(struct cli *cli, const struct task *task, struct error *error) {
    struct database *database;
    dlt_status status = cli_open_database(cli, DATABASE_READ, &database, error);
    if (status == DLT_ERROR_DATABASE && access(cli->database_path, F_OK) != 0)
        return error_set(error, DLT_ERROR_NOT_FOUND,
                         "%s: there is no such database, so nothing is stored; tuning creates it",
                         cli->database_path);
    TRY(status);
    status = print_best(cli, task, database, error);
    database_close(database);
    return status;
}

dlt_status run_query(struct cli *cli, struct error *error) {
    struct task *task;
    dlt_status status;
    TRY(cli_task(cli, &task, error));
    status = query(cli, task, error);
    task_free(task);
    return status;
}
