/* Checking and repairing; see db_check.h.
 *
 * Three checks, each on what the one before let through: the file (SQLite's own, and the values of
 * records and models), every record (its task parses to the same key, its schedule replays), and,
 * if asked for, the best of each task: it compiles and its result is the reference's. */
#include "cli/db_check.h"

#include "cli/report.h"
#include "cli/signals.h"
#include "cli/stored.h"
#include "db/gate.h"
#include "exchange/json.h"
#include "machine/description.h"
#include "measure/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    struct cli *cli;
    struct database *database;
    struct gate gate;
    long long problems; /* of the file, and of what it says */
    long long records, bad;
    long long run, wrong; /* bests */
};

static bool tell_problem(void *context, const char *problem) {
    struct checking *checking = context;
    checking->problems++;
    cli_complain("%s: %s", checking->cli->database_path, problem);
    return true;
}

/* ---- records ---- */

static bool visit_record(void *context, const struct record *record) {
    struct checking *checking = context;
    struct error error = {.status = DLT_OK};
    checking->records++;
    if (gate_check_record(&checking->gate, record, &error) != DLT_OK) {
        checking->bad++;
        cli_complain("record %lld of `%s`: %s", (long long)record->id, record->task, error.message);
    }
    return true;
}

/* ---- bests ---- */

static dlt_status run_best(const struct task *task, const char *trace,
                           struct measure_result *result, struct error *error) {
    struct measure_options options = {0};
    struct measurer *measurer;
    dlt_status status;
    TRY(measurer_create(task, &options, &measurer, error));
    status = measurer_run(measurer, trace, 1e-3, result, error); /* timed no longer than needed */
    measurer_free(measurer);
    return status;
}

static dlt_status check_best(struct checking *checking, const struct request *request,
                             struct error *error) {
    struct measure_result result;
    const struct task *task;
    struct record record;
    dlt_status status;
    int which;
    if (!target_runs_here(request->tasks[0]->target))
        return DLT_OK;
    TRY(stored_best_of(checking->cli, checking->database, request, &which, &record, error));
    task = request->tasks[which];
    status = run_best(task, record.trace, &result, error);
    checking->run += status == DLT_OK;
    if (status == DLT_OK && result.outcome != OUTCOME_OK) {
        checking->wrong++;
        cli_complain("the best of `%s`, record %lld: %s: %s", task->key, (long long)record.id,
                     measure_outcome_name(result.outcome), result.message);
    }
    record_free(&record);
    return status;
}

static bool keep_key(void *context, const struct task_summary *summary) {
    if (summary->right) {
        text_append(context, summary->task);
        text_append(context, "\n");
    }
    return true;
}

static dlt_status check_key(struct checking *checking, const char *key, struct error *error) {
    struct request request = {.count = 1}; /* whose key is its task's */
    dlt_status status;
    if (task_create_key(key, &request.tasks[0], NULL) != DLT_OK)
        return DLT_OK; /* already told of its records */
    request.key = request.tasks[0]->key;
    status = check_best(checking, &request, error);
    task_free(request.tasks[0]);
    return status;
}

static dlt_status check_bests(struct checking *checking, const struct request *request,
                              struct error *error) {
    struct text keys = {0};
    dlt_status status;
    if (request)
        return check_best(checking, request, error);
    status = database_tasks(checking->database, keep_key, &keys, error);
    signals_catch();
    for (char *key = keys.data; key && *key && status == DLT_OK && !stop_signal;) {
        char *end = strchr(key, '\n');
        *end = 0;
        status = check_key(checking, key, error);
        key = end + 1;
    }
    text_free(&keys);
    return status;
}

/* ---- all ---- */

static void print_checking(const struct checking *checking) {
    if (checking->cli->options.json) {
        printf("{\"problems\":%lld,\"records\":%lld,\"bad\":%lld,\"run\":%lld,\"wrong\":%lld}\n",
               checking->problems, checking->records, checking->bad, checking->run,
               checking->wrong);
        return;
    }
    printf("%lld records, %lld bad", checking->records, checking->bad);
    if (checking->cli->options.run)
        printf("; %lld bests run, %lld wrong", checking->run, checking->wrong);
    printf(checking->problems ? "; the file has %lld problems\n" : "\n", checking->problems);
}

dlt_status db_check(struct cli *cli, struct database *database, const struct request *request,
                    struct error *error) {
    struct checking checking = {.cli = cli, .database = database};
    dlt_status status;
    TRY(database_check(database, tell_problem, &checking, error));
    status = stored_records(database, request, visit_record, &checking, error);
    gate_free(&checking.gate);
    TRY(status);
    if (cli->options.run)
        TRY(check_bests(&checking, request, error));
    print_checking(&checking);
    if (checking.problems || checking.bad || checking.wrong)
        cli->exit_status = EXIT_FAILED;
    if (stop_signal)
        cli->exit_status = EXIT_SIGNAL + stop_signal;
    return DLT_OK;
}

/* ---- repairing ---- */

static bool tell_lost(void *context, const char *problem) {
    (void)context;
    cli_complain("left behind: %s", problem);
    return true;
}

static void print_recovered(const char *path, const struct transfer *transfer) {
    cJSON *object = cJSON_CreateObject();
    json_add_number(object, "recovered", (double)transfer->added);
    json_add_number(object, "lost", (double)transfer->lost);
    cJSON_AddStringToObject(object, "file", path);
    print_json_line(object);
}

dlt_status db_repair(struct cli *cli, struct error *error) {
    char buffer[sizeof cli->database_path];
    const char *path = cli->options.database, *new_path = cli->options.repair;
    struct transfer transfer;
    if (!path) {
        TRY(database_default_path(buffer, sizeof buffer, error));
        path = buffer;
    }
    TRY(database_salvage(path, new_path, tell_lost, NULL, &transfer, error));
    if (cli->options.json)
        print_recovered(new_path, &transfer);
    else
        printf("%s: %lld records recovered, %lld found damaged\n", new_path,
               (long long)transfer.added, (long long)transfer.lost);
    return DLT_OK;
}
