/* Tuning tasks one after the other, with progress and reports: what `OPERATOR` and `tune` share. */
#ifndef CLI_TUNING_H
#define CLI_TUNING_H

#include "cli/requests.h"
#include "cli/roofs.h"
#include "search/search.h"

/* Checks that the target runs here, opens the database, tunes each request and reports it. One that
 * fails is reported and the others go on; cli->exit_status tells of it, or of an interruption. */
dlt_status tune_tasks(struct cli *cli, const struct request_list *list, struct error *error);

/* What the command line asks of the tuner, its seconds those of the whole run. */
struct tuner_options tuning_options(const struct cli *cli);

/* The time of the command, which began with the program. */
struct account tuning_account(const struct cli *cli);

/* What a probe of the memory takes, about (that of the peak: measure/peak.h), and whether a probe is
 * a small part of the time that is left. What a probe before a run may not take, one after it may: the seconds that are left over. */
#define ROOFS_SECONDS 1.5
bool tuning_affords(const struct account *account, double seconds);

/* The peak of all the cores that the kernel may use, GFLOP/s, measured now, in so many seconds. */
double tuning_peak(const struct task *task, double seconds);
/* The same, more roughly in a short time, if there is time for it, else the stored one; 0: there is
 * none. */
double tuning_peak_in(const struct task *task, struct database *database,
                      const struct account *account);
/* The roofs that a task needs, measured if that is affordable and they are not stored. */
void tuning_roofs_in(const struct task *task, struct database *database, bool affordable,
                     struct roofs *roofs);

/* Prints the stored best after tuning a request, `number` of which is the best of this run; answers
 * whether it has a right schedule. `failure`: why it could not be tuned, or NULL. */
bool tuning_report(struct cli *cli, struct request *request, int number, struct database *database,
                   const struct tuner_summary *summary, const struct tuner_options *options,
                   const struct roofs *roofs, const char *failure);

#endif
