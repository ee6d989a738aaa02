/* What the files of the tuner share: one run of one task. */
#ifndef SEARCH_TUNER_PRIVATE_H
#define SEARCH_TUNER_PRIVATE_H

#include "measure/clock.h"
#include "search/memory.h"
#include "search/proposals.h"
#include "search/search.h"
#include "search/strategy.h"

enum {
    FINALISTS = 4
};

/* A right candidate among the fastest. */
struct contender {
    char *trace, *knobs;
    double median_us;
};

struct tuner {
    const struct task *task;
    const struct space *space;
    const struct tuner_measurer *measurer;
    struct database *database;
    const struct tuner_options *options;
    struct tuner_summary *summary;
    const struct strategy *strategy;
    void *state; /* the strategy's */
    double start;
    struct seen points, traces; /* scores of what was measured, in this run or before */
    struct proposals proposals;
    struct memory memory; /* of other tasks */
    int64_t first_point;  /* of this run, among `points` */
    struct text layouts;
    int contender_count;
    struct contender contenders[FINALISTS]; /* fastest first */
};

/* Reads what earlier runs on this host with this code generator left (known.c). */
dlt_status tuner_read_known(struct tuner *tuner, struct error *error);

/* Measures the fastest again, interleaved, and stores them as finalists (finalists.c). */
dlt_status tuner_run_finalists(struct tuner *tuner, struct error *error);
dlt_status tuner_add_contender(struct tuner *tuner, const char *trace, const char *knobs,
                               double median_us, struct error *error);

/* Takes over a result as the best. */
dlt_status tuner_set_best(struct tuner *tuner, const char *trace, const char *knobs,
                          const struct measure_result *result, bool finalist, struct error *error);

dlt_status tuner_store(struct tuner *tuner, const char *trace, const char *knobs,
                       const struct measure_result *result, bool finalist, struct error *error);

/* Compares what was measured with what the stored model expected (run_quality.c). */
void tuner_judge_model(struct tuner *tuner);

/* Whether a result counts as right for this run; else it becomes an OUTCOME_WRONG. */
void tuner_judge(const struct tuner *tuner, struct measure_result *result);

#endif
