/* What the database remembers of other tasks, for a task that is about to be tuned.
 *
 * Points: for several threads the best of the same work on one, and the default, each shared and on
 * one thread. Then the best of the nearest tasks, adapted by the names and values of their knobs.
 * Tasks are near if the features of their default points are alike and their knobs have the same
 * names. A model: that of this host, target and version of the features, else of another host;
 * after a run it is trained again if the records have grown enough.
 *
 * Remembering is a help, never a condition: what cannot be read is left out. */
#ifndef SEARCH_MEMORY_H
#define SEARCH_MEMORY_H

#include "costmodel/model.h"
#include "costmodel/quality.h"
#include "db/db.h"
#include "measure/account.h"
#include "search/strategy.h"
#include "te/task.h"

#include <signal.h>

struct memory {
    struct hints hints;
    struct cost_model *model; /* that of the hints */
    int64_t model_records;    /* it was trained on */
    /* Training ends, without a model, when the time is over or `cancel` is not 0; may be NULL. */
    const struct account *account;
    const volatile sig_atomic_t *cancel;
};

void memory_recall(struct memory *memory, const struct task *task, const struct space *space,
                   struct database *database);
void memory_free(struct memory *memory);

/* Trains the model of the task's target on all tasks' records and stores it, if the records have
 * grown enough since it was trained. DLT_OK too where nothing was to be done. */
dlt_status memory_learn(const struct memory *memory, const struct task *task,
                        struct database *database, struct error *error);

#endif
