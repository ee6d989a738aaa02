/* Several processes, one row; see bench.h.
 *
 * A peer that takes its process down is found by the last contestant that the worker announced. It
 * becomes an entry with that fault, and the process is run again without it. */
#include "bench/bench.h"

#include "base/program.h"
#include "bench/process.h"
#include "measure/timing.h"
#include "json/number.h"

#include <cJSON.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct peaks {
    int count;
    double values[MAX_BENCH_PROCESSES];
};

static const char *string_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static double number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void set_string(char **string, const char *value) {
    free(*string);
    *string = value ? strdup(value) : NULL;
}

/* ---- entries ---- */

static struct bench_entry *find_entry(struct bench_row *row, const char *name) {
    for (int i = 0; i < row->entry_count; i++)
        if (!strcmp(row->entries[i].name, name))
            return &row->entries[i];
    if (row->entry_count == MAX_BENCH_ENTRIES)
        return NULL;
    row->entries[row->entry_count] = (struct bench_entry){.name = strdup(name)};
    if (!row->entries[row->entry_count].name)
        return NULL;
    return &row->entries[row->entry_count++];
}

static void fail_entry(struct bench_row *row, const char *name, dlt_status status,
                       const char *message) {
    struct bench_entry *entry = find_entry(row, name);
    if (!entry)
        return;
    entry->status = status;
    set_string(&entry->message, message);
}

static dlt_status parse_status(const char *name) {
    for (int status = DLT_OK; status <= DLT_ERROR_CANCELLED; status++)
        if (name && !strcmp(dlt_status_name((dlt_status)status), name))
            return (dlt_status)status;
    return DLT_ERROR_SYSTEM;
}

/* Adds one process' figure. An entry that failed in one process has failed. */
static void take_contestant(struct bench_row *row, const cJSON *object) {
    const char *name = string_of(object, "name");
    struct bench_entry *entry = name ? find_entry(row, name) : NULL;
    dlt_status status = parse_status(string_of(object, "status"));
    double least = number_of(object, "min_us"), error = number_of(object, "max_error");
    if (!entry || entry->status != DLT_OK)
        return;
    if (string_of(object, "impl"))
        set_string(&entry->implementation, string_of(object, "impl"));
    if (status != DLT_OK) {
        fail_entry(row, name, status, string_of(object, "message"));
        return;
    }
    if (entry->process_count == MAX_BENCH_PROCESSES)
        return;
    if (!entry->process_count || least < entry->minimum_us)
        entry->minimum_us = least;
    if (error > entry->max_error)
        entry->max_error = error;
    entry->times[entry->process_count++] = number_of(object, "median_us");
}

static void summarise(struct bench_row *row, struct peaks *peaks) {
    for (int i = 0; i < row->entry_count; i++) {
        struct bench_entry *entry = &row->entries[i];
        if (entry->status != DLT_OK || !entry->process_count)
            continue;
        entry->median_us = timing_median(entry->times, entry->process_count); /* sorts */
        entry->spread = timing_spread(entry->times, entry->process_count);
    }
    if (peaks->count)
        row->peak_gflops = timing_median(peaks->values, peaks->count);
}

/* ---- one process ---- */

/* Peers that took a process down are not asked again; those that refused would only repeat it. */
static char *make_request(const struct bench_row *row, const char *trace,
                          const struct bench_options *options) {
    cJSON *object = cJSON_CreateObject(), *skip;
    char *line, *request;
    size_t length;
    cJSON_AddStringToObject(object, "task", row->task->key);
    if (trace)
        cJSON_AddStringToObject(object, "trace", trace);
    cJSON_AddBoolToObject(object, "peers", options->peers);
    cJSON_AddBoolToObject(object, "free_layout", options->free_layout);
    cJSON_AddBoolToObject(object, "one_thread", options->one_thread);
    if (options->one_thread_trace)
        cJSON_AddStringToObject(object, "one_thread_trace", options->one_thread_trace);
    json_add_number(object, "seed", (double)options->seed);
    skip = cJSON_AddArrayToObject(object, "skip");
    for (int i = 1; i < row->entry_count; i++)
        if (row->entries[i].status != DLT_OK)
            cJSON_AddItemToArray(skip, cJSON_CreateString(row->entries[i].name));
    line = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    if (!line)
        return NULL;
    length = strlen(line);
    request = realloc(line, length + 2);
    if (!request) {
        free(line);
        return NULL;
    }
    strcpy(request + length, "\n");
    return request;
}

