/* The lines of an earlier `dltune bench --json`, to compare times with. */
#ifndef CLI_BASELINE_H
#define CLI_BASELINE_H

#include "base/error.h"

#include <cJSON.h>
#include <stdbool.h>

struct baseline {
    cJSON *lines; /* an array of their objects; NULL: there is no baseline */
};

dlt_status baseline_read(const char *path, struct baseline *baseline, struct error *error);
void baseline_free(struct baseline *baseline);

/* Whether the time is above the baseline's by more than the noise: 5 %, or three times the larger
 * spread. Says so on standard error. */
bool baseline_is_slower(const struct baseline *baseline, const char *task, double median_us,
                        double spread);

#endif
