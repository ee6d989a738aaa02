/* `dltune OPERATOR ...`: tunes one workload. */
#include "cli/tuning.h"

dlt_status run_tune_operator(struct cli *cli, struct error *error) {
    struct task_list list = {0};
    struct task *task;
    dlt_status status;
    TRY(cli_task(cli, &task, error));
    status = task_list_add(&list, task, error);
    if (status != DLT_OK)
        task_free(task);
    else
        status = tune_tasks(cli, &list, error);
    task_list_free(&list);
    return status;
}
