/* The best of several tasks that do the same work in different ways. */
#include "db/db.h"

static bool is_better(const struct record *a, bool a_exact, const struct record *b, bool b_exact) {
    return a_exact != b_exact ? a_exact : a->median_us < b->median_us;
}

dlt_status database_best_of(struct database *database, int count, const char *const *tasks,
                            const char *host, const char *generator, int *which,
                            struct record *record, bool *exact, struct error *error) {
    *which = -1;
    for (int i = 0; i < count; i++) {
        struct record found;
        bool found_exact;
        dlt_status status =
            database_best(database, tasks[i], host, generator, &found, &found_exact, error);
        if (status == DLT_ERROR_NOT_FOUND)
            continue;
        if (status != DLT_OK) {
            if (*which >= 0)
                record_free(record);
            return status;
        }
        if (*which >= 0 && !is_better(&found, found_exact, record, *exact)) {
            record_free(&found);
            continue;
        }
        if (*which >= 0)
            record_free(record);
        *which = i;
        *record = found;
        *exact = found_exact;
    }
    return *which < 0 ? DLT_ERROR_NOT_FOUND : DLT_OK;
}
