/* `dltune bench`: times stored bests again, and compares with an earlier run. */
#include "cli/baseline.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/stored.h"
#include "measure/peak.h"
#include "measure/probe.h"
#include "targets/description.h"

#include <stdio.h>
#include <string.h>

enum {
    CACHE_LINE_BYTES = 64
};

static double peak_gflops(const struct task *task) {
    return task->threads *
           measure_fma_peak(task->target, expression_result(task->expression)->type) * 1e-9;
}

/* Measures a stored trace twice over: once to check it, then as a finalist. */
static dlt_status measure(const struct cli *cli, const struct task *task, const char *trace,
                          struct measure_result *result, struct error *error) {
    struct measure_options how = {.seed = (unsigned long long)cli->options.seed};
    struct measurer *measurer;
    dlt_status status;
    TRY(measurer_create(task, &how, &measurer, error));
    status = measurer_run_again(measurer, 1, &trace, result, error);
    measurer_free(measurer);
    return status;
}

static void take_over(struct record *record, const struct measure_result *result) {
    record->outcome = measure_outcome_name(result->outcome);
    record->message = result->outcome == OUTCOME_OK ? NULL : result->message;
    record->verified = result->outcome == OUTCOME_OK;
    record->median_us = result->median_us;
    record->minimum_us = result->minimum_us;
    record->spread = result->spread;
    record->max_error = result->max_error;
    record->clock = result->wall_clock ? "wall" : "cpu";
    record->finalist = true;
}

/* "slowdown", and "counters" with what follows from them; null where the machine has none. */
static void add_conditions(cJSON *object, const struct task *task,
                           const struct measure_result *result) {
    struct counter_rates rates =
        counters_rates(&result->counters, task->operations, CACHE_LINE_BYTES);
    cJSON *counters;
    if (result->slowdown > 0)
        cJSON_AddNumberToObject(object, "slowdown", result->slowdown);
    if (!result->counters.present) {
        cJSON_AddNullToObject(object, "counters");
        return;
    }
    counters = cJSON_AddObjectToObject(object, "counters");
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (result->counters.present >> i & 1)
            cJSON_AddNumberToObject(counters, counter_names[i], result->counters.values[i]);
    if (rates.operations_a_cycle > 0)
        cJSON_AddNumberToObject(counters, "operations_per_cycle", rates.operations_a_cycle);
    if (rates.bytes_moved > 0)
        cJSON_AddNumberToObject(counters, "bytes_moved", rates.bytes_moved);
}

/* A line of both for people, if there is anything to say. */
static void print_conditions(const struct measure_result *result) {
    struct text counters = {0};
    if (result->slowdown > PROBE_SLOW_FACTOR)
        printf("  a slow phase of the machine: multiply-adds took %.2f of the usual time\n",
               result->slowdown);
    if (result->counters.present) {
        counters_print(&counters, &result->counters);
        printf("  %s\n", text_string(&counters));
        text_free(&counters);
    }
}

static void print_row(const struct cli *cli, const struct task *task, const struct record *measured,
                      const struct stored_counts *counts, const struct roofs *roofs,
                      const struct measure_result *result, double stored_us) {
    struct report report = {
        .cli = cli, .task = task, .record = measured, .counts = counts, .roofs = roofs};
    struct text rate = {0};
    if (cli->options.json) {
        cJSON *object = report_json(&report);
        cJSON_AddNumberToObject(object, "stored_us", stored_us);
        add_conditions(object, task, result);
        print_json_line(object);
        return;
    }
    if (measured->verified)
        format_rate(&rate, task, measured->median_us, measured->peak_gflops);
    else
        text_format(&rate, "failed: %s: %s", measured->outcome, measured->message);
    printf("%s\n  %s  (stored %.4g us)\n", task->key, text_string(&rate), stored_us);
    print_conditions(result);
    fflush(stdout);
    text_free(&rate);
}

static dlt_status bench_task(struct cli *cli, struct database *database, const struct task *task,
                             const struct baseline *baseline, struct error *error) {
    struct measure_result result;
    struct record record, measured;
    struct stored_counts counts;
    struct roofs roofs;
    dlt_status status;
    TRY(stored_count(database, task, &counts, error));
    TRY(stored_best(cli, database, task, &record, error));
    status = measure(cli, task, record.trace, &result, error);
    if (status == DLT_OK) {
        measured = record;
        take_over(&measured, &result);
        measured.peak_gflops = peak_gflops(task);
        roofs_for_task(database, false, task, &roofs);
        print_row(cli, task, &measured, &counts, &roofs, &result, record.median_us);
        if (!measured.verified) {
            cli_complain("%s: %s: %s", task->key, measured.outcome, measured.message);
            cli->exit_status = EXIT_FAILED;
        } else if (baseline_is_slower(baseline, task->key, measured.median_us, measured.spread)) {
            cli->exit_status = EXIT_FAILED;
        }
    }
    record_free(&record);
    return status;
}

static dlt_status bench_stored(struct cli *cli, struct task_list *list,
                               const struct baseline *baseline, struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(cli_open_database(cli, DATABASE_READ, &database, error));
    status = stored_tasks(cli, database, list, error);
    signals_catch();
    for (int i = 0; status == DLT_OK && i < list->count && !stop_signal; i++)
        status = bench_task(cli, database, list->tasks[i], baseline, error);
    database_close(database);
    if (stop_signal)
        cli->exit_status = EXIT_SIGNAL + stop_signal;
    return status;
}

dlt_status run_bench(struct cli *cli, struct error *error) {
    struct baseline baseline = {0};
    struct task_list list = {0};
    const char *target;
    dlt_status status;
    if (cli->options.peers)
        return error_set(error, DLT_ERROR_REFUSED,
                         "--peers: this dltune was built without comparisons with other libraries");
    TRY(requested_tasks(cli, &list, error));
    status = cli_resolve_target(cli, &target, error);
    if (status == DLT_OK)
        status = cli_needs_target_here(target, error);
    if (status == DLT_OK && cli->options.baseline)
        status = baseline_read(cli->options.baseline, &baseline, error);
    if (status == DLT_OK)
        status = bench_stored(cli, &list, &baseline, error);
    baseline_free(&baseline);
    task_list_free(&list);
    return status;
}
