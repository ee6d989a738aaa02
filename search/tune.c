/* Tuning a task on this machine: its space, a measurer, and the loop; see search.h. */
#include "search/search.h"

#include "search/strategy.h"
#include "targets/description.h"

#include <time.h>

static dlt_status run(void *context, const char *trace, double best_us,
                      struct measure_result *result, struct error *error) {
    return measurer_run(context, trace, best_us, result, error);
}

static dlt_status run_again(void *context, int count, const char *const *traces,
                            struct measure_result *results, struct error *error) {
    return measurer_run_again(context, count, traces, results, error);
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
    return space_create(arena, task->collapsed, &description, task->threads, space, error);
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
                            .created = (int64_t)time(NULL)};
    return summary->trials ? database_add_run(database, &run, error) : DLT_OK;
}

dlt_status tune(const struct task *task, struct database *database,
                const struct tuner_options *options, struct tuner_summary *summary,
                struct error *error) {
    struct measure_options how = {.seed = options->seed, .cancel = options->cancel};
    struct tuner_measurer seam = {.run = run, .run_again = run_again};
    struct measurer *measurer = NULL;
    struct space *space = NULL;
    struct arena arena;
    dlt_status status;
    *summary = (struct tuner_summary){0};
    arena_initialise(&arena);
    status = create_space(&arena, task, &space, error);
    arena.recoverable = false; /* create_space's frame is gone */
    if (status == DLT_OK)
        status = measurer_create(task, &how, &measurer, error);
    if (status == DLT_ERROR_CANCELLED) {
        summary->cancelled = true;
        status = DLT_OK;
    } else if (status == DLT_OK) {
        seam.context = measurer;
        status = tuner_run(task, space, &seam, database, options, summary, error);
        if (status == DLT_OK)
            status = store_run(task, database, options, summary, error);
    }
    measurer_free(measurer);
    arena_free(&arena);
    return status;
}
