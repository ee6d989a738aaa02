/* The loop of tuning: propose, measure, store, observe; see search.h. */
#include "search/tuner_private.h"

#include "base/hash.h"
#include "base/plain.h"
#include "measure/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FINALISTS_SHARE   0.2  /* of the time, and */
#define FINALISTS_SECONDS 1.5  /* at most, that are kept for the finalists */
#define LEARNING_SHARE    0.05 /* for the model, and */
#define LEARNING_SECONDS  0.5  /* at most */
#define CALLS             2    /* the least that a candidate is begun for */

const char *const tuner_share_names[TUNER_SHARES] = {
    [SHARE_LOWER] = "lower", [SHARE_COMPILE] = "compile",     [SHARE_REFERENCE] = "reference",
    [SHARE_CHECK] = "check", [SHARE_TIME] = "time",           [SHARE_SEARCH] = "search",
    [SHARE_STORE] = "store", [SHARE_FINALISTS] = "finalists", [SHARE_OTHER] = "other",
};

static bool is_cancelled(const struct tuner *tuner) {
    return tuner->options->cancel && *tuner->options->cancel;
}

static bool is_hopeless(const struct tuner *tuner) {
    int64_t patience = tuner->options->patience;
    return patience && tuner->milestone > 0 &&
           tuner->summary->trials - tuner->milestone_at >= patience;
}

/* The share that is kept of a time for what comes later; of no limit nothing is. */
static double part_of(const struct account *account, double share, double most) {
    double limit = account_limit(account);
    return isfinite(limit) ? fmin(share * limit, most) : 0;
}

/* While the finalists are timed, a little time is kept for the model. */
static double learning_reserve(const struct tuner *tuner) {
    return tuner->strategy->remember ? part_of(&tuner->account, LEARNING_SHARE, LEARNING_SECONDS)
                                     : 0;
}

/* While the search goes on, more is kept for the finalists, if it is enough for them. */
static double search_reserve(const struct tuner *tuner) {
    const struct tuner_measurer *measurer = tuner->measurer;
    double part = part_of(&tuner->account, FINALISTS_SHARE, FINALISTS_SECONDS);
    bool enough =
        !measurer->finalists_seconds || measurer->finalists_seconds(measurer->context, 1) <= part;
    return learning_reserve(tuner) + (enough && !tuner->options->rough ? part : 0);
}

/* However short the time, a run has its first right candidate, if it finds one in the grace: none
 * helps nobody. Later ones begin where a faster one than the best could be checked in time. */
static bool is_late(const struct tuner *tuner) {
    const struct tuner_summary *summary = tuner->summary;
    if (summary->best.median_us > 0)
        return !account_affords(&tuner->account, CALLS * summary->best.median_us * 1e-6);
    if (tuner->account.is_optional)
        return account_left_to_end(&tuner->account) <= 0;
    return summary->trials > 0 && account_left_with_grace(&tuner->account) <= 0;
}

static bool must_stop(const struct tuner *tuner) {
    int64_t trials = tuner->options->trials;
    return is_cancelled(tuner) || (trials && tuner->summary->trials >= trials) ||
           is_hopeless(tuner) || is_late(tuner);
}

static void report(struct tuner *tuner) {
    tuner->summary->seconds = account_spent(&tuner->account);
    if (tuner->options->progress)
        tuner->options->progress(tuner->options->context, tuner->summary);
}

/* ---- a candidate ---- */

static dlt_status schedule_point(struct arena *arena, const struct space *space, const int *point,
                                 struct schedule **schedule, struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, space->expression);
    return space_schedule(space, point, *schedule, error);
}

