/* Strategies compared by live runs of the tuner.
 *
 *     bench_live_search CURVES LIST [TRIALS [SEEDS [STRATEGY,...]]]
 *
 * Each workload of the file LIST is tuned with each strategy and seed (150 trials, 5 seeds, all
 * strategies), each time from an empty database. A trial's time is rough and the least of many a
 * lucky one, so at the end the candidates that were the best of some run for a while are timed
 * again, in turns (those within 25 % of the best). A run's curve is made of these second times, so
 * it tells what a user who stopped there would have got. CURVES is written after each workload;
 * bench_search_report makes the picture. */
#define _GNU_SOURCE
#include "bench/curves.h"
#include "search/replay.h"
#include "targets/jit/default_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_CANDIDATES = 4096,
    MOST_TIMED = 96, /* again, of a workload: the fastest */
};

#define NEAR 1.25 /* of the best: slower ones keep their first time */

/* A schedule that was the best of a run for a while. */
struct candidate {
    char *trace;
    double microseconds;
    int curve, step; /* of it */
};

struct study {
    struct curves curves;
    int64_t trials;
    int seeds;
    const char *chosen; /* strategies, separated by commas; NULL: all */
    char folder[32];
    struct measurer *measurer; /* of the workload at hand */
    int curve;                 /* the run at hand */
    int64_t trial;
    double best_us;
    int candidate_count;
    struct candidate candidates[MOST_CANDIDATES];
};

static void fail(const char *message) {
    fprintf(stderr, "bench_live_search: %s\n", message);
    exit(1);
}

/* ---- a run ---- */

static void note_best(struct study *study, const char *trace, double microseconds) {
    struct curve *curve = &study->curves.curves[study->curve];
    study->best_us = microseconds;
    if (study->candidate_count == MOST_CANDIDATES)
        fail("too many candidates");
    study->candidates[study->candidate_count++] =
        (struct candidate){strdup(trace), microseconds, study->curve, curve->step_count};
    if (!curve_append(curve, study->trial, microseconds))
        fail("out of memory");
}

static dlt_status run(void *context, const char *trace, double best_us,
                      struct measure_result *result, struct error *error) {
    struct study *study = context;
    TRY(measurer_run(study->measurer, trace, best_us, result, error));
    study->trial++;
    if (result->outcome == OUTCOME_OK && !result->abandoned &&
        (study->best_us <= 0 || result->median_us < study->best_us))
        note_best(study, trace, result->median_us);
    return DLT_OK;
}

static dlt_status run_again(void *context, int count, const char *const *traces,
                            struct measure_result *results, struct error *error) {
    struct study *study = context;
    return measurer_run_again(study->measurer, count, traces, results, error);
}

static void remove_database(const char *path) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    char name[96];
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static dlt_status run_once(struct study *study, const struct task *task, const struct space *space,
                           const struct strategy *strategy, int seed, struct error *error) {
    struct tuner_measurer seam = {study, run, run_again, NULL};
    struct tuner_options options = {
        .trials = study->trials, .seed = (uint64_t)seed, .strategy = strategy, .rough = true};
    struct tuner_summary summary;
    struct database *database;
    char path[64];
    dlt_status status;
    if (!curves_add(&study->curves, task->workload, strategy->name, seed, study->trials))
        return error_set(error, DLT_ERROR_MEMORY, "too many curves");
    study->curve = study->curves.count - 1;
    study->trial = 0;
    study->best_us = 0;
    snprintf(path, sizeof path, "%s/run.db", study->folder);
    remove_database(path);
    TRY(database_open(path, DATABASE_WRITE, &database, error));
    status = tuner_run(task, space, &seam, database, &options, &summary, error);
    tuner_summary_free(&summary);
    database_close(database);
    remove_database(path);
    return status;
}

/* ---- second times ---- */

static int by_time(const void *a, const void *b) {
    const struct candidate *x = a, *y = b;
    return (x->microseconds > y->microseconds) - (x->microseconds < y->microseconds);
}

/* The fastest candidates, each trace once. */
static int choose(const struct study *study, const char **traces) {
    double best = study->candidate_count ? study->candidates[0].microseconds : 0;
    int count = 0;
    for (int i = 0; i < study->candidate_count && count < MOST_TIMED; i++) {
        bool known = study->candidates[i].microseconds > NEAR * best;
        for (int j = 0; j < count && !known; j++)
            known = !strcmp(traces[j], study->candidates[i].trace);
        if (!known)
            traces[count++] = study->candidates[i].trace;
    }
    return count;
}

