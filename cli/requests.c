/* Requests from the command line and from list files; see requests.h. */
#define _GNU_SOURCE
#include "cli/requests.h"

#include "base/hash.h"
#include "schedules/supported.h"
#include "search/seen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_free(struct request *request) {
    if (!request)
        return;
    for (int i = 0; i < request->count; i++)
        task_free(request->tasks[i]);
    free((char *)request->key);
    free(request);
}

static dlt_status fill(struct request *request, const struct alternatives *alternatives,
                       const char *target, int threads, struct error *error) {
    struct text key = {0};
    for (int i = 0; i < alternatives->count; i++) {
        TRY(task_create_text(alternatives->texts[i], target, threads, &request->tasks[i], error));
        request->tasks[request->count++]->count = alternatives->calls;
        TRY(task_supported(request->tasks[i], error));
    }
    text_format(&key, "%s target=%s threads=%d", alternatives->workload, target, threads);
    request->key = strdup(text_string(&key));
    text_free(&key);
    return request->key ? DLT_OK : error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

dlt_status request_create(const char *workload, const char *target, int threads,
                          struct request **request, struct error *error) {
    struct alternatives alternatives;
    struct request *made = calloc(1, sizeof *made);
    dlt_status status;
    *request = NULL;
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = alternatives_create(workload, &alternatives, error);
    if (status == DLT_OK)
        status = fill(made, &alternatives, target, threads, error);
    alternatives_free(&alternatives);
    if (status == DLT_OK)
        *request = made;
    else
        request_free(made);
    return status;
}

dlt_status cli_request(struct cli *cli, struct request **request, struct error *error) {
    const char *target;
    char *workload;
    *request = NULL;
    TRY(cli_given(cli, &target, &workload, error));
    dlt_status status = request_create(workload, target, (int)cli->options.threads, request, error);
    free(workload);
    return status;
}

const struct task *request_show(struct request *request, int number) {
    request->shown = *request->tasks[number];
    request->shown.key = request->key;
    return &request->shown;
}

/* ---- lists ---- */

dlt_status request_list_add(struct request_list *list, struct request *request,
                            struct error *error) {
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 32;
        struct request **requests = realloc(list->requests, (size_t)capacity * sizeof *requests);
        if (!requests) {
            request_free(request);
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        }
        list->requests = requests;
        list->capacity = capacity;
    }
    list->requests[list->count++] = request;
    return DLT_OK;
}

void request_list_free(struct request_list *list) {
    for (int i = 0; i < list->count; i++)
        request_free(list->requests[i]);
    free(list->requests);
    *list = (struct request_list){0};
}

struct reading {
    struct cli *cli;
    const char *path, *target;
    struct request_list *list;
    struct seen keys; /* hashes of the requests' keys; their scores are places in the list */
};

/* Equal work is there once, counted together. */
static dlt_status add_request(struct reading *reading, struct request *request,
                              struct error *error) {
    struct request_list *list = reading->list;
    uint64_t hash = hash_string(request->key);
    int64_t entry = seen_find(&reading->keys, &hash);
    struct request *same = entry < 0 ? NULL : list->requests[(int)reading->keys.scores[entry]];
    if (same && !strcmp(same->key, request->key)) {
        for (int i = 0; i < request->count; i++)
            same->tasks[i]->count += request->tasks[i]->count;
        request_free(request);
        return DLT_OK;
    }
    if (seen_set(&reading->keys, &hash, list->count))
        return request_list_add(list, request, error);
    request_free(request);
    return error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

static dlt_status read_workload(struct reading *reading, char *line, struct error *error) {
    struct request *request;
    line[strcspn(line, "#")] = 0;
    if (!line[strspn(line, " \t")])
        return DLT_OK;
    TRY(request_create(line, reading->target, (int)reading->cli->options.threads, &request, error));
    return add_request(reading, request, error);
}

/* What ends with a line feed; a carriage return ends a line too. */
static dlt_status read_line(struct reading *reading, char *line, size_t length,
                            struct error *error) {
    if (strlen(line) != length)
        return error_set(error, DLT_ERROR_ARGUMENT, "has a byte 0: this is no text");
    while (line)
        TRY(read_workload(reading, strsep(&line, "\r\n"), error));
    return DLT_OK;
}

/* Editors may put a byte order mark before the first line. */
static char *skip_mark(char *line) {
    return strncmp(line, "\xef\xbb\xbf", 3) ? line : line + 3;
}

static dlt_status read_lines(struct reading *reading, FILE *file, struct error *error) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    dlt_status status = DLT_OK;
    for (int number = 1; status == DLT_OK && (length = getline(&line, &size, file)) >= 0;
         number++) {
        char *start = number == 1 ? skip_mark(line) : line;
        status = read_line(reading, start, (size_t)(line + length - start), error);
        if (status != DLT_OK)
            error_prefix(error, "%s:%d", reading->path, number);
    }
    if (status == DLT_OK && ferror(file))
        status = error_set(error, DLT_ERROR_SYSTEM, "%s: %s", reading->path, strerror(errno));
    free(line);
    return status;
}

dlt_status request_list_read(struct cli *cli, const char *path, struct request_list *list,
                             struct error *error) {
    bool standard = !strcmp(path, "-");
    struct reading reading = {.cli = cli, .path = standard ? "standard input" : path, .list = list};
    dlt_status status;
    FILE *file;
    TRY(cli_resolve_target(cli, &reading.target, error));
    file = standard ? stdin : fopen(path, "r");
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", *path ? path : "''", strerror(errno));
    seen_initialise(&reading.keys, sizeof(uint64_t));
    status = read_lines(&reading, file, error);
    seen_free(&reading.keys);
    if (!standard)
        fclose(file);
    if (status == DLT_OK && !list->count)
        status = error_set(error, DLT_ERROR_ARGUMENT,
                           "%s: has no workload; a line is one, such as "
                           "matmul m=128 n=128 k=128",
                           reading.path);
    return status;
}