dlt_status point_trace(const struct space *space, const int *point, struct text *trace,
                       struct error *error) {
    struct schedule *schedule = NULL;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    status = schedule_point(&arena, space, point, &schedule, error);
    if (schedule) {
        text_append(trace, schedule_trace(schedule));
        schedule_free(schedule);
    }
    arena_free(&arena);
    if (status == DLT_OK && trace->failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return status;
}

void tuner_judge(const struct tuner *tuner, struct measure_result *result) {
    double limit = tuner->options->max_error;
    if (result->outcome != OUTCOME_OK || limit <= 0 || result->max_error <= limit)
        return;
    result->outcome = OUTCOME_WRONG;
    plain_format(result->message, sizeof result->message,
                 "the largest error is %.3g of its bound, more than the %.3g allowed",
                 result->max_error, limit);
}

static void add_shares(struct tuner *tuner, const double *seconds, double all) {
    double *shares = tuner->summary->shares;
    for (int i = 0; i < MEASURE_SHARES; i++) {
        shares[i] += seconds[i];
        all -= seconds[i];
    }
    shares[SHARE_OTHER] += all > 0 ? all : 0;
}

static void count_outcome(struct tuner *tuner, const struct measure_result *result) {
    struct tuner_summary *summary = tuner->summary;
    summary->trials++;
    summary->errors[result->outcome]++;
    summary->slow += result->slowdown > PROBE_SLOW_FACTOR;
    if (result->outcome == OUTCOME_OK)
        return;
    failure_reasons_add(&summary->failures, result->outcome, result->message, 1);
    if (!summary->first_failure[0])
        snprintf(summary->first_failure, sizeof summary->first_failure, "%s: %s",
                 measure_outcome_name(result->outcome), result->message);
}

/* What measuring tells beside the time: hardware counters, and that the machine was slow. */
static void describe(struct text *note, const struct measure_result *result) {
    if (result->counters.present)
        counters_print(note, &result->counters);
    if (result->slowdown > PROBE_SLOW_FACTOR)
        text_format(note, "%sslowdown=%.2f", note->length ? " " : "", result->slowdown);
}

dlt_status tuner_store(struct tuner *tuner, const char *trace, const char *knobs,
                       const struct measure_result *result, bool finalist, struct error *error) {
    bool ok = result->outcome == OUTCOME_OK;
    double start = clock_seconds();
    struct text note = {0};
    if (ok)
        describe(&note, result);
    struct record record = {
        .task = tuner->task->key,
        .host = host_name(),
        .generator = DATABASE_GENERATOR,
        .trace = trace,
        .knobs = knobs,
        .outcome = measure_outcome_name(result->outcome),
        .message = !ok           ? result->message
                   : note.length ? text_string(&note)
                                 : NULL,
        .clock = result->wall_clock ? "wall" : "cpu",
        .layouts = text_string(&tuner->layouts),
        .median_us = ok ? result->median_us : 0,
        .minimum_us = ok ? result->minimum_us : 0,
        .spread = ok ? result->spread : 0,
        .max_error = result->max_error,
        .peak_gflops = tuner->options->peak_gflops,
        .verified = ok,
        .finalist = finalist,
        .seed = (int64_t)tuner->options->seed,
        .created = (int64_t)time(NULL),
    };
    dlt_status status = database_add(tuner->database, &record, error);
    text_free(&note);
    tuner->summary->shares[SHARE_STORE] += clock_seconds() - start;
    return status;
}

dlt_status tuner_set_best(struct tuner *tuner, const char *trace, const char *knobs,
                          const struct measure_result *result, bool finalist, struct error *error) {
    char *own_trace = strdup(trace), *own_knobs = strdup(knobs);
    struct tuner_summary *summary = tuner->summary;
    if (!own_trace || !own_knobs) {
        free(own_trace);
        free(own_knobs);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    free(summary->best.trace);
    free(summary->best.knobs);
    summary->best.trace = own_trace;
    summary->best.knobs = own_knobs;
    summary->best.median_us = result->median_us;
    summary->best.minimum_us = result->minimum_us;
    summary->best.spread = result->spread;
    summary->best.max_error = result->max_error;
    summary->best.wall_clock = result->wall_clock;
    summary->best.finalist = finalist;
    if (tuner->milestone <= 0 || result->median_us < tuner->milestone * (1 - TUNER_GAIN)) {
        tuner->milestone = result->median_us;
        tuner->milestone_at = summary->trials;
    }
    return DLT_OK;
}

/* A candidate that is right: perhaps the best, perhaps a finalist. */
static dlt_status keep(struct tuner *tuner, const char *trace, const char *knobs,
                       const struct measure_result *result, struct error *error) {
    double best_us = tuner->summary->best.median_us;
    if (result->outcome != OUTCOME_OK)
        return DLT_OK;
    if (!result->abandoned && (best_us <= 0 || result->median_us < best_us))
        TRY(tuner_set_best(tuner, trace, knobs, result, false, error));
    return contenders_add(&tuner->contenders, trace, knobs, result->median_us, error);
}

static dlt_status measure(struct tuner *tuner, const char *trace, struct measure_result *result,
                          struct error *error) {
    double start = clock_seconds();
    TRY(tuner->measurer->run(tuner->measurer->context, trace, tuner->summary->best.median_us,
                             result, error));
    add_shares(tuner, result->seconds, clock_seconds() - start);
    step_times_add(&tuner->summary->steps, result->steps_us);
    tuner_judge(tuner, result);
    return DLT_OK;
}

static void observe(struct tuner *tuner, const int *point, double score) {
    unsigned char key[MAX_KNOBS];
    double start = clock_seconds();
    point_key(tuner->space, point, key);
    seen_set(&tuner->points, key, score); /* it is there: no memory needed */
    tuner->strategy->observe(tuner->state, &tuner->proposals, point, score);
    tuner->summary->shares[SHARE_SEARCH] += clock_seconds() - start;
}

/* Measures, or refuses, a schedule that is new. */
static dlt_status run_trial(struct tuner *tuner, const char *knobs, const char *trace,
                            const struct error *refusal, double *score, bool *cut,
                            struct error *error) {
    struct measure_result result = {.outcome = OUTCOME_REFUSED};
    if (refusal->status)
        snprintf(result.message, sizeof result.message, "%.255s", refusal->message);
    else
        TRY(measure(tuner, trace, &result, error));
    *cut = result.cut;
    if (*cut)
        return DLT_OK;
    count_outcome(tuner, &result);
    TRY(tuner_store(tuner, trace, knobs, &result, false, error));
    *score = result.outcome == OUTCOME_OK ? log(result.median_us) : INFINITY;
    return keep(tuner, trace, knobs, &result, error);
}

static dlt_status run_trial_of_point(struct tuner *tuner, const int *point, const char *trace,
                                     const struct error *refusal, double *score, bool *cut,
                                     struct error *error) {
    struct text knobs = {0};
    dlt_status status;
    space_print_point(tuner->space, point, &knobs);
    status = run_trial(tuner, text_string(&knobs), trace, refusal, score, cut, error);
    text_free(&knobs);
    return status;
}

/* What was taken in from another file is measured here before it is believed. */
static dlt_status run_imported(struct tuner *tuner, bool *cut, struct error *error) {
    const struct contender *hint = &tuner->imported.all[tuner->next_imported];
    const struct error no_refusal = {.status = DLT_OK};
    uint64_t hash = hash_string(hint->trace);
    unsigned char key[MAX_KNOBS];
    int point[MAX_KNOBS];
    double score;
    *cut = false;
    tuner->next_imported++;
    if (seen_find(&tuner->traces, &hash) >= 0)
        return DLT_OK;
    TRY(run_trial(tuner, hint->knobs, hint->trace, &no_refusal, &score, cut, error));
    if (*cut) {
        tuner->next_imported--;
        return DLT_OK;
    }
    if (!seen_set(&tuner->traces, &hash, score))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (!tuner_find_point(tuner, hint->knobs, point))
        return DLT_OK;
    point_key(tuner->space, point, key);
    if (!seen_set(&tuner->points, key, score))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    observe(tuner, point, score);
    return DLT_OK;
}

/* Two points may have one schedule: the second is not measured. `*cut`: the time was over before
 * anything was known of it. */
static dlt_status run_point(struct tuner *tuner, const int *point, bool *cut, struct error *error) {
    struct error refusal = {.status = DLT_OK};
    struct text trace = {0};
    double start = clock_seconds(), score;
    uint64_t hash;
    int64_t known;
    *cut = false;
    dlt_status status = point_trace(tuner->space, point, &trace, &refusal);
    tuner->summary->shares[SHARE_LOWER] += clock_seconds() - start;
    if (status == DLT_ERROR_MEMORY) {
        text_free(&trace);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    hash = hash_string(text_string(&trace));
    known = refusal.status ? -1 : seen_find(&tuner->traces, &hash);
    status = DLT_OK;
    if (known >= 0)
        score = tuner->traces.scores[known];
    else
        status =
            run_trial_of_point(tuner, point, text_string(&trace), &refusal, &score, cut, error);
    if (status == DLT_OK && !*cut && !refusal.status && !seen_set(&tuner->traces, &hash, score))
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (status == DLT_OK && !*cut)
        observe(tuner, point, score);
    text_free(&trace);
    return status;
}

/* ---- the loop ---- */

static bool stop_proposing(void *context) {
    return must_stop(context);
}

static dlt_status propose(struct tuner *tuner, struct error *error) {
    struct proposals *proposals = &tuner->proposals;
    double start = clock_seconds();
    proposals->count = 0;
    proposals->wanted = tuner->strategy->batch;
    proposals->stop = stop_proposing;
    proposals->context = tuner;
    tuner->strategy->propose(tuner->state, proposals);
    tuner->summary->shares[SHARE_SEARCH] += clock_seconds() - start;
    if (proposals->out_of_memory)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return DLT_OK;
}

/* A batch that a limit cut short is gone on with when the tuner is continued. */
dlt_status tuner_continue(struct tuner *tuner, struct error *error) {
    while (tuner->account.reserve = search_reserve(tuner), !must_stop(tuner)) {
        bool cut;
        if (tuner->next_imported < tuner->imported.count) {
            TRY(run_imported(tuner, &cut, error));
            if (cut)
                break;
            report(tuner);
            continue;
        }
        if (tuner->next_proposal == tuner->proposals.count) {
            TRY(propose(tuner, error));
            tuner->next_proposal = 0;
            tuner->summary->exhausted = tuner->proposals.count == 0;
        }
        if (tuner->summary->exhausted && !must_stop(tuner))
            return DLT_OK;
        if (tuner->next_proposal == tuner->proposals.count) { /* none was found in time */
            tuner->summary->exhausted = false;
            break;
        }
        TRY(run_point(tuner, tuner->proposals.points[tuner->next_proposal], &cut, error));
        if (cut)
            break;
        tuner->next_proposal++;
        report(tuner);
    }
    tuner->summary->hopeless = is_hopeless(tuner);
    return is_cancelled(tuner) ? DLT_ERROR_CANCELLED : DLT_OK;
}

/* Other tasks' points and model, for strategies that use them. */
static void recall(struct tuner *tuner) {
    double start = clock_seconds();
    if (!tuner->strategy->remember)
        return;
    memory_recall(&tuner->memory, tuner->task, tuner->space, tuner->database);
    tuner->strategy->remember(tuner->state, &tuner->memory.hints);
    tuner->summary->shares[SHARE_SEARCH] += clock_seconds() - start;
}

/* What this run adds to the memory; a model that cannot be trained is no failure of the run. */
static void learn(struct tuner *tuner) {
    double start = clock_seconds();
    if (!tuner->strategy->remember)
        return;
    tuner_judge_model(tuner);
    tuner->memory.account = &tuner->account;
    tuner->memory.cancel = tuner->options->cancel;
    memory_learn(&tuner->memory, tuner->task, tuner->database, NULL);
    tuner->summary->shares[SHARE_SEARCH] += clock_seconds() - start;
}

static dlt_status start(struct tuner *tuner, struct error *error) {
    TRY(tuner->strategy->create(tuner->space, &tuner->state, error));
    recall(tuner);
    TRY(tuner_read_known(tuner, error));
    tuner->first_point = tuner->points.count;
    report(tuner);
    return DLT_OK;
}

dlt_status tuner_begin(struct tuner *tuner, const struct task *task, const struct space *space,
                       const struct tuner_measurer *measurer, struct database *database,
                       const struct tuner_options *options, struct tuner_summary *summary,
                       struct error *error) {
    *tuner = (struct tuner){.task = task,
                            .space = space,
                            .measurer = measurer,
                            .database = database,
                            .options = options,
                            .summary = summary,
                            .strategy = options->strategy ? options->strategy : strategies[0]};
    if (options->account)
        tuner->account = *options->account;
    else
        account_open(&tuner->account, options->seconds);
    memset(summary, 0, sizeof *summary);
    summary->trials_wanted = options->trials;
    summary->seconds_wanted = options->seconds;
    seen_initialise(&tuner->points, MAX_KNOBS);
    seen_initialise(&tuner->traces, sizeof(uint64_t));
    proposals_initialise(&tuner->proposals, space, &tuner->points, options->seed);
    task_print_layouts(task, &tuner->layouts);
    return start(tuner, error);
}

dlt_status tuner_end(struct tuner *tuner, struct error *error) {
    dlt_status status = DLT_ERROR_CANCELLED;
    if (!is_cancelled(tuner)) {
        tuner->account.reserve = learning_reserve(tuner);
        status = tuner->options->rough ? DLT_OK : tuner_run_finalists(tuner, error);
    }
    tuner->account.reserve = 0;
    if (status == DLT_OK)
        learn(tuner);
    tuner->summary->cancelled = status == DLT_ERROR_CANCELLED;
    return status;
}

void tuner_release(struct tuner *tuner) {
    tuner->summary->seconds = account_spent(&tuner->account);
    if (tuner->state)
        tuner->strategy->free(tuner->state);
    contenders_free(&tuner->contenders);
    contenders_free(&tuner->imported);
    memory_free(&tuner->memory);
    seen_free(&tuner->points);
    seen_free(&tuner->traces);
    text_free(&tuner->layouts);
}

dlt_status tuner_run(const struct task *task, const struct space *space,
                     const struct tuner_measurer *measurer, struct database *database,
                     const struct tuner_options *options, struct tuner_summary *summary,
                     struct error *error) {
    struct tuner tuner;
    dlt_status status =
        tuner_begin(&tuner, task, space, measurer, database, options, summary, error);
    if (status == DLT_OK)
        status = tuner_continue(&tuner, error);
    if (status == DLT_OK)
        status = tuner_end(&tuner, error);
    if (status == DLT_ERROR_CANCELLED) {
        summary->cancelled = true;
        status = DLT_OK;
    }
    tuner_release(&tuner);
    return status;
}
