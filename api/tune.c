/* Tuning and measuring from a program; see dltune/tune.h. */
#include "dltune/tune.h"

#include "api/api.h"
#include "machine/description.h"
#include "measure/measure.h"
#include "search/search.h"
#include "search/strategy.h"

#include <limits.h>
#include <stdlib.h>

enum {
    DEFAULT_TRIALS = 256
};

struct watching {
    const dlt_tune_options *options;
    volatile sig_atomic_t stop;
};

static void on_progress(void *context, const struct tuner_summary *summary) {
    struct watching *watching = context;
    const dlt_progress progress = {.trials = summary->trials,
                                   .right = summary->errors[OUTCOME_OK],
                                   .seconds = summary->seconds,
                                   .best_us = summary->best.median_us,
                                   .schedule = summary->best.trace};
    if (watching->options->progress(watching->options->context, &progress) != 0)
        watching->stop = 1;
}

static dlt_status fill_options(const dlt_tune_options *given, struct watching *watching,
                               struct tuner_options *options, struct error *error) {
    if (given->trials < 0 || given->seconds < 0 || given->max_error < 0 || given->max_error > 1)
        return error_set(
            error, DLT_ERROR_ARGUMENT,
            "options: trials %lld and seconds %g may be 0 or more, max_error %g 0 to 1",
            (long long)given->trials, given->seconds, given->max_error);
    *options = (struct tuner_options){
        .trials = given->trials        ? given->trials
                  : given->seconds > 0 ? 0
                                       : DEFAULT_TRIALS,
        .seconds = given->seconds,
        .seed = given->seed,
        .max_error = given->max_error,
        .strategy = given->strategy ? strategy_find(given->strategy) : NULL,
        .cancel = &watching->stop,
        .progress = given->progress ? on_progress : NULL,
        .context = watching,
    };
    if (given->strategy && !options->strategy)
        return error_set(error, DLT_ERROR_ARGUMENT, "strategy: '%s' is unknown", given->strategy);
    return DLT_OK;
}

/* Takes the best's strings over. */
static void fill_result(struct tuner_summary *summary, dlt_tune_result *result) {
    *result = (dlt_tune_result){.schedule = summary->best.trace,
                                .knobs = summary->best.knobs,
                                .median_us = summary->best.median_us,
                                .minimum_us = summary->best.minimum_us,
                                .max_error = summary->best.max_error,
                                .trials = summary->trials,
                                .right = summary->errors[OUTCOME_OK],
                                .seconds = summary->seconds,
                                .stopped = summary->cancelled};
    summary->best.trace = summary->best.knobs = NULL;
    tuner_summary_free(summary);
}

static dlt_status tune_into(const struct task *task, const char *path,
                            const dlt_tune_options *given, dlt_tune_result *result,
                            struct error *error) {
    struct watching watching = {.options = given};
    struct tuner_summary summary = {0};
    struct tuner_options options;
    struct database *database;
    char buffer[PATH_MAX];
    dlt_status status;
    if (!task)
        return error_set(error, DLT_ERROR_ARGUMENT, "task: it could not be made");
    TRY(fill_options(given, &watching, &options, error));
    if (!path)
        TRY(database_default_path(buffer, sizeof buffer, error));
    TRY(database_open(path ? path : buffer, DATABASE_WRITE, &database, error));
    status = tune(task, database, &options, &summary, error);
    database_close(database);
    fill_result(&summary, result);
    return status;
}

dlt_status dlt_tune(const dlt_task *task, const char *database, const dlt_tune_options *options,
                    dlt_tune_result *result) {
    static const dlt_tune_options defaults = {0};
    struct error error;
    *result = (dlt_tune_result){0};
    if (tune_into(task->task, database, options ? options : &defaults, result, &error) != DLT_OK)
        return handle_fail(&task->handle, &error);
    return DLT_OK;
}

void dlt_tune_result_free(dlt_tune_result *result) {
    free(result->schedule);
    free(result->knobs);
    *result = (dlt_tune_result){0};
}

static dlt_status status_of(const struct measure_result *result, struct error *error) {
    dlt_status status;
    switch (result->outcome) {
    case OUTCOME_OK:
        return DLT_OK;
    case OUTCOME_REFUSED:
        status = DLT_ERROR_REFUSED;
        break;
    case OUTCOME_COMPILE:
        status = DLT_ERROR_COMPILE;
        break;
    case OUTCOME_MEMORY:
        status = DLT_ERROR_MEMORY;
        break;
    default:
        status = DLT_ERROR_WRONG;
        break;
    }
    return error_set(error, status, "%s: %s", measure_outcome_name(result->outcome),
                     result->message);
}

static dlt_status measure(const struct task *task, const char *trace, double *median_us,
                          struct error *error) {
    const struct measure_options options = {0};
    struct measure_result result;
    struct measurer *measurer;
    dlt_status status;
    if (!task)
        return error_set(error, DLT_ERROR_ARGUMENT, "task: it could not be made");
    if (!target_runs_here(task->target))
        return error_set(error, DLT_ERROR_REFUSED, "target: '%s' does not run on this machine",
                         task->target);
    TRY(measurer_create(task, &options, &measurer, error));
    status = measurer_run_again(measurer, 1, &trace, &result, error);
    measurer_free(measurer);
    TRY(status);
    *median_us = result.median_us;
    return status_of(&result, error);
}

dlt_status dlt_measure(const dlt_task *task, const char *trace, double *median_us) {
    struct error error;
    *median_us = 0;
    if (measure(task->task, trace, median_us, &error) != DLT_OK)
        return handle_fail(&task->handle, &error);
    return DLT_OK;
}
