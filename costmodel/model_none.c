/* No models: built in the place of model.c where XGBoost is not wanted or not there. */
#include "costmodel/model.h"

static dlt_status refuse(struct error *error) {
    return error_set(error, DLT_ERROR_REFUSED, "model: dltune was built without XGBoost");
}

bool cost_model_available(void) {
    return false;
}

dlt_status cost_model_train(const struct cost_model_rows *rows,
                            const struct cost_model_options *options, struct cost_model **model,
                            struct error *error) {
    (void)rows, (void)options;
    *model = NULL;
    return refuse(error);
}

dlt_status cost_model_predict(const struct cost_model *model, int64_t count, const float *features,
                              float *scores, struct error *error) {
    (void)model, (void)count, (void)features, (void)scores;
    return refuse(error);
}

dlt_status cost_model_save(const struct cost_model *model, struct text *bytes,
                           struct error *error) {
    (void)model, (void)bytes;
    return refuse(error);
}

dlt_status cost_model_load(const void *bytes, size_t size, struct cost_model **model,
                           struct error *error) {
    (void)bytes, (void)size;
    *model = NULL;
    return refuse(error);
}

void cost_model_free(struct cost_model *model) {
    (void)model;
}
