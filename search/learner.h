/* The energy of a point: what is expected of its time before it is measured.
 *
 * A prior (prior.h), plus trees trained on what the prior got wrong in this task's own records.
 * Without records, or where dltune was built without trees, it is the prior alone. Training again
 * waits until the records have grown by a share, so that all training together takes time in
 * proportion to the records.
 *
 * Where the best lies counts more than by how much bad points are bad: a row weighs less the slower
 * it is. */
#ifndef SEARCH_LEARNER_H
#define SEARCH_LEARNER_H

#include "costmodel/features.h"
#include "costmodel/model.h"

struct hints;

struct learner {
    const struct space *space;
    const struct hints *hints;        /* borrowed: the prior is from them; may be NULL */
    struct cost_model *corrections;   /* NULL: none yet */
    int64_t count, capacity, trained; /* records; those at the last training */
    float *features;                  /* of each record */
    float *priors;
    double *scores;              /* logarithms of times; INFINITY for a failure */
    struct learner_memo *memo;   /* of points that were described lately; NULL: out of memory */
    struct learner_batch *batch; /* what is being asked; NULL: out of memory */
    float *work_features, *work_targets, *work_weights; /* rows of a training */
};

void learner_initialise(struct learner *learner, const struct space *space);
void learner_free(struct learner *learner);

/* False if out of memory. */
bool learner_add(struct learner *learner, const int *point, double score);

/* Whether anything but the rules and the analytic score is behind the energy. */
bool learner_has_learnt(const struct learner *learner);

/* Trains if there is enough that is new. A failure leaves the energy as it was. */
void learner_train(struct learner *learner);

/* Energies of points; only differences mean something. At most LEARNER_BATCH at a time. */
enum {
    LEARNER_BATCH = 128
};
void learner_energies(struct learner *learner, int count, int (*points)[MAX_KNOBS],
                      double *energies);

#endif
