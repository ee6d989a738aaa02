/* Mixing the model with the analytic score; see prior.h. */
#include "search/prior.h"

#define FEW_RECORDS_SHARE  0.5
#define MANY_RECORDS_SHARE 0.9
#define MANY_RECORDS       4000.0 /* at which the share is halfway */

double prior_model_share(int64_t records) {
    double many = (double)records / ((double)records + MANY_RECORDS);
    return FEW_RECORDS_SHARE + (MANY_RECORDS_SHARE - FEW_RECORDS_SHARE) * many;
}

void prior_energies(const struct hints *hints, int64_t count, const float *features,
                    const double *analytic, float *energies) {
    double share = 0;
    if (hints && hints->model &&
        cost_model_predict(hints->model, count, features, energies, NULL) == DLT_OK)
        share = hints->model_share;
    for (int64_t i = 0; i < count; i++) {
        double learnt = share > 0 ? (double)energies[i] : 0;
        energies[i] = (float)(share * learnt + (1 - share) * analytic[i]);
    }
}