/* Where a later best proves slower than an earlier one, the tuner's finalists would have told. */
static void correct(struct study *study, int count, const char *const *traces,
                    const struct measure_result *results) {
    for (int i = 0; i < study->candidate_count; i++)
        for (int j = 0; j < count; j++) {
            const struct candidate *candidate = &study->candidates[i];
            if (results[j].outcome == OUTCOME_OK && !strcmp(candidate->trace, traces[j]))
                study->curves.curves[candidate->curve].steps[candidate->step].microseconds =
                    results[j].median_us;
        }
    for (int i = 0; i < study->curves.count; i++) {
        struct curve *curve = &study->curves.curves[i];
        for (int j = 1; j < curve->step_count; j++)
            curve->steps[j].microseconds =
                fmin(curve->steps[j].microseconds, curve->steps[j - 1].microseconds);
    }
}

static dlt_status time_again(struct study *study, struct error *error) {
    const char *traces[MOST_TIMED];
    struct measure_result results[MOST_TIMED];
    int count;
    qsort(study->candidates, (size_t)study->candidate_count, sizeof study->candidates[0], by_time);
    count = choose(study, traces);
    memset(results, 0, sizeof results);
    if (count)
        TRY(measurer_run_again(study->measurer, count, traces, results, error));
    correct(study, count, traces, results);
    for (int i = 0; i < study->candidate_count; i++)
        free(study->candidates[i].trace);
    study->candidate_count = 0;
    return DLT_OK;
}

/* ---- a workload ---- */

static bool is_chosen(const struct study *study, const char *name) {
    const char *at = study->chosen;
    size_t length = strlen(name);
    while (at && (strncmp(at, name, length) || (at[length] && at[length] != ','))) {
        at = strchr(at, ',');
        at += at != NULL;
    }
    return !study->chosen || at;
}

static dlt_status run_all(struct study *study, const struct task *task, const struct space *space,
                          struct error *error) {
    fprintf(stderr, "%s: about %.2g points\n", task->workload, space_count_points(space));
    for (int seed = 0; seed < study->seeds; seed++) /* in turns, for slow phases of the machine */
        for (int i = 0; strategies[i]; i++)
            if (is_chosen(study, strategies[i]->name))
                TRY(run_once(study, task, space, strategies[i], seed, error));
    return time_again(study, error);
}

static dlt_status study_workload(struct study *study, const char *workload, struct error *error) {
    struct measure_options how = {.seed = 0};
    struct target_description target;
    struct arena arena;
    struct space *space;
    struct task *task;
    dlt_status status;
    TRY(target_describe("native", &target, error));
    TRY(task_create_text(workload, target.name, 1, &task, error));
    arena_initialise(&arena);
    if (arena_recover(&arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = default_space_create(&arena, task->collapsed, &target, 1, &space, error);
    if (status == DLT_OK)
        status = measurer_create(task, &how, &study->measurer, error);
    if (status == DLT_OK)
        status = run_all(study, task, space, error);
    measurer_free(study->measurer);
    study->measurer = NULL;
    arena_free(&arena);
    task_free(task);
    return status;
}

static void study_list(struct study *study, const char *list, const char *curves) {
    struct error error = {.status = DLT_OK};
    FILE *file = fopen(list, "r");
    char line[512];
    if (!file)
        fail("LIST cannot be read");
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "#\n")] = 0;
        if (!line[strspn(line, " \t")])
            continue;
        if (study_workload(study, line, &error) != DLT_OK ||
            curves_write(&study->curves, curves, &error) != DLT_OK)
            fail(error.message);
    }
    fclose(file);
}

int main(int argument_count, char **arguments) {
    static struct study study = {.folder = "/tmp/bench-live-XXXXXX"};
    if (argument_count < 3)
        fail("usage: bench_live_search CURVES LIST [TRIALS [SEEDS [STRATEGY,...]]]");
    study.trials = argument_count > 3 ? atoll(arguments[3]) : 150;
    study.seeds = argument_count > 4 ? atoi(arguments[4]) : 5;
    study.chosen = argument_count > 5 ? arguments[5] : NULL;
    if (study.trials < 1 || study.seeds < 1 || study.seeds > MAX_CURVE_SEEDS)
        fail("TRIALS and SEEDS are numbers from 1");
    if (!mkdtemp(study.folder))
        fail("cannot make a folder in /tmp");
    study_list(&study, arguments[2], arguments[1]);
    rmdir(study.folder);
    curves_print(&study.curves, stdout);
    curves_free(&study.curves);
    return 0;
}
