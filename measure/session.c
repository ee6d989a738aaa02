/* From a trace to a result: make, check on guarded buffers, time on aligned ones; see session.h. */
#include "measure/session.h"

#include "base/hash.h"
#include "measure/check.h"
#include "measure/clock.h"
#include "measure/confine.h"
#include "measure/faults.h"
#include "measure/flush.h"
#include "measure/gaps.h"
#include "measure/inputs.h"
#include "measure/probe.h"
#include "measure/timing.h"
#include "threads/thread_pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SCRATCH_ALIGNMENT = 64,
    SCRATCH_FILL = 0xff,
    HOPELESS_FACTOR = 2, /* against 1.5 for timed ones: this run meets cold caches */
    HOPELESS_NANOSECONDS = 1000000,
    CANDIDATE_MICROSECONDS = 1500, /* of timing, at least */
    FINALIST_MICROSECONDS = 10000,
    COUNTED_NANOSECONDS = 10000000,
};

/* Buffers of the candidate itself, kept from one to the next. */
enum scratch {
    SCRATCH_PACKED,
    SCRATCH_WORKSPACE,
    SCRATCH_OUTPUT,
    SCRATCH_COUNT,
};

struct session {
    struct task *task;
    const struct candidate_maker *maker;
    struct thread_pool *pool;
    struct clock clock;
    struct probe probe;
    struct fma_burst burst; /* the probe's */
    struct counter_source counters;
    struct flush *flush; /* NULL: warm */
    unsigned long long seed;
    int shared;
    struct input_set inputs[PATTERN_COUNT]; /* those beyond the first are made when needed */
    struct checker *checkers[PATTERN_COUNT];
    struct guarded_buffer scratch[SCRATCH_COUNT];
    void *first_output; /* a copy, of the first of two runs */
};

/* A candidate with everything its calls take. */
struct call {
    const struct candidate *candidate;
    const dlt_threads *threads;
    void *tensors[MAX_TENSORS + 1];
    const void *parameters[MAX_TENSORS + 1];
    void *packed, *workspace, *output;
    int answer;         /* of the last call */
    double nanoseconds; /* that the last checked call took */
};

static void run_call(void *context) {
    struct call *call = context;
    call->answer =
        call->candidate->run(call->tensors, call->packed, call->workspace, call->threads);
}

static const struct tensor *result_of(const struct session *session) {
    return expression_result(session->task->expression);
}

/* ---- preparing ---- */

/* The first pattern has every placement; the others are only checked, once. */
static dlt_status prepare_pattern(struct session *session, enum pattern pattern,
                                  struct error *error) {
    static const enum placement all[PLACEMENT_COUNT] = {PLACE_AT_END, PLACE_AT_START,
                                                        PLACE_ALIGNED};
    struct input_set *set = &session->inputs[pattern];
    if (session->checkers[pattern])
        return DLT_OK;
    input_set_free(set);
    TRY(input_set_create(session->task->expression, pattern, session->seed,
                         pattern == PATTERN_RANDOM ? PLACEMENT_COUNT : 1, all, set, error));
    return checker_create(session->task->expression, set->data[PLACE_AT_END],
                          pattern == PATTERN_RANDOM ? session->shared : -1,
                          &session->checkers[pattern], error);
}

static dlt_status reserve_scratch(struct session *session, const struct candidate *candidate,
                                  struct error *error) {
    TRY(buffer_reserve(&session->scratch[SCRATCH_PACKED], "packed parameters",
                       (size_t)candidate->packed_bytes + SCRATCH_ALIGNMENT, error));
    TRY(buffer_reserve(&session->scratch[SCRATCH_WORKSPACE], "workspace",
                       (size_t)candidate->workspace_bytes + SCRATCH_ALIGNMENT, error));
    return buffer_reserve(&session->scratch[SCRATCH_OUTPUT], result_of(session)->name,
                          tensor_bytes(result_of(session)), error);
}

/* Sizes rounded up to the alignment, so that data flush with the end keep it. */
static void *place_scratch(struct session *session, enum scratch scratch, int64_t bytes,
                           size_t alignment, enum placement placement) {
    void *data = buffer_place(&session->scratch[scratch], (size_t)bytes, alignment, placement);
    if (scratch != SCRATCH_OUTPUT)
        memset(data, SCRATCH_FILL, (size_t)bytes); /* what was left there must not matter */
    return data;
}

