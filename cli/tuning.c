/* Tuning tasks with progress and reports; see tuning.h. */
#include "cli/tuning.h"

#include "cli/advice.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/tune_network.h"
#include "machine/description.h"
#include "measure/peak.h"
#include "search/alternatives.h"
#include "search/strategy.h"
#include "threads/processors.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define LEAST_PEAK_SECONDS 0.02 /* a peak measured in less means little */
#define PEAK_SHARE         0.02 /* of the time that is left, for the peak before a run */
#define PROBE_SHARE        0.1 /* of the time that is left, for a probe of the machine before a run */

enum {
    DEFAULT_TRIALS = 256,
    DEFAULT_PATIENCE = 500, /* where only the time is limited */
};

double tuning_peak(const struct task *task, double seconds) {
    return processors_for(task->threads) *
           measure_fma_peak_in(task->target, expression_result(task->expression)->type, seconds) *
           1e-9;
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

/* What `query` would answer: often this run's best, now and then that of a run before. */
static bool find_stored(struct database *database, const struct request *request, double max_error,
                        int *which, struct record *stored) {
    struct error error;
    bool exact = false;
    if (best_of(database, request, which, stored, &exact, &error) != DLT_OK)
        return false;
    if (exact && (max_error <= 0 || stored->max_error <= max_error))
        return true;
    record_free(stored);
    return false;
}

/* A rate above the peak says that the peak was measured in a slow phase: once more. */
static double peak_beside(const struct task *task, const struct record *record,
                          const struct tuner_options *options) {
    double peak = fmax(record->peak_gflops, options->peak_gflops);
    double gflops = record->median_us > 0 ? task->operations / record->median_us * 1e-3 : 0;
    if (peak > 0 && gflops > peak && !stop_signal &&
        (!options->account || account_left_with_grace(options->account) > 2 * PEAK_SECONDS))
        peak = fmax(peak, tuning_peak(task, PEAK_SECONDS));
    return peak;
}

static void report_best(struct cli *cli, struct request *request, int number,
                        struct database *database, const struct tuner_summary *summary,
                        const struct tuner_options *options, const struct roofs *roofs) {
    struct text layouts = {0};
    const struct task *task = request_show(request, number);
    struct record stored, run;
    struct report report = {.cli = cli, .summary = summary, .roofs = roofs};
    bool found = find_stored(database, request, options->max_error, &number, &stored);
    task_print_layouts(task, &layouts);
    run = best_record(task, summary, options, text_string(&layouts));
    if (found) {
        struct record shown = stored;
        report.task = task = request_show(request, number);
        shown.task = request->key;
        shown.peak_gflops = peak_beside(task, &stored, options);
        report.record = &shown;
        if (strcmp(run.trace, stored.trace) || run.median_us != stored.median_us)
            report.run_best = &run;
        report_print(&report);
        record_free(&stored);
    } else {
        run.peak_gflops = peak_beside(task, &run, options);
        report.task = task;
        report.record = &run;
        report_print(&report);
    }
    text_free(&layouts);
}

bool tuning_report(struct cli *cli, struct request *request, int number, struct database *database,
                   const struct tuner_summary *summary, const struct tuner_options *options,
                   const struct roofs *roofs, const char *failure) {
    struct text why = {0};
    struct report report = {.cli = cli, .summary = summary, .roofs = roofs};
    if (!failure && summary->best.median_us > 0) {
        report_best(cli, request, number, database, summary, options, roofs);
        return true;
    }
    if (failure)
        text_append(&why, failure);
    else
        advice_print(&why, summary, options);
    report.task = request_show(request, number);
    report.failure = text_string(&why);
    report_print(&report);
    cli_complain("%s: %s", report.task->key, text_string(&why));
    text_free(&why);
    return false;
}

struct account tuning_account(const struct cli *cli) {
    struct account account;
    account_open(&account, cli->options.seconds);
    if (cli->options.seconds > 0) {
        account.start = cli->started;
        account.end = account.last = cli->started + cli->options.seconds;
    }
    return account;
}

bool tuning_affords(const struct account *account, double seconds) {
    return !stop_signal && seconds <= PROBE_SHARE * account_left(account);
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

/* The peak that a run's results stand beside: measured if that takes little of the time, else as it
 * was measured once. */
double tuning_peak_in(const struct task *task, struct database *database,
                      const struct account *account) {
    struct roofs roofs;
    if (tuning_affords(account, LEAST_PEAK_SECONDS))
        return tuning_peak(task, fmin(PEAK_SECONDS, PEAK_SHARE * account_left(account)));
    roofs_read(database, task->target, &roofs);
    return 1e-9 * task->threads * roofs.peak[expression_result(task->expression)->type];
}

void tuning_roofs_in(const struct task *task, struct database *database, bool affordable,
                     struct roofs *roofs) {
    if (affordable)
        roofs_for_task(database, true, task, roofs);
    else
        roofs_read(database, task->target, roofs);
}

static bool tune_request(struct cli *cli, struct request *request, struct database *database,
                         int number, int count) {
    const struct task *shown = request_show(request, 0);
    struct account account = tuning_account(cli);
    struct tuner_options options = tuning_options(cli);
    struct tuner_summary summary;
    struct progress progress;
    struct roofs roofs = {0};
    struct error error = {.status = DLT_OK};
    bool found;
    int best;
    options.account = &account;
    options.progress = progress_show;
    options.peak_gflops = tuning_peak_in(shown, database, &account);
    progress_begin(&progress, cli, shown, options.peak_gflops, number, count);
    options.context = &progress;
    dlt_status status = tune_alternatives(request->tasks, request->count, database, &options, &best,
                                          &summary, &error);
    progress_end(&progress);
    tuning_roofs_in(request->tasks[best], database,
                    !stop_signal && account_affords(&account, ROOFS_SECONDS), &roofs);
    found = tuning_report(cli, request, best, database, &summary, &options, &roofs,
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
