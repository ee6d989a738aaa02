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

/* The fastest of those that were added, fastest first. Zeroed: none. */
struct contenders {
    int count;
    struct contender all[FINALISTS];
};

struct tuner {
    const struct task *task;
    const struct space *space;
    const struct tuner_measurer *measurer;
    struct database *database;
    const struct tuner_options *options;
    struct tuner_summary *summary;
    const struct strategy *strategy;
    void *state;                /* the strategy's */
    struct account account;     /* of this run: the measurer's too */
    struct seen points, traces; /* scores of what was measured, in this run or before */
    struct proposals proposals;
    struct memory memory; /* of other tasks */
    int64_t first_point;  /* of this run, among `points` */
    int next_proposal;    /* of the batch: those before it were measured */
    double milestone;     /* the best when it last fell by a gain, */
    int64_t milestone_at; /* and the trials until then */
    struct text layouts;
    struct contenders contenders;
    struct contenders imported; /* of other files: hints, which are measured first */
    int next_imported;
};

/* The parts of tuner_run. A tuner that was begun, even if that failed, is to be released. It may be
 * continued any number of times, each with other limits in its options. DLT_ERROR_CANCELLED comes
 * without a message: what was found until then is kept. */
dlt_status tuner_begin(struct tuner *tuner, const struct task *task, const struct space *space,
                       const struct tuner_measurer *measurer, struct database *database,
                       const struct tuner_options *options, struct tuner_summary *summary,
                       struct error *error);
dlt_status tuner_continue(struct tuner *tuner, struct error *error);
/* Unless rough, times the finalists, and teaches the model; nothing of it when cancelled. */
dlt_status tuner_end(struct tuner *tuner, struct error *error);
void tuner_release(struct tuner *tuner);

/* A tuner with a measurer and a space of its own (tune.c). Closing frees it in any case. */
struct tuning {
    struct tuner_options options; /* may be changed between parts */
    struct tuner_summary *summary;
    struct arena arena;
    struct measurer *measurer;
    struct account account; /* where the options have none: of their seconds */
    struct tuner_measurer seam;
    struct tuner tuner;
};
dlt_status tuning_open(const struct task *task, struct database *database,
                       const struct tuner_options *options, struct tuner_summary *summary,
                       struct tuning **tuning, struct error *error);
dlt_status tuning_close(struct tuning *tuning, struct error *error);

/* Reads what earlier runs on this host with this code generator left (known.c). */
dlt_status tuner_read_known(struct tuner *tuner, struct error *error);

/* Measures the fastest again, interleaved, and stores them as finalists (finalists.c). */
dlt_status tuner_run_finalists(struct tuner *tuner, struct error *error);
dlt_status contenders_add(struct contenders *list, const char *trace, const char *knobs,
                          double median_us, struct error *error);
void contenders_free(struct contenders *list);
/* Its place in the list; -1: it is not there. */
int contenders_find(const struct contenders *list, const char *trace);

/* True if the space has a point with just these knobs (known.c). */
bool tuner_find_point(const struct tuner *tuner, const char *knobs, int *point);

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