static void prepare_call(struct session *session, const struct candidate *candidate,
                         enum pattern pattern, enum placement placement, struct call *call) {
    const struct expression *expression = session->task->expression;
    const struct tensor *result = result_of(session);
    int tensors = 0, parameters = 0;
    *call = (struct call){.candidate = candidate, .threads = thread_pool_threads(session->pool)};
    for (int t = 0; t < expression->tensor_count; t++) {
        const void *data = session->inputs[pattern].data[placement][t];
        if (expression->tensors[t]->kind == TENSOR_VARIABLE)
            call->tensors[tensors++] = (void *)data;
        else if (expression->tensors[t]->kind == TENSOR_PARAMETER)
            call->parameters[parameters++] = data;
    }
    call->packed = place_scratch(session, SCRATCH_PACKED, candidate->packed_bytes,
                                 SCRATCH_ALIGNMENT, placement);
    call->workspace = place_scratch(session, SCRATCH_WORKSPACE, candidate->workspace_bytes,
                                    SCRATCH_ALIGNMENT, placement);
    call->output = place_scratch(
        session, SCRATCH_OUTPUT, (int64_t)tensor_bytes(result),
        placement == PLACE_ALIGNED ? SCRATCH_ALIGNMENT : (size_t)data_types[result->type].bytes,
        placement);
    call->tensors[tensors] = call->output;
}

static int pack(struct session *session, struct call *call) {
    int answer = 0;
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    if (call->candidate->pack)
        answer = call->candidate->pack(call->parameters, call->packed);
    buffer_protect(&session->scratch[SCRATCH_PACKED], false);
    return answer;
}

/* Gives the output what it is to hold before a call; answers the bytes between its rows. */
static int prefill_output(const struct session *session, const struct call *call,
                          enum pattern pattern, int prefill) {
    const struct expression *expression = session->task->expression;
    const void *previous =
        session->inputs[pattern].data[PLACE_AT_END][expression->tensor_count - 1];
    size_t bytes = tensor_bytes(result_of(session));
    if (!previous) {
        memset(call->output, prefill, bytes);
        return prefill;
    }
    memcpy(call->output, previous, bytes);
    return UNWRITTEN;
}

/* ---- checking ---- */

static enum measure_outcome run_once(struct session *session, const struct candidate *candidate,
                                     enum pattern pattern, enum placement placement, int prefill,
                                     struct call *call, struct measure_result *result) {
    struct checker *checker = session->checkers[pattern];
    int64_t written;
    int packing;
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    prepare_call(session, candidate, pattern, placement, call);
    prefill = prefill_output(session, call, pattern, prefill);
    checker_protect(checker, false);
    packing = pack(session, call);
    call->nanoseconds = session->clock.nanoseconds(session->clock.context);
    if (packing == 0)
        run_call(call);
    call->nanoseconds = session->clock.nanoseconds(session->clock.context) - call->nanoseconds;
    checker_protect(checker, true);
    if (packing != 0 || call->answer != 0) {
        snprintf(result->message, sizeof result->message, "%s answered %d instead of 0",
                 packing ? "pack" : "run", packing ? packing : call->answer);
        return OUTCOME_WRONG;
    }
    if (!gaps_are_kept(result_of(session), call->output, prefill, &written)) {
        snprintf(result->message, sizeof result->message,
                 "element %lld of the output was written, which is between its rows",
                 (long long)written);
        return OUTCOME_WRONG;
    }
    return OUTCOME_OK;
}

static enum measure_outcome compare(struct session *session, const struct call *call,
                                    enum pattern pattern, const struct run_message *request,
                                    const char *trace, struct measure_result *result) {
    struct check_request check = {.seed = hash_combine(session->seed, request->number),
                                  .trace = trace,
                                  .thorough = request->mode == RUN_THOROUGH};
    struct comparison comparison;
    struct error error;
    if (checker_compare(session->checkers[pattern], call->output, &check, &comparison, &error) !=
        DLT_OK) {
        snprintf(result->message, sizeof result->message, "the reference: %.200s", error.message);
        return error.status == DLT_ERROR_MEMORY ? OUTCOME_MEMORY : OUTCOME_REFUSED;
    }
    result->max_error = fmax(result->max_error, comparison.max_error);
    result->seconds[SHARE_REFERENCE] += comparison.reference_seconds;
    if (comparison.right)
        return OUTCOME_OK;
    snprintf(result->message, sizeof result->message, "on %s inputs: %.200s",
             pattern_names[pattern], comparison.message);
    return OUTCOME_WRONG;
}

/* So far behind that even a first run, on memory never touched before, says enough. */
static bool is_hopeless(const struct run_message *request, const struct call *call) {
    return request->mode == RUN_CANDIDATE && request->best_us > 0 &&
           call->nanoseconds > HOPELESS_NANOSECONDS &&
           call->nanoseconds > HOPELESS_FACTOR * 1000 * request->best_us;
}

