/* The inside of a session, for its files: session.c (its life, and a candidate from trace to
 * result), session_call.c (buffers of a call), session_check.c (right or wrong), session_time.c. */
#ifndef MEASURE_SESSION_PRIVATE_H
#define MEASURE_SESSION_PRIVATE_H

#include "measure/check.h"
#include "measure/clock.h"
#include "measure/effort.h"
#include "measure/flush.h"
#include "measure/inputs.h"
#include "measure/probe.h"
#include "measure/session.h"
#include "threads/thread_pool.h"

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
    struct guarded_buffer first_output; /* a copy, of the first of two runs */
    struct effort effort;
};

/* A candidate with everything its calls take. */
struct call {
    const struct candidate *candidate;
    const dlt_threads *threads;
    void *tensors[MAX_TENSORS + 1];
    const void *parameters[MAX_TENSORS + 1];
    void *packed, *workspace, *output;
    int answer;         /* of the last call */
    double nanoseconds; /* that the last checked call took, by the session's clock, */
    double seconds;     /* and by the wall clock */
};

/* Makes a pattern's inputs and its checker, if they are not there yet. */
dlt_status session_prepare_pattern(struct session *session, enum pattern pattern,
                                   struct error *error);
dlt_status session_reserve_scratch(struct session *session, const struct candidate *candidate,
                                   struct error *error);
void session_prepare_call(struct session *session, const struct candidate *candidate,
                          enum pattern pattern, enum placement placement, struct call *call);
int session_pack(struct session *session, struct call *call);
/* Gives the output what it is to hold before a call; answers the bytes between its rows. */
int session_prefill_output(const struct session *session, const struct call *call,
                           enum pattern pattern, int prefill);
void session_run_call(void *call);
const struct tensor *session_result(const struct session *session);

/* Two runs on random inputs, compared. */
enum measure_outcome session_check_first(struct session *session, const struct candidate *candidate,
                                         const struct run_message *request, const char *trace,
                                         struct measure_result *result);
/* The other patterns of input, as many as there is time for. */
enum measure_outcome session_check_patterns(struct session *session,
                                            const struct candidate *candidate,
                                            const struct run_message *request, const char *trace,
                                            struct measure_result *result);

/* Times of their own if there is time for them; else those of the check, which are in the
 * result. */
void session_time(struct session *session, const struct candidate *candidate,
                  const struct run_message *request, struct measure_result *result);
/* Hardware counters instead. */
void session_count(struct session *session, const struct candidate *candidate,
                   const struct run_message *request, struct measure_result *result);

#endif
