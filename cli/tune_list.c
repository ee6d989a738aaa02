/* `dltune tune LIST`: tunes every line of a file. */
#include "cli/tuning.h"

dlt_status run_tune_list(struct cli *cli, struct error *error) {
    struct request_list list = {0};
    dlt_status status;
    if (cli->word_count != 1)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tune: needs one file of workloads, a line each, but got %d arguments",
                         cli->word_count);
    status = request_list_read(cli, cli->words[0], &list, error);
    if (status == DLT_OK)
        status = tune_tasks(cli, &list, error);
    request_list_free(&list);
    return status;
}
