/* No training: built in the place of model.c where XGBoost is not wanted or not there. */
#include "costmodel/model.h"

bool cost_model_available(void) {
    return false;
}

dlt_status cost_model_train(const struct cost_model_rows *rows,
                            const struct cost_model_options *options, struct cost_model **model,
                            struct error *error) {
    (void)rows, (void)options;
    *model = NULL;
    return error_set(error, DLT_ERROR_REFUSED, "model: dltune was built without XGBoost");
}
