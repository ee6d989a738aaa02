/* Tuning a workload that leaves a choice: its alternatives (te/alternatives.h) share the trials. */
#ifndef SEARCH_ALTERNATIVES_H
#define SEARCH_ALTERNATIVES_H

#include "search/search.h"

/* Tunes tasks that do the same work, for the fastest of them. The limits of the options are those
 * of all together: a part goes to all evenly, a part to the better two, the rest to the best.
 * Progress is that of all together, too. `*best` is the number of the fastest task and
 * `summary->best` its best; if none has a right schedule, 0 and none. An alternative that cannot
 * be tuned takes no further part; that all of them cannot is a failure. With one task it is
 * tune(). */
dlt_status tune_alternatives(struct task *const *tasks, int count, struct database *database,
                             const struct tuner_options *options, int *best,
                             struct tuner_summary *summary, struct error *error);

#endif
