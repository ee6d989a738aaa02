/* Tuning tasks with progress and reports; see tuning.h. */
#include "cli/tuning.h"

#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/tune_network.h"
#include "machine/description.h"
#include "measure/peak.h"
#include "search/alternatives.h"
#include "search/strategy.h"
#include "threads/processors.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    DEFAULT_TRIALS = 256,
    DEFAULT_PATIENCE = 500, /* where only the time is limited */
};

double tuning_peak(const struct task *task) {
    return processors_for(task->threads) *
           measure_fma_peak(task->target, expression_result(task->expression)->type) * 1e-9;
}

/* The best as a record, of strings borrowed from task, summary and `layouts`. */
static struct record best_record(const struct task *task, const struct tuner_summary *summary,
                                 const struct tuner_options *options, const char *layouts) {
    return (struct record){
        .task = task->key,
        .host = host_name(),
        .generator = DATABASE_GENERATOR,
        .trace = summary->best.trace,
        .knobs = summary->best.knobs,
        .outcome = measure_outcome_name(OUTCOME_OK),
        .clock = summary->best.wall_clock ? "wall" : "cpu",
        .layouts = layouts,
        .median_us = summary->best.median_us,
        .minimum_us = summary->best.minimum_us,
        .spread = summary->best.spread,
        .max_error = summary->best.max_error,
        .peak_gflops = options->peak_gflops,
        .verified = true,
        .finalist = summary->best.finalist,
        .seed = (int64_t)options->seed,
        .created = (int64_t)time(NULL),
    };
}

bool tuning_report(struct cli *cli, const struct task *task, const struct tuner_summary *summary,
                   const struct tuner_options *options, const struct roofs *roofs,
                   const char *failure) {
    bool found = !failure && summary->best.median_us > 0;
    struct text layouts = {0}, why = {0};
    struct record record;
    struct report report = {.cli = cli, .task = task, .summary = summary, .roofs = roofs};
    task_print_layouts(task, &layouts);
    record = best_record(task, summary, options, text_string(&layouts));
    text_format(&why, "%s",
                failure                     ? failure
                : summary->cancelled        ? "interrupted before a candidate was right"
                : summary->first_failure[0] ? "no candidate was right; try more --trials"
                : summary->exhausted
                    ? "no candidate could be proposed"
                    : "the time was over before a candidate was measured; give more --time");
    report.record = found ? &record : NULL;
    report.failure = found ? NULL : text_string(&why);
    report_print(&report);
    if (!found)
        cli_complain("%s: %s%s%s", task->key, text_string(&why),
                     summary->first_failure[0] ? "; the first failed by " : "",
                     summary->first_failure);
    text_free(&layouts);
    text_free(&why);
    return found;
}

struct tuner_options tuning_options(const struct cli *cli) {
    const struct options *given = &cli->options;
    bool without_limit = given->seconds > 0 && !given->trials;
    return (struct tuner_options){
        .trials = given->trials   ? given->trials
                  : without_limit ? 0
                                  : DEFAULT_TRIALS,
        .seconds = given->seconds,
        .patience = given->patience >= 0 ? given->patience
                    : without_limit      ? DEFAULT_PATIENCE
                                         : 0,
        .seed = (uint64_t)given->seed,
        .max_error = given->max_error,
        .strategy = given->strategy ? strategy_find(given->strategy) : NULL,
        .cancel = &stop_signal,
    };
}

static bool tune_request(struct cli *cli, struct request *request, struct database *database,
                         int number, int count) {
    const struct task *shown = request_show(request, 0);
    struct tuner_options options = tuning_options(cli);
    struct tuner_summary summary;
    struct progress progress;
    struct roofs roofs = {0};
    struct error error = {.status = DLT_OK};
    bool found;
    int best;
    options.progress = progress_show;
    if (!stop_signal)
        options.peak_gflops = tuning_peak(shown);
    if (!stop_signal)
        roofs_for_task(database, true, shown, &roofs);
    progress_begin(&progress, cli, shown, options.peak_gflops, number, count);
    options.context = &progress;
    dlt_status status = tune_alternatives(request->tasks, request->count, database, &options, &best,
                                          &summary, &error);
    progress_end(&progress);
    shown = request_show(request, best);
    found = tuning_report(cli, shown, &summary, &options, &roofs,
                          status == DLT_OK ? NULL : error.message);
    tuner_summary_free(&summary);
    return found;
}

/* A common time is shared out where it helps most; trials are each workload's own. */
static dlt_status tune_all(struct cli *cli, const struct request_list *list,
                           struct database *database, struct error *error) {
    if (cli->options.seconds > 0 && list->count > 1)
        return tune_list_together(cli, list, database, error);
    for (int i = 0; i < list->count && !stop_signal; i++)
        if (!tune_request(cli, list->requests[i], database, i + 1, list->count))
            cli->exit_status = EXIT_FAILED;
    return DLT_OK;
}

dlt_status tune_tasks(struct cli *cli, const struct request_list *list, struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(cli_needs_target_here(list->requests[0]->tasks[0]->target, error));
    TRY(cli_open_database(cli, DATABASE_WRITE, &database, error));
    cli_warn_of_threads(cli);
    signals_catch();
    status = tune_all(cli, list, database, error);
    cli_close_database(cli, database);
    if (stop_signal)
        cli->exit_status = EXIT_SIGNAL + stop_signal;
    return status;
}
