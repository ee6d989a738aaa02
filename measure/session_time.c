/* Times of a candidate that is right, and its hardware counters; see session_private.h. */
#include "measure/session_private.h"

#include "measure/timing.h"

#include <math.h>

/* What took longer, or more of the time that is left, is not timed again in a slow phase. */
#define AGAIN_SECONDS 0.3
#define AGAIN_SHARE   0.1

enum {
    CANDIDATE_MICROSECONDS = 1500, /* of timing, at least */
    FINALIST_MICROSECONDS = 10000,
    COUNTED_NANOSECONDS = 10000000,
};

/* A call on the buffers that it is timed on, which are made when first needed: whatever it does to
 * them, it was checked before. An output that is accumulated to grows from call to call, far from
 * where numbers end. */
static dlt_status prepare_timing(struct session *session, const struct candidate *candidate,
                                 struct call *call, struct error *error) {
    TRY(input_set_add(session->task->expression, PLACE_AT_END, PLACE_ALIGNED,
                      &session->inputs[PATTERN_RANDOM], error));
    buffer_protect(&session->scratch[SCRATCH_PACKED], true);
    session_prepare_call(session, candidate, PATTERN_RANDOM, PLACE_ALIGNED, call);
    session_prefill_output(session, call, PATTERN_RANDOM, 0);
    checker_protect(session->checkers[PATTERN_RANDOM], false);
    session_pack(session, call);
    return DLT_OK;
}

void session_time(struct session *session, const struct candidate *candidate,
                  const struct run_message *request, struct measure_result *result) {
    double now = clock_seconds(), left = session->effort.until - now;
    struct call call;
    struct timing_request timed = {.call = session_run_call,
                                   .context = &call,
                                   .flush = session->flush ? flush_caches : NULL,
                                   .flush_context = session->flush,
                                   .enough_us = FINALIST_MICROSECONDS,
                                   .again_us = fmin(AGAIN_SECONDS, AGAIN_SHARE * left) * 1e6};
    struct timing timing;
    struct probed probed;
    struct error error;
    if ((!session->flush && !effort_affords_timing(&session->effort, now)) ||
        prepare_timing(session, candidate, &call, &error) != DLT_OK)
        return;
    if (request->mode == RUN_CANDIDATE) {
        timed.best_us = request->best_us;
        timed.enough_us = CANDIDATE_MICROSECONDS;
    }
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
void session_count(struct session *session, const struct candidate *candidate,
                   const struct run_message *request, struct measure_result *result) {
    double nanoseconds = 1000 * request->best_us;
    struct error error;
    struct call call;
    if (prepare_timing(session, candidate, &call, &error) != DLT_OK)
        return; /* there are none, then */
    session_run_call(&call);
    counters_measure(&session->counters, session_run_call, &call,
                     nanoseconds > 0 ? (long)(COUNTED_NANOSECONDS / nanoseconds) + 1 : 1,
                     nanoseconds, &result->counters);
    checker_protect(session->checkers[PATTERN_RANDOM], true);
}
