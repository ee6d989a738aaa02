/* `dltune OPERATOR ...`: tunes one workload. */
#include "cli/tuning.h"

dlt_status run_tune_operator(struct cli *cli, struct error *error) {
    struct request_list list = {0};
    struct request *request;
    dlt_status status;
    TRY(cli_request(cli, &request, error));
    status = request_list_add(&list, request, error);
    if (status == DLT_OK)
        status = tune_tasks(cli, &list, error);
    request_list_free(&list);
    return status;
}
