/* From a trace to a result: make, check on guarded buffers, time on aligned ones; see session.h. */
#include "measure/session_private.h"

#include "measure/confine.h"
#include "measure/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    if (session_reserve_scratch(session, candidate, &error) != DLT_OK) {
        snprintf(result->message, sizeof result->message, "%.255s", error.message);
        return OUTCOME_MEMORY;
    }
    if (request->mode == RUN_COUNT) {
        faults_set_phase("timing");
        session_count(session, candidate, request, result);
        return OUTCOME_OK;
    }
    outcome = session_check_first(session, candidate, request, trace, result);
    result->seconds[SHARE_CHECK] = lap(&since);
    if (outcome != OUTCOME_OK || result->abandoned)
        return outcome;
    faults_set_phase("timing");
    session_time(session, candidate, request, result);
    result->seconds[SHARE_TIME] = lap(&since);
    if (!needs_patterns(request, result))
        return OUTCOME_OK;
    faults_set_phase("checking");
    outcome = session_check_patterns(session, candidate, request, trace, result);
    result->seconds[SHARE_CHECK] += lap(&since);
    return outcome;
}

void session_measure(struct session *session, const struct run_message *request, const char *trace,
                     struct measure_result *result) {
    struct candidate candidate = {0};
    struct error error = {0};
    double since = clock_seconds();
    session->effort.until = since + request->seconds_left;
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
    TRY(buffer_reserve(&session->first_output, "a copy of the result",
                       tensor_bytes(session_result(session)), error));
    buffer_populate(&session->first_output, true);
    return session_prepare_pattern(session, PATTERN_RANDOM, error);
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
    buffer_free(&session->first_output);
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
