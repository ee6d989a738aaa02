/* Cost models: from features to a score by gradient-boosted trees. XGBoost trains them; predicting,
 * storing and loading are our own (trees.h).
 *
 * A model is trained on rows of features and the logarithms of times, each relative to the best of
 * its task, so that tasks of any size teach one model. Lower scores are faster; only differences
 * have a meaning. Training on the same rows in the same order gives the same model.
 *
 * Where dltune was built without XGBoost, cost_model_available is false, training fails with
 * DLT_ERROR_REFUSED, and searches use the analytic score (features.h). One model, any threads. */
#ifndef COSTMODEL_MODEL_H
#define COSTMODEL_MODEL_H

#include "base/error.h"
#include "base/text.h"
#include "costmodel/features.h"

#include <stdbool.h>
#include <stdint.h>

enum cost_model_objective {
    MODEL_REGRESSION, /* of the logarithm of the time */
    MODEL_RANKING,    /* of pairs within a group */
};

struct cost_model_options {
    enum cost_model_objective objective;
    int trees, depth;  /* 0: defaults */
    double rate;       /* 0: default */
    double shrinkage;  /* of a leaf towards 0, as if it had rows of this weight there; 0: default */
    double least_leaf; /* weight of the rows in a leaf, at least; 0: default */
    int threads;       /* 0: one */
    /* Asked between trees; true: training ends with DLT_ERROR_CANCELLED. May be NULL. */
    bool (*stop)(void *context);
    void *context;
};

struct cost_model;

bool cost_model_available(void);

/* Rows lie one after another, FEATURE_COUNT numbers each. `groups` has `group_count` numbers of
 * rows that belong together (a task's), in order; NULL: all are one group. */
struct cost_model_rows {
    int64_t count;
    const float *features;
    const float *targets;
    const float *weights; /* of each row, or NULL; of each group for ranking */
    int group_count;
    const unsigned *groups;
};

dlt_status cost_model_train(const struct cost_model_rows *rows,
                            const struct cost_model_options *options, struct cost_model **model,
                            struct error *error);

dlt_status cost_model_predict(const struct cost_model *model, int64_t count, const float *features,
                              float *scores, struct error *error);

/* As bytes, with the version of the features. Loading takes any bytes: what is no model, of another
 * version (by name) or damaged is refused, and a model that was loaded predicts without fail. */
dlt_status cost_model_save(const struct cost_model *model, struct text *bytes, struct error *error);
dlt_status cost_model_load(const void *bytes, size_t size, struct cost_model **model,
                           struct error *error);

void cost_model_free(struct cost_model *model);

#endif