/* Its one run is its time. It can never be a best, so it need not pass every check. */
static void give_up(const struct session *session, const struct call *call,
                    struct measure_result *result) {
    result->median_us = result->minimum_us = call->nanoseconds / 1000;
    result->wall_clock = session->clock.wall;
    result->abandoned = true;
}

/* Two runs, with the buffers' ends at guard pages and then their starts. */
static enum measure_outcome check_first(struct session *session, const struct candidate *candidate,
                                        const struct run_message *request, const char *trace,
                                        struct measure_result *result) {
    struct comparison agreement;
    struct call call;
    enum measure_outcome outcome =
        run_once(session, candidate, PATTERN_RANDOM, PLACE_AT_END, PREFILL_FIRST, &call, result);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (is_hopeless(request, &call)) {
        give_up(session, &call, result);
        return compare(session, &call, PATTERN_RANDOM, request, trace, result);
    }
    memcpy(session->first_output, call.output, tensor_bytes(result_of(session)));
    outcome =
        run_once(session, candidate, PATTERN_RANDOM, PLACE_AT_START, PREFILL_SECOND, &call, result);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (!check_runs_agree(result_of(session), session->first_output, call.output, &agreement)) {
        snprintf(result->message, sizeof result->message, "%s", agreement.message);
        return OUTCOME_WRONG;
    }
    return compare(session, &call, PATTERN_RANDOM, request, trace, result);
}

static enum measure_outcome check_patterns(struct session *session,
                                           const struct candidate *candidate,
                                           const struct run_message *request, const char *trace,
                                           struct measure_result *result) {
    for (int pattern = PATTERN_RANDOM + 1; pattern < PATTERN_COUNT; pattern++) {
        enum measure_outcome outcome;
        struct call call;
        struct error error;
        if (prepare_pattern(session, pattern, &error) != DLT_OK) {
            snprintf(result->message, sizeof result->message, "%.255s", error.message);
            return OUTCOME_MEMORY;
        }
        outcome = run_once(session, candidate, pattern, PLACE_AT_END, PREFILL_FIRST, &call, result);
        if (outcome == OUTCOME_OK)
            outcome = compare(session, &call, pattern, request, trace, result);
        if (outcome != OUTCOME_OK)
            return outcome;
    }
    return OUTCOME_OK;
}

/* ---- timing ---- */

/* A call on the buffers that it is timed on: whatever it does to them, it was checked before. An
 * output that is accumulated to grows from call to call, far from where numbers end. */
static void prepare_timing(struct session *session, const struct candidate *candidate,
                           struct call *call) {
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    prepare_call(session, candidate, PATTERN_RANDOM, PLACE_ALIGNED, call);
    prefill_output(session, call, PATTERN_RANDOM, 0);
    checker_protect(session->checkers[PATTERN_RANDOM], false);
    pack(session, call);
}

static void time_candidate(struct session *session, const struct candidate *candidate,
                           const struct run_message *request, struct measure_result *result) {
    struct call call;
    struct timing_request timed = {.call = run_call,
                                   .context = &call,
                                   .flush = session->flush ? flush_caches : NULL,
                                   .flush_context = session->flush,
                                   .enough_us = FINALIST_MICROSECONDS};
    struct timing timing;
    struct probed probed;
    if (request->mode == RUN_CANDIDATE) {
        timed.best_us = request->best_us;
        timed.enough_us = CANDIDATE_MICROSECONDS;
    }
    prepare_timing(session, candidate, &call);
    timing =
        probe_timing(&session->probe, &session->clock, &timed, request->usual_probe_ns, &probed);
    checker_protect(session->checkers[PATTERN_RANDOM], true);
    result->median_us = timing.median_us;
    result->minimum_us = timing.minimum_us;
    result->spread = timing.spread;
    result->abandoned = timing.abandoned;
    result->wall_clock = session->clock.wall;
    result->slowdown = probed.slowdown;
    result->probe_ns = probed.nanoseconds;
}

/* So many calls for each counter that starting and stopping it vanish. */
static void count_candidate(struct session *session, const struct candidate *candidate,
                            const struct run_message *request, struct measure_result *result) {
    double nanoseconds = 1000 * request->best_us;
    struct call call;
    prepare_timing(session, candidate, &call);
    run_call(&call);
    counters_measure(&session->counters, run_call, &call,
                     nanoseconds > 0 ? (long)(COUNTED_NANOSECONDS / nanoseconds) + 1 : 1,
                     nanoseconds, &result->counters);
    checker_protect(session->checkers[PATTERN_RANDOM], true);
}

/* ---- a candidate ---- */

static double lap(double *since) {
    double now = clock_seconds(), elapsed = now - *since;
    *since = now;
    return elapsed;
}