/* Reads the answers. `begun` is the contestant announced last, `over` whether the contest ended. */
static dlt_status take_answers(struct bench_row *row, const struct text *answers,
                               struct peaks *peaks, char *begun, size_t bytes, bool *over,
                               struct error *error) {
    const char *line = text_string(answers);
    *over = false;
    *begun = 0;
    while (*line) {
        const char *end = line + strcspn(line, "\n");
        cJSON *object = json_parse(line, (size_t)(end - line));
        const char *name = string_of(object, "begin"), *failure = string_of(object, "error");
        const cJSON *contestants = cJSON_GetObjectItem(object, "contestants"), *contestant;
        dlt_status status = DLT_OK;
        if (name)
            snprintf(begun, bytes, "%s", name);
        if (failure)
            status = error_set(error, DLT_ERROR_SYSTEM, "%s", failure);
        if (cJSON_IsArray(contestants)) {
            *over = true;
            cJSON_ArrayForEach(contestant, contestants) take_contestant(row, contestant);
            set_string(&row->trace, string_of(object, "trace"));
            row->wall_clock =
                string_of(object, "clock") && !strcmp(string_of(object, "clock"), "wall");
            if (number_of(object, "peak_gflops") > 0 && peaks->count < MAX_BENCH_PROCESSES)
                peaks->values[peaks->count++] = number_of(object, "peak_gflops");
        }
        cJSON_Delete(object);
        TRY(status);
        line = *end ? end + 1 : end;
    }
    return DLT_OK;
}

/* One process to its end, again without whoever takes it down. */
static dlt_status run_process(struct bench_row *row, const char *worker, const char *trace,
                              const struct bench_options *options, struct peaks *peaks,
                              struct error *error) {
    double timeout = options->timeout_seconds > 0 ? options->timeout_seconds : 120;
    for (;;) {
        char *request = make_request(row, trace, options), begun[64];
        struct text answers = {0};
        struct error fault = {.status = DLT_OK};
        dlt_status status;
        bool over;
        if (!request)
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        status = bench_process_run(worker, row->task, request, timeout, options->cancel, &answers,
                                   &fault);
        free(request);
        if (status == DLT_ERROR_CANCELLED) {
            text_free(&answers);
            return DLT_OK; /* as if it had never been started */
        }
        dlt_status read = take_answers(row, &answers, peaks, begun, sizeof begun, &over, error);
        text_free(&answers);
        TRY(read);
        if (over)
            return DLT_OK;
        if (!*begun || status == DLT_OK)
            return error_set(error, DLT_ERROR_SYSTEM, "dltune-bench-worker: %s",
                             status != DLT_OK ? fault.message : "it ended without an answer");
        fail_entry(row, begun, DLT_ERROR_SYSTEM, fault.message);
        if (!strcmp(begun, "dltune"))
            return DLT_OK;
    }
}

dlt_status bench_run(const struct task *task, const char *trace,
                     const struct bench_options *options, struct bench_row *row,
                     struct error *error) {
    int processes = options->processes ? options->processes : BENCH_PROCESSES;
    struct peaks peaks = {.count = 0};
    char worker[PATH_MAX];
    *row = (struct bench_row){.task = task};
    if (processes < 1 || processes > MAX_BENCH_PROCESSES)
        return error_set(error, DLT_ERROR_ARGUMENT, "processes: %d is not a number from 1 to %d",
                         processes, MAX_BENCH_PROCESSES);
    TRY(program_find("dltune-bench-worker", options->worker, "DLTUNE_BENCH_WORKER", worker,
                     sizeof worker, error));
    if (!find_entry(row, "dltune")) /* the first, whoever answers first */
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    for (int i = 0; i < processes; i++) {
        if (options->cancel && *options->cancel)
            break;
        TRY(run_process(row, worker, trace, options, &peaks, error));
        if (row->entries[0].status != DLT_OK && !options->peers)
            break;
    }
    summarise(row, &peaks);
    if (row->entries[0].status == DLT_OK && !row->entries[0].process_count)
        return error_set(error, DLT_ERROR_CANCELLED, "interrupted before the first process ended");
    return DLT_OK;
}

void bench_row_free(struct bench_row *row) {
    for (int i = 0; i < row->entry_count; i++) {
        free(row->entries[i].name);
        free(row->entries[i].implementation);
        free(row->entries[i].message);
    }
    free(row->trace);
    *row = (struct bench_row){.task = NULL};
}
