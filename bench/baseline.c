/* Reading and comparing; see baseline.h. */
#include "bench/baseline.h"

#include "machine/description.h"
#include "json/number.h"

#include <cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bench_baseline {
    cJSON *lines; /* an array of objects with a task */
};

static const char *string_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static double number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static dlt_status take_line(cJSON *lines, const char *line, struct error *error) {
    cJSON *object = json_parse(line, strlen(line) + 1);
    const char *host = string_of(object, "host");
    dlt_status status = DLT_OK;
    if (!cJSON_IsObject(object))
        status = error_set(error, DLT_ERROR_ARGUMENT, "not a line of a benchmark's JSON");
    else if (host && strcmp(host, host_name()))
        status = error_set(error, DLT_ERROR_ARGUMENT,
                           "of another host, '%s'; it may be one of this, '%s'", host, host_name());
    if (status == DLT_OK && string_of(object, "task"))
        cJSON_AddItemToArray(lines, object);
    else
        cJSON_Delete(object);
    return status;
}

dlt_status bench_baseline_read(const char *path, struct bench_baseline **baseline,
                               struct error *error) {
    struct bench_baseline *made = calloc(1, sizeof *made);
    bool standard = !strcmp(path, "-"); /* input */
    FILE *file = !made ? NULL : standard ? stdin : fopen(path, "re");
    dlt_status status = DLT_OK;
    char *line = NULL;
    size_t size = 0;
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (!file) {
        free(made);
        return error_set(error, DLT_ERROR_SYSTEM, "baseline: %s: %s", path, strerror(errno));
    }
    made->lines = cJSON_CreateArray();
    for (int number = 1; status == DLT_OK && getline(&line, &size, file) >= 0; number++) {
        if (!line[strspn(line, " \t\r\n")])
            continue;
        status = take_line(made->lines, line, error);
        if (status != DLT_OK)
            error_prefix(error, "baseline: %s:%d", path, number);
    }
    if (status == DLT_OK && ferror(file))
        status = error_set(error, DLT_ERROR_SYSTEM, "baseline: %s: %s", path, strerror(errno));
    else if (status == DLT_OK && !cJSON_GetArraySize(made->lines))
        status = error_set(error, DLT_ERROR_ARGUMENT,
                           "baseline: %s: has no workload; it may be what `dltune bench --json` "
                           "printed",
                           path);
    free(line);
    if (!standard)
        fclose(file);
    if (status != DLT_OK) {
        bench_baseline_free(made);
        return status;
    }
    *baseline = made;
    return DLT_OK;
}

void bench_baseline_free(struct bench_baseline *baseline) {
    if (!baseline)
        return;
    cJSON_Delete(baseline->lines);
    free(baseline);
}

static const cJSON *find(const struct bench_baseline *baseline, const char *task) {
    const cJSON *line;
    cJSON_ArrayForEach(line, baseline->lines) {
        if (!strcmp(string_of(line, "task"), task) && number_of(line, "median_us") > 0)
            return line;
    }
    return NULL;
}

struct baseline_comparison bench_baseline_compare(const struct bench_baseline *baseline,
                                                  const struct bench_row *row) {
    struct baseline_comparison comparison = {.verdict = BASELINE_ABSENT, .noise = BASELINE_NOISE};
    const cJSON *line = find(baseline, row->task->key);
    const struct bench_entry *own = &row->entries[0];
    double peak, in_time, in_peaks, spreads;
    if (!line)
        return comparison;
    comparison.before_us = number_of(line, "median_us");
    if (own->status != DLT_OK || own->median_us <= 0) {
        comparison.verdict = BASELINE_SLOWER;
        comparison.change = INFINITY;
        return comparison;
    }
    peak = number_of(line, "peak_gflops");
    spreads = own->spread + number_of(line, "spread");
    if (spreads > comparison.noise)
        comparison.noise = spreads;
    in_time = in_peaks = own->median_us / comparison.before_us - 1;
    if (peak > 0 && row->peak_gflops > 0)
        in_peaks = (in_time + 1) * row->peak_gflops / peak - 1;
    comparison.change = fabs(in_peaks) < fabs(in_time) ? in_peaks : in_time;
    if (in_time > comparison.noise && in_peaks > comparison.noise)
        comparison.verdict = BASELINE_SLOWER;
    else if (in_time < -comparison.noise && in_peaks < -comparison.noise)
        comparison.verdict = BASELINE_FASTER;
    else
        comparison.verdict = BASELINE_SAME;
    return comparison;
}
