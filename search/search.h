/* Tuning a task: propose, lower, measure, store, until a limit is reached.
 *
 * tune() does all of it for one task. tuner_run() is the loop with its surroundings passed in, so
 * that tests and replays can stand in for the machine.
 *
 * A trial is a candidate handed to the measurer, whatever became of it. Points that the space
 * refuses are never proposed, and a point whose schedule was measured before is not measured again;
 * neither is a trial. What earlier runs on this host with this code generator stored counts as
 * known, so the same command again goes on: `trials` is the number of new ones. */
#ifndef SEARCH_SEARCH_H
#define SEARCH_SEARCH_H

#include "base/error.h"
#include "costmodel/quality.h"
#include "db/db.h"
#include "measure/account.h"
#include "measure/measure.h"
#include "measure/steps.h"
#include "schedules/space.h"
#include "search/reasons.h"
#include "te/task.h"

#include <signal.h>

struct strategy;

/* What counts as a gain: the best time falls by this share. Trials without one are without hope. */
#define TUNER_GAIN 0.005

/* Where the seconds of a run go: those of candidates (enum measure_share), and then */
enum tuner_share {
    SHARE_SEARCH = MEASURE_SHARES,
    SHARE_STORE,
    SHARE_FINALISTS, /* timing the fastest again */
    SHARE_OTHER,     /* starting workers, making inputs, handing candidates over */
    TUNER_SHARES
};

extern const char *const tuner_share_names[TUNER_SHARES];

/* How well this run's records, `points` of them, were ranked by the analytic score and by the model
 * that was stored before the run. */
struct tuner_quality {
    int64_t points; /* 0: not judged */
    bool has_model;
    struct quality analytic, model;
};

/* The state of a run, for progress, and at its end its result. Strings are the tuner's: valid
 * during the progress call; those of a summary until tuner_summary_free. */
struct tuner_summary {
    int64_t trials, trials_wanted; /* wanted: 0 if there is no limit */
    int64_t errors[OUTCOME_COUNT]; /* trials by outcome, OUTCOME_OK too */
    int64_t known;                 /* points of earlier runs */
    int64_t slow; /* trials timed in a slow phase of the machine (measure/probe.h) */
    double seconds, seconds_wanted; /* of this run; wanted: 0 if there is no limit */
    double shares[TUNER_SHARES];    /* seconds */
    struct step_times steps;        /* of making this run's candidates */
    bool exhausted;                 /* no point was left to propose */
    bool hopeless;                  /* ended by `patience` */
    bool cancelled;
    char first_failure[320];         /* its kind and message; empty if there was none */
    struct failure_reasons failures; /* of this run's candidates */
    struct tuner_quality quality;    /* at the end of the run */

    /* The best known, of earlier runs too; median_us is 0 if there is none. */
    struct {
        char *trace, *knobs;
        double median_us, minimum_us, spread, max_error;
        bool wall_clock, finalist;
    } best;
};

typedef void tuner_progress(void *context, const struct tuner_summary *summary);

struct tuner_options {
    int64_t trials; /* new ones; 0: no limit */
    double seconds; /* wall clock, for this task; 0: no limit */
    const struct account
        *account;     /* of a run that this is a part of, in place of `seconds`; NULL */
    uint64_t seed;    /* of the search and of the inputs */
    int64_t patience; /* stop after so many trials in a row without hope (TUNER_GAIN); 0: never */
    double max_error; /* share of the error bound that a right candidate may reach; 0: all of it */
    double peak_gflops;                  /* stored with the records; 0: unknown */
    const struct strategy *strategy;     /* NULL: the default */
    bool rough;                          /* the fastest are not timed again */
    const volatile sig_atomic_t *cancel; /* not 0: stop; may be NULL */
    tuner_progress *progress;            /* may be NULL */
    void *context;
};

/* What measures: the measurer, or a stand-in. As measurer_run, measurer_run_again and
 * measurer_finalists_seconds, which may be NULL: no time. */
struct tuner_measurer {
    void *context;
    dlt_status (*run)(void *context, const char *trace, double best_us,
                      struct measure_result *result, struct error *error);
    dlt_status (*run_again)(void *context, int count, const char *const *traces,
                            struct measure_result *results, struct error *error);
    double (*finalists_seconds)(void *context, int count);
};

/* Tunes a task for the target it names, which must run here, into an open database. That nothing
 * right was found is no failure: `summary->best.median_us` is 0 then. Records stored before a
 * failure stay. The summary is valid in any case. */
dlt_status tune(const struct task *task, struct database *database,
                const struct tuner_options *options, struct tuner_summary *summary,
                struct error *error);

dlt_status tuner_run(const struct task *task, const struct space *space,
                     const struct tuner_measurer *measurer, struct database *database,
                     const struct tuner_options *options, struct tuner_summary *summary,
                     struct error *error);

/* Adds the trials, errors, shares and steps of a run to a sum of runs. */
void tuner_summary_add(struct tuner_summary *sum, const struct tuner_summary *run);

void tuner_summary_free(struct tuner_summary *summary);

/* The default or a stored schedule of a point, as a trace appended to `trace`. */
dlt_status point_trace(const struct space *space, const int *point, struct text *trace,
                       struct error *error);

/* "x=n c h w weight=k c r s output=n k y x": inputs in order and the result, as records have it. */
void task_print_layouts(const struct task *task, struct text *text);

#endif
