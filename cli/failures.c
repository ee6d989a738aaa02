/* Failures out of the database, into files, and back to life; see failures.h. */
#include "cli/failures.h"

#include "cli/report.h"
#include "measure/failure.h"
#include "json/number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct collecting {
    struct cli *cli;
    struct failure_histogram histogram;
    dlt_status status;
    struct error *error;
};

/* ---- files ---- */

static dlt_status write_failure(const char *folder, int64_t id, const struct failure *failure,
                                struct error *error) {
    struct text path = {0}, text = {0};
    dlt_status status = DLT_OK;
    FILE *file;
    text_format(&path, "%s/failure-%lld.txt", folder, (long long)id);
    failure_print(&text, failure);
    file = fopen(text_string(&path), "w");
    if (!file || fputs(text_string(&text), file) < 0)
        status = error_set(error, DLT_ERROR_SYSTEM, "%s: %s", text_string(&path), strerror(errno));
    if (file && fclose(file) != 0 && status == DLT_OK)
        status = error_set(error, DLT_ERROR_SYSTEM, "%s: %s", text_string(&path), strerror(errno));
    text_free(&path);
    text_free(&text);
    return status;
}

static dlt_status read_file(const char *path, struct text *text, struct error *error) {
    FILE *file = fopen(path, "r");
    dlt_status status = DLT_OK;
    char piece[4096];
    size_t count;
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
    while ((count = fread(piece, 1, sizeof piece, file)) > 0)
        text_append_bytes(text, piece, count);
    if (ferror(file))
        status = error_set(error, DLT_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
    fclose(file);
    if (text->failed)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return status;
}

/* ---- out of the database ---- */

static bool collect(void *context, const struct record *record) {
    struct collecting *c = context;
    struct failure failure = {.task = record->task,
                              .trace = record->trace,
                              .outcome = measure_outcome_find(record->outcome),
                              .message = record->message,
                              .options = {.seed = (unsigned long long)record->seed}};
    if (failure.outcome == OUTCOME_OK || failure.outcome == OUTCOME_COUNT)
        return true;
    c->status = failure_count(&c->histogram, &failure, c->error);
    if (c->status == DLT_OK && c->cli->options.out)
        c->status = write_failure(c->cli->options.out, record->id, &failure, c->error);
    return c->status == DLT_OK;
}

static void print_kind(const struct cli *cli, enum measure_outcome outcome, int64_t count,
                       const struct failure *example) {
    cJSON *object;
    if (!cli->options.json) {
        printf("%6lld  %-8s  %s\n        %s\n", (long long)count, measure_outcome_name(outcome),
               example->message, example->task);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "kind", measure_outcome_name(outcome));
    json_add_number(object, "count", (double)count);
    cJSON_AddStringToObject(object, "message", example->message);
    cJSON_AddStringToObject(object, "task", example->task);
    cJSON_AddStringToObject(object, "schedule", example->trace);
    print_json_line(object);
}

dlt_status db_failures(struct cli *cli, struct database *database, const struct request *request,
                       struct error *error) {
    struct collecting collecting = {.cli = cli, .error = error};
    dlt_status status;
    if (cli->options.out && mkdir(cli->options.out, 0777) != 0 && errno != EEXIST)
        return error_set(error, DLT_ERROR_SYSTEM, "--out: %s: %s", cli->options.out,
                         strerror(errno));
    status = stored_records(database, request, collect, &collecting, error);
    if (status == DLT_OK)
        status = collecting.status;
    for (int i = 0; i < OUTCOME_COUNT && status == DLT_OK; i++)
        if (collecting.histogram.counts[i])
            print_kind(cli, (enum measure_outcome)i, collecting.histogram.counts[i],
                       &collecting.histogram.examples[i]);
    failure_histogram_free(&collecting.histogram);
    return status;
}

/* ---- again ---- */

dlt_status replay_failure(struct cli *cli, const char *path, struct error *error) {
    struct measure_result result;
    struct failure failure = {0};
    struct text text = {0};
    dlt_status status = read_file(path, &text, error);
    if (status == DLT_OK && failure_parse(text_string(&text), &failure, error) != DLT_OK)
        status = error_prefix(error, "%s", path);
    if (status == DLT_OK)
        status = failure_replay(&failure, &result, error);
    if (status == DLT_OK) {
        printf("%s\n  then  %s: %s\n  now   %s%s%s\n", failure.task,
               measure_outcome_name(failure.outcome), failure.message ? failure.message : "",
               measure_outcome_name(result.outcome), result.outcome == OUTCOME_OK ? "" : ": ",
               result.message);
        if (result.outcome != failure.outcome)
            cli->exit_status = EXIT_FAILED;
    }
    failure_free(&failure);
    text_free(&text);
    return status;
}
