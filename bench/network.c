/* Networks: see network.h. */
#include "bench/network.h"

#include "machine/description.h"
#include "measure/measure.h"

#include <stdio.h>
#include <string.h>

static dlt_status add_line(struct network *network, const char *line, const char *target,
                           struct error *error) {
    if (network->count == MAX_NETWORK_TASKS)
        return error_set(error, DLT_ERROR_ARGUMENT, "more than %d workloads", MAX_NETWORK_TASKS);
    TRY(task_create_text(line, target, 1, &network->tasks[network->count], error));
    network->count++;
    return DLT_OK;
}

dlt_status network_read(struct network *network, const char *path, struct error *error) {
    struct target_description target;
    dlt_status status;
    char line[1024];
    FILE *file = fopen(path, "r");
    *network = (struct network){0};
    if (!file)
        return error_set(error, DLT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    status = target_describe("native", &target, error);
    while (status == DLT_OK && fgets(line, sizeof line, file)) {
        line[strcspn(line, "#\n")] = 0;
        if (line[strspn(line, " \t")])
            status = add_line(network, line, target.name, error);
    }
    fclose(file);
    return status == DLT_OK ? DLT_OK : error_prefix(error, "%s", path);
}

void network_free(struct network *network) {
    for (int i = 0; i < network->count; i++)
        task_free(network->tasks[i]);
    network->count = 0;
}

dlt_status network_time_pair(const struct task *task, const char *first, const char *second,
                             double microseconds[2], struct error *error) {
    const char *const traces[2] = {first, second};
    struct measure_options options = {.seed = 0};
    struct measure_result results[2] = {0};
    struct measurer *measurer;
    dlt_status status;
    TRY(measurer_create(task, &options, &measurer, error));
    status = measurer_run_again(measurer, 2, traces, results, error);
    measurer_free(measurer);
    for (int i = 0; i < 2 && status == DLT_OK; i++) {
        microseconds[i] = results[i].median_us;
        if (results[i].outcome != OUTCOME_OK)
            status = error_set(error, DLT_ERROR_REFUSED, "%s: %s", task->key, results[i].message);
    }
    return status;
}

dlt_status network_best(struct database *database, const struct task *task, struct record *record,
                        struct error *error) {
    bool exact;
    return database_best(database, task->key, host_name(), DATABASE_GENERATOR, record, &exact,
                         error);
}

struct copying {
    const char *except;
    struct database *to;
    dlt_status status;
    struct error *error;
};

static bool copy_record(void *context, const struct record *record) {
    struct copying *copying = context;
    if (strcmp(record->task, copying->except) != 0)
        copying->status = database_add(copying->to, record, copying->error);
    return copying->status == DLT_OK;
}

dlt_status network_copy_others(struct database *from, const char *except, struct database *to,
                               struct error *error) {
    struct copying copying = {except, to, DLT_OK, error};
    TRY(database_records(from, NULL, copy_record, &copying, error));
    return copying.status;
}
