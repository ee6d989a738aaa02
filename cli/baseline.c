/* Comparing with an earlier benchmark; see baseline.h. */
#include "cli/baseline.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOISE        0.05
#define NOISE_SPREAD 3.0

static dlt_status read_lines(FILE *file, const char *path, struct baseline *baseline,
                             struct error *error) {
    char *line = NULL;
    size_t size = 0;
    dlt_status status = DLT_OK;
    for (int number = 1; status == DLT_OK && getline(&line, &size, file) >= 0; number++) {
        cJSON *object = cJSON_Parse(line);
        if (cJSON_IsObject(object) && cJSON_GetObjectItem(object, "task"))
            cJSON_AddItemToArray(baseline->lines, object);
        else {
            cJSON_Delete(object);
            status =
                error_set(error, DLT_ERROR_ARGUMENT,
                          "--baseline: %s:%d is not a line of `dltune bench --json`", path, number);
        }
    }
    free(line);
    return status;
}

dlt_status baseline_read(const char *path, struct baseline *baseline, struct error *error) {
    FILE *file = fopen(path, "r");
    dlt_status status;
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "--baseline: %s: %s", path, strerror(errno));
    baseline->lines = cJSON_CreateArray();
    status = read_lines(file, path, baseline, error);
    fclose(file);
    return status;
}

void baseline_free(struct baseline *baseline) {
    cJSON_Delete(baseline->lines);
    baseline->lines = NULL;
}

static double number_of(const cJSON *line, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(line, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

bool baseline_is_slower(const struct baseline *baseline, const char *task, double median_us,
                        double spread) {
    const cJSON *line;
    cJSON_ArrayForEach(line, baseline->lines) {
        const char *key = cJSON_GetStringValue(cJSON_GetObjectItem(line, "task"));
        double before_us = number_of(line, "median_us"), noise = number_of(line, "spread");
        if (!key || strcmp(key, task) || before_us <= 0)
            continue;
        noise = NOISE_SPREAD * (spread > noise ? spread : noise);
        if (median_us <= before_us * (1 + (noise > NOISE ? noise : NOISE)))
            return false;
        cli_complain("%s: %.4g us is slower than the baseline's %.4g us by more than the noise",
                     task, median_us, before_us);
        return true;
    }
    return false;
}
