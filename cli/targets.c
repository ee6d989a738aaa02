/* `dltune targets`: what code can be made for, and with --measure what a core does. */
#include "cli/report.h"

#include "measure/peak.h"
#include "targets/description.h"

#include <stdio.h>
#include <string.h>

static cJSON *caches_json(const struct target_description *target) {
    cJSON *caches = cJSON_CreateArray();
    for (int i = 0; i < CACHE_LEVELS; i++)
        cJSON_AddItemToArray(caches, cJSON_CreateNumber((double)target->caches[i].bytes));
    return caches;
}

/* Peaks by element type, GFLOP/s of one thread; only where there is one. */
static cJSON *peaks_json(const struct target_description *target) {
    cJSON *peaks = cJSON_CreateObject();
    for (int type = 0; type < TYPE_COUNT; type++) {
        double peak = measure_fma_peak(target->name, (enum data_type)type) * 1e-9;
        if (peak > 0)
            cJSON_AddNumberToObject(peaks, data_types[type].name, peak);
    }
    return peaks;
}

static cJSON *target_json(const struct cli *cli, const struct target_description *target,
                          bool native) {
    cJSON *object = cJSON_CreateObject();
    bool here = target_runs_here(target->name);
    cJSON_AddStringToObject(object, "target", target->name);
    cJSON_AddBoolToObject(object, "runs_here", here);
    cJSON_AddBoolToObject(object, "native", native);
    cJSON_AddBoolToObject(object, "machine_code", target->machine_code);
    cJSON_AddNumberToObject(object, "vector_bytes", target->vector_bytes);
    cJSON_AddNumberToObject(object, "vector_registers", target->vector_registers);
    cJSON_AddNumberToObject(object, "cores", target->cores);
    cJSON_AddItemToObject(object, "cache_bytes", caches_json(target));
    cJSON_AddStringToObject(object, "host", host_name());
    if (cli->options.measure && here)
        cJSON_AddItemToObject(object, "peak_gflops", peaks_json(target));
    return object;
}

static void print_target(const struct cli *cli, const struct target_description *target,
                         bool native) {
    bool here = target_runs_here(target->name);
    cJSON *peaks;
    printf("%-12s %-12s ", target->name, native ? "native" : here ? "runs here" : "not here");
    if (target->machine_code)
        printf("machine code, %d registers of %d bytes", target->vector_registers,
               target->vector_bytes);
    else
        printf("plain C, complete by itself");
    if (cli->options.measure && here) {
        peaks = peaks_json(target);
        for (const cJSON *peak = peaks->child; peak; peak = peak->next)
            printf("; %s %.4g GFLOP/s", peak->string, peak->valuedouble);
        cJSON_Delete(peaks);
    }
    printf("\n");
}

dlt_status run_targets(struct cli *cli, struct error *error) {
    struct target_description native, target;
    if (cli->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "targets: takes no arguments, but got '%s'",
                         cli->words[0]);
    TRY(target_describe("native", &native, error));
    if (!cli->options.json)
        printf("%s\n", host_name());
    for (int i = 0; target_names[i]; i++) {
        TRY(target_describe(target_names[i], &target, error));
        if (cli->options.json)
            print_json_line(target_json(cli, &target, !strcmp(target.name, native.name)));
        else
            print_target(cli, &target, !strcmp(target.name, native.name));
    }
    return DLT_OK;
}
