/* Right or wrong: a candidate's runs on guarded buffers, compared; see session_private.h. */
#include "measure/session_private.h"

#include "base/hash.h"
#include "measure/faults.h"
#include "measure/gaps.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    HOPELESS_FACTOR = 2, /* against 1.5 for timed ones: this run meets cold caches */
    HOPELESS_NANOSECONDS = 1000000,
};

static enum measure_outcome run_once(struct session *session, const struct candidate *candidate,
                                     enum pattern pattern, enum placement placement, int prefill,
                                     struct call *call, struct measure_result *result) {
    struct checker *checker = session->checkers[pattern];
    int64_t written;
    double since;
    int packing;
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    session_prepare_call(session, candidate, pattern, placement, call);
    prefill = session_prefill_output(session, call, pattern, prefill);
    checker_protect(checker, false);
    packing = session_pack(session, call);
    since = clock_seconds();
    call->nanoseconds = session->clock.nanoseconds(session->clock.context);
    if (packing == 0)
        session_run_call(call);
    call->nanoseconds = session->clock.nanoseconds(session->clock.context) - call->nanoseconds;
    call->seconds = clock_seconds() - since;
    checker_protect(checker, true);
    if (packing != 0 || call->answer != 0) {
        snprintf(result->message, sizeof result->message, "%s answered %d instead of 0",
                 packing ? "pack" : "run", packing ? packing : call->answer);
        return OUTCOME_WRONG;
    }
    if (!gaps_are_kept(session_result(session), call->output, prefill, &written)) {
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
                                  .thorough = request->mode == RUN_THOROUGH,
                                  .hurried = session->effort.is_hurried};
    struct comparison comparison;
    struct error error;
    double since = clock_seconds();
    if (checker_compare(session->checkers[pattern], call->output, &check, &comparison, &error) !=
        DLT_OK) {
        snprintf(result->message, sizeof result->message, "the reference: %.200s", error.message);
        return error.status == DLT_ERROR_MEMORY ? OUTCOME_MEMORY : OUTCOME_REFUSED;
    }
    session->effort.compare = clock_seconds() - since;
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

/* What the first run took is the time, until there are calls for timing alone. The second one's
 * inputs lie in large pages. */
static void note_time(const struct session *session, const struct call *call,
                      struct measure_result *result) {
    result->median_us = result->minimum_us = call->nanoseconds / 1000;
    result->wall_clock = session->clock.wall;
    result->slowdown = 1;
}

/* Two runs, with the buffers' ends at guard pages and then their starts. */
enum measure_outcome session_check_first(struct session *session, const struct candidate *candidate,
                                         const struct run_message *request, const char *trace,
                                         struct measure_result *result) {
    struct comparison agreement;
    struct call call;
    enum measure_outcome outcome;
    faults_limit_seconds(request->call_seconds);
    outcome =
        run_once(session, candidate, PATTERN_RANDOM, PLACE_AT_END, PREFILL_FIRST, &call, result);
    faults_limit_seconds(0);
    if (outcome != OUTCOME_OK)
        return outcome;
    note_time(session, &call, result);
    if (is_hopeless(request, &call)) { /* it can never be a best and need not pass every check */
        result->abandoned = true;
        return compare(session, &call, PATTERN_RANDOM, request, trace, result);
    }
    memcpy(session->first_output.base, call.output, tensor_bytes(session_result(session)));
    outcome =
        run_once(session, candidate, PATTERN_RANDOM, PLACE_AT_START, PREFILL_SECOND, &call, result);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (!check_runs_agree(session_result(session), session->first_output.base, call.output,
                          &agreement)) {
        snprintf(result->message, sizeof result->message, "%s", agreement.message);
        return OUTCOME_WRONG;
    }
    effort_note_call(&session->effort, call.seconds, clock_seconds());
    return compare(session, &call, PATTERN_RANDOM, request, trace, result);
}

static enum measure_outcome check_pattern(struct session *session, enum pattern pattern,
                                          const struct candidate *candidate,
                                          const struct run_message *request, const char *trace,
                                          struct measure_result *result) {
    enum measure_outcome outcome;
    struct call call;
    struct error error;
    if (session_prepare_pattern(session, pattern, &error) != DLT_OK) {
        snprintf(result->message, sizeof result->message, "%.255s", error.message);
        return OUTCOME_MEMORY;
    }
    outcome = run_once(session, candidate, pattern, PLACE_AT_END, PREFILL_FIRST, &call, result);
    if (outcome == OUTCOME_OK)
        outcome = compare(session, &call, pattern, request, trace, result);
    return outcome;
}

enum measure_outcome session_check_patterns(struct session *session,
                                            const struct candidate *candidate,
                                            const struct run_message *request, const char *trace,
                                            struct measure_result *result) {
    enum measure_outcome outcome = OUTCOME_OK;
    int patterns = PATTERN_APART_END - PATTERN_APART, missing = 0;
    for (int pattern = PATTERN_APART; pattern < PATTERN_APART_END; pattern++)
        missing += session->checkers[pattern] == NULL;
    if (!effort_affords_patterns(&session->effort, patterns, missing, clock_seconds()))
        return check_pattern(session, PATTERN_SPARSE, candidate, request, trace, result);
    for (int pattern = PATTERN_APART; pattern < PATTERN_APART_END && outcome == OUTCOME_OK;
         pattern++)
        outcome = check_pattern(session, (enum pattern)pattern, candidate, request, trace, result);
    return outcome;
}
