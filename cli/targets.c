/* `dltune targets`: what code can be made for, and with --measure what a core does. */
#include "cli/report.h"

#include "machine/description.h"
#include "threads/processors.h"
#include "json/number.h"

#include <stdio.h>
#include <string.h>

static cJSON *caches_json(const struct target_description *target) {
    cJSON *caches = cJSON_CreateArray();
    for (int i = 0; i < CACHE_LEVELS; i++)
        cJSON_AddItemToArray(caches, cJSON_CreateNumber((double)target->caches[i].bytes));
    return caches;
}

/* Peaks by element type, GFLOP/s of one thread; only where there is one. */
static cJSON *peaks_json(const struct roofs *roofs) {
    cJSON *peaks = cJSON_CreateObject();
    for (int type = 0; type < TYPE_COUNT; type++)
        if (roofs->peak[type] > 0)
            json_add_number(peaks, data_types[type].name, roofs->peak[type] * 1e-9);
    return peaks;
}

/* `roofs` NULL: nothing was measured. */
static cJSON *target_json(const struct target_description *target, bool native,
                          const struct roofs *roofs) {
    cJSON *object = cJSON_CreateObject();
    bool here = target_runs_here(target->name);
    cJSON_AddStringToObject(object, "target", target->name);
    cJSON_AddBoolToObject(object, "runs_here", here);
    cJSON_AddBoolToObject(object, "native", native);
    cJSON_AddBoolToObject(object, "machine_code", target->machine_code);
    json_add_number(object, "vector_bytes", target->vector_bytes);
    json_add_number(object, "vector_registers", target->vector_registers);
    json_add_number(object, "cores", target->cores);
    json_add_number(object, "processors", processors_usable());
    cJSON_AddItemToObject(object, "cache_bytes", caches_json(target));
    cJSON_AddStringToObject(object, "host", host_name());
    if (roofs) {
        cJSON_AddItemToObject(object, "peak_gflops", peaks_json(roofs));
        cJSON_AddItemToObject(object, "roofs", roofs_json(roofs));
    }
    return object;
}

static void print_target(const struct target_description *target, bool native,
                         const struct roofs *roofs) {
    bool here = target_runs_here(target->name);
    struct text text = {0};
    printf("%-12s %-12s ", target->name, native ? "native" : here ? "runs here" : "not here");
    if (target->machine_code)
        printf("machine code, %d registers of %d bytes", target->vector_registers,
               target->vector_bytes);
    else
        printf("plain C, complete by itself");
    printf("\n");
    if (roofs)
        roofs_format(&text, roofs);
    fputs(text_string(&text), stdout);
    fflush(stdout);
    text_free(&text);
}

/* Measures, and stores with the host; a database that cannot be written is worth a note. */
static void measure(struct cli *cli, const char *target, struct roofs *roofs) {
    struct database *database;
    struct error error;
    dlt_status status = roofs_measure(target, roofs, &error);
    if (status == DLT_OK)
        status = cli_open_database(cli, DATABASE_WRITE, &database, &error);
    if (status == DLT_OK) {
        status = roofs_write(database, target, roofs, &error);
        cli_close_database(cli, database);
    }
    if (status != DLT_OK && !cli->options.quiet)
        cli_complain("note: not stored: %s", error.message);
}

static void show(struct cli *cli, const struct target_description *target, bool native) {
    struct roofs roofs, *measured = NULL;
    if (cli->options.measure && target->machine_code && target_runs_here(target->name)) {
        measure(cli, target->name, &roofs);
        measured = &roofs;
    }
    if (cli->options.json)
        print_json_line(target_json(target, native, measured));
    else
        print_target(target, native, measured);
}

dlt_status run_targets(struct cli *cli, struct error *error) {
    struct target_description native, target;
    if (cli->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "targets: takes no arguments, but got '%s'",
                         cli->words[0]);
    TRY(target_describe("native", &native, error));
    if (!cli->options.json)
        printf("%s; %d may be used\n", host_name(), processors_usable());
    for (int i = 0; target_names[i]; i++) {
        TRY(target_describe(target_names[i], &target, error));
        show(cli, &target, !strcmp(target.name, native.name));
    }
    return DLT_OK;
}
