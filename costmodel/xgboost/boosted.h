/* The trees that XGBoost has learnt, out of the model it saves as JSON. */
#ifndef COSTMODEL_XGBOOST_BOOSTED_H
#define COSTMODEL_XGBOOST_BOOSTED_H

#include "costmodel/trees.h"

/* `json` is what XGBoost saved just now, never what was stored. DLT_ERROR_REFUSED: this version of
 * XGBoost saves something else than trees of numbers. */
dlt_status boosted_read(const char *json, size_t bytes, enum cost_model_objective objective,
                        struct cost_model **model, struct error *error);

#endif