static bool needs_patterns(const struct run_message *request, const struct measure_result *result) {
    if (request->mode == RUN_CANDIDATE)
        return request->best_us <= 0 || result->median_us < request->best_us;
    return request->mode == RUN_THOROUGH;
}

static enum measure_outcome measure_made(struct session *session, const struct candidate *candidate,
                                         const struct run_message *request, const char *trace,
                                         struct measure_result *result) {
    double since = clock_seconds();
    enum measure_outcome outcome;
    struct error error;
    faults_set_phase("checking");
    if (reserve_scratch(session, candidate, &error) != DLT_OK) {
        snprintf(result->message, sizeof result->message, "%.255s", error.message);
        return OUTCOME_MEMORY;
    }
    if (request->mode == RUN_COUNT) {
        faults_set_phase("timing");
        count_candidate(session, candidate, request, result);
        return OUTCOME_OK;
    }
    outcome = check_first(session, candidate, request, trace, result);
    result->seconds[SHARE_CHECK] = lap(&since);
    if (outcome != OUTCOME_OK || result->abandoned)
        return outcome;
    faults_set_phase("timing");
    time_candidate(session, candidate, request, result);
    result->seconds[SHARE_TIME] = lap(&since);
    if (!needs_patterns(request, result))
        return OUTCOME_OK;
    faults_set_phase("checking");
    outcome = check_patterns(session, candidate, request, trace, result);
    result->seconds[SHARE_CHECK] += lap(&since);
    return outcome;
}

void session_measure(struct session *session, const struct run_message *request, const char *trace,
                     struct measure_result *result) {
    struct candidate candidate = {0};
    struct error error = {0};
    double since = clock_seconds();
    memset(result, 0, sizeof *result);
    result->number = request->number;
    faults_set_phase("compiling");
    result->outcome =
        session->maker->make(session->maker->context, session->task, trace, &candidate, &error);
    result->seconds[SHARE_LOWER] = candidate.lower_seconds;
    memcpy(result->steps_us, candidate.steps_us, sizeof result->steps_us);
    result->seconds[SHARE_COMPILE] = lap(&since) - candidate.lower_seconds;
    if (result->outcome == OUTCOME_OK) {
        faults_set_code(&candidate.code);
        result->outcome = measure_made(session, &candidate, request, trace, result);
        result->seconds[SHARE_CHECK] -= result->seconds[SHARE_REFERENCE]; /* which is in it */
        faults_set_code(NULL);
        session->maker->release(session->maker->context, &candidate);
    } else {
        snprintf(result->message, sizeof result->message, "%.255s", error.message);
    }
    faults_set_phase("");
}

/* ---- outside ---- */

static dlt_status fill(struct session *session, const char *key, const struct start_message *start,
                       struct error *error) {
    TRY(task_create_key(key, &session->task, error));
    if (start->pin && session->task->threads == 1)
        pin_to_processor();
    TRY(clock_open(session->task->threads > 1, &session->clock, error));
    counters_open(&session->counters);
    probe_open(session->task->target, &session->probe, &session->burst);
    TRY(thread_pool_create(session->task->threads, &session->pool, error));
    if (start->cold)
        TRY(flush_create(&session->flush, error));
    session->first_output = malloc(tensor_bytes(result_of(session)));
    if (!session->first_output)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return prepare_pattern(session, PATTERN_RANDOM, error);
}

dlt_status session_create(const char *key, const struct start_message *start,
                          const struct candidate_maker *maker, int shared, struct session **result,
                          struct error *error) {
    struct session *session = calloc(1, sizeof *session);
    dlt_status status;
    *result = NULL;
    if (!session)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    session->maker = maker;
    session->shared = shared;
    session->seed = start->seed;
    status = fill(session, key, start, error);
    if (status == DLT_OK)
        *result = session;
    else
        session_free(session);
    return status;
}

void session_free(struct session *session) {
    if (!session)
        return;
    for (int pattern = 0; pattern < PATTERN_COUNT; pattern++) {
        checker_free(session->checkers[pattern]);
        input_set_free(&session->inputs[pattern]);
    }
    for (int i = 0; i < SCRATCH_COUNT; i++)
        buffer_free(&session->scratch[i]);
    free(session->first_output);
    flush_free(session->flush);
    fma_burst_free(&session->burst);
    thread_pool_free(session->pool);
    task_free(session->task);
    free(session);
}

unsigned session_counters(const struct session *session) {
    return session->counters.available;
}

size_t session_bytes(const struct session *session) {
    const struct expression *expression = session->task->expression;
    size_t bytes = 0;
    for (int t = 0; t < expression->tensor_count; t++)
        bytes += tensor_bytes(expression->tensors[t]);
    return bytes * (PLACEMENT_COUNT + PATTERN_COUNT - 1);
}
