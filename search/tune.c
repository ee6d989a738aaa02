/* Tuning a task on this machine: its space, a measurer, and the loop; see search.h. */
#include "search/tuner_private.h"
#include "targets/jit/default_space.h"

#include "machine/description.h"
#include "search/strategy.h"

#include <stdlib.h>
#include <time.h>

static dlt_status run(void *context, const char *trace, double best_us,
                      struct measure_result *result, struct error *error) {
    return measurer_run(context, trace, best_us, result, error);
}

static dlt_status run_again(void *context, int count, const char *const *traces,
                            struct measure_result *results, struct error *error) {
    return measurer_run_again(context, count, traces, results, error);
}

static double finalists_seconds(void *context, int count) {
    return measurer_finalists_seconds(context, count);
}

static dlt_status create_space(struct arena *arena, const struct task *task, struct space **space,
                               struct error *error) {
    struct target_description description;
    TRY(target_describe(task->target, &description, error));
    if (!target_runs_here(task->target))
        return error_set(error, DLT_ERROR_REFUSED, "target: '%s' does not run on this machine",
                         task->target);
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return default_space_create(arena, task->collapsed, &description, task->threads, space, error);
}

static struct ranking_quality stored_quality(const struct quality *quality) {
    return (struct ranking_quality){quality->pairwise, quality->peak1, quality->peak5};
}

/* One line in the database about the run as a whole. */
static dlt_status store_run(const struct task *task, struct database *database,
                            const struct tuner_options *options,
                            const struct tuner_summary *summary, struct error *error) {
    const struct strategy *strategy = options->strategy ? options->strategy : strategies[0];
    const struct run run = {.task = task->key,
                            .host = host_name(),
                            .generator = DATABASE_GENERATOR,
                            .strategy = strategy->name,
                            .seed = (int64_t)options->seed,
                            .trials = summary->trials,
                            .seconds = summary->seconds,
                            .best_us = summary->best.median_us,
                            .created = (int64_t)time(NULL),
                            .judged = summary->quality.points,
                            .has_model = summary->quality.has_model,
                            .analytic = stored_quality(&summary->quality.analytic),
                            .model = stored_quality(&summary->quality.model)};
    return summary->trials ? database_add_run(database, &run, error) : DLT_OK;
}

static dlt_status open_parts(struct tuning *tuning, const struct task *task,
                             struct database *database, struct error *error) {
    struct measure_options how = {.seed = tuning->options.seed,
                                  .cancel = tuning->options.cancel,
                                  .account = &tuning->tuner.account};
    struct space *space = NULL;
    dlt_status status = create_space(&tuning->arena, task, &space, error);
    tuning->arena.recoverable = false; /* create_space's frame is gone */
    TRY(status);
    TRY(measurer_create(task, &how, &tuning->measurer, error));
    tuning->seam = (struct tuner_measurer){tuning->measurer, run, run_again, finalists_seconds};
    return tuner_begin(&tuning->tuner, task, space, &tuning->seam, database, &tuning->options,
                       tuning->summary, error);
}

static void release(struct tuning *tuning) {
    if (tuning->tuner.task)
        tuner_release(&tuning->tuner);
    measurer_free(tuning->measurer);
    arena_free(&tuning->arena);
    free(tuning);
}

dlt_status tuning_open(const struct task *task, struct database *database,
                       const struct tuner_options *options, struct tuner_summary *summary,
                       struct tuning **tuning, struct error *error) {
    struct tuning *made = calloc(1, sizeof *made);
    dlt_status status;
    *tuning = NULL;
    *summary = (struct tuner_summary){0};
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    made->options = *options;
    made->summary = summary;
    if (!options->account) {
        account_open(&made->account, options->seconds);
        made->options.account = &made->account;
    }
    arena_initialise(&made->arena);
    status = open_parts(made, task, database, error);
    if (status == DLT_OK)
        *tuning = made;
    else
        release(made);
    return status;
}

dlt_status tuning_close(struct tuning *tuning, struct error *error) {
    struct tuner *tuner = &tuning->tuner;
    dlt_status status = tuner_end(tuner, error);
    if (status == DLT_ERROR_CANCELLED)
        status = DLT_OK; /* the summary tells */
    tuning->summary->seconds = account_spent(&tuner->account);
    if (status == DLT_OK)
        status = store_run(tuner->task, tuner->database, &tuning->options, tuning->summary, error);
    release(tuning);
    return status;
}

dlt_status tune(const struct task *task, struct database *database,
                const struct tuner_options *options, struct tuner_summary *summary,
                struct error *error) {
    struct tuning *tuning;
    dlt_status status = tuning_open(task, database, options, summary, &tuning, error);
    if (status == DLT_ERROR_CANCELLED) {
        summary->cancelled = true;
        return DLT_OK;
    }
    TRY(status);
    status = tuner_continue(&tuning->tuner, error);
    if (status != DLT_OK && status != DLT_ERROR_CANCELLED) {
        release(tuning);
        return status;
    }
    return tuning_close(tuning, error);
}
