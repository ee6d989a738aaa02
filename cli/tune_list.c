/* `dltune tune LIST`: tunes every line of a file; with --name the bests become a library, without
 * the lines of which nothing is stored: what hours of tuning found is not lost to one that failed.
 */
#include "cli/library.h"
#include "cli/signals.h"
#include "cli/tuning.h"
#include "export/export.h"

/* What is wrong with the library's name is said before the tuning, not after it. */
static dlt_status check_library(const struct cli *cli, struct error *error) {
    if (cli->options.name)
        return export_check_name(cli->options.name, error);
    if (cli->options.out)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "--out: means nothing without --name, which makes a library of the list");
    return DLT_OK;
}

static dlt_status write_library(struct cli *cli, const struct request_list *list,
                                struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(cli_open_database(cli, DATABASE_READ, &database, error));
    status = library_write(cli, database, list, true, error);
    cli_close_database(cli, database);
    return status;
}

dlt_status run_tune_list(struct cli *cli, struct error *error) {
    struct request_list list = {0};
    dlt_status status;
    if (cli->word_count != 1)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tune: needs one file of workloads, a line each, but got %d arguments",
                         cli->word_count);
    TRY(check_library(cli, error));
    status = request_list_read(cli, cli->words[0], &list, error);
    if (status == DLT_OK)
        status = tune_tasks(cli, &list, error);
    if (status == DLT_OK && cli->options.name && stop_signal)
        cli_complain("lib%s.a: was not written, since the run was interrupted; `dltune export "
                     "--list` writes it of what is stored",
                     cli->options.name);
    else if (status == DLT_OK && cli->options.name)
        status = write_library(cli, &list, error);
    request_list_free(&list);
    return status;
}
