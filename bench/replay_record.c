/* Measures all points of a thinned space into a table for replay, or points drawn from the whole.
 *
 *     bench_replay_record FILE WORKLOAD [POINTS] [SECONDS] [draw]
 *
 * POINTS is about the most that the thinned space has (3000), SECONDS when to stop (0: never). With
 * `draw` POINTS are drawn uniformly from the whole space, for training and judging models.
 * docs/search.md has the tables that are kept, and the command that made each. */
#include "measure/measure.h"
#include "search/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct recorder {
    struct measurer *measurer;
    double best_us;
    int64_t count, failed;
};

static dlt_status measure(void *context, const struct space *space, const int *point,
                          double *microseconds, struct error *error) {
    struct recorder *recorder = context;
    struct measure_result result = {.outcome = OUTCOME_REFUSED};
    struct text trace = {0};
    dlt_status status = DLT_OK;
    if (point_trace(space, point, &trace, NULL) == DLT_OK)
        status = measurer_run(recorder->measurer, text_string(&trace), recorder->best_us, &result,
                              error);
    text_free(&trace);
    *microseconds = result.outcome == OUTCOME_OK ? result.median_us : INFINITY;
    recorder->count++;
    recorder->failed += result.outcome != OUTCOME_OK;
    if (result.outcome == OUTCOME_OK &&
        (recorder->best_us <= 0 || result.median_us < recorder->best_us))
        recorder->best_us = result.median_us;
    return status;
}

static dlt_status record(const char *path, const char *workload, int64_t points, double seconds,
                         bool draw, struct error *error) {
    struct measure_options options = {.seed = 0};
    struct target_description target;
    struct recorder recorder = {0};
    struct arena arena;
    struct space *space, *thin;
    struct task *task;
    TRY(target_describe("native", &target, error));
    TRY(task_create_text(workload, target.name, 1, &task, error));
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(space_create(&arena, task->collapsed, &target, 1, &space, error));
    thin = draw ? space : space_thin(space, points);
    TRY(measurer_create(task, &options, &recorder.measurer, error));
    TRY(replay_record(path, task, thin, draw ? points : 0, seconds, measure, &recorder, error));
    printf("%s: %s: %lld points, %lld failed, best %.4g us\n", path, task->key,
           (long long)recorder.count, (long long)recorder.failed, recorder.best_us);
    measurer_free(recorder.measurer);
    arena_free(&arena);
    task_free(task);
    return DLT_OK;
}

int main(int argument_count, char **arguments) {
    struct error error;
    if (argument_count < 3) {
        fprintf(stderr, "usage: bench_replay_record FILE WORKLOAD [POINTS] [SECONDS] [draw]\n");
        return 2;
    }
    if (record(arguments[1], arguments[2], argument_count > 3 ? atoll(arguments[3]) : 3000,
               argument_count > 4 ? atof(arguments[4]) : 0, argument_count > 5, &error) != DLT_OK) {
        fprintf(stderr, "bench_replay_record: %s\n", error.message);
        return 1;
    }
    return 0;
}
