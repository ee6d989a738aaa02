/* Request in, contest, answers out; see serve.h. */
#include "bench/worker/serve.h"

#include "bench/worker/contest.h"
#include "json/number.h"

#include <cJSON.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static FILE *answers; /* libraries may print what they like: to them standard output is the error */

static void answer(cJSON *object) {
    char *line = object ? cJSON_PrintUnformatted(object) : NULL;
    fprintf(answers, "%s\n", line ? line : "{\"error\":\"out of memory\"}");
    fflush(answers);
    free(line);
    cJSON_Delete(object);
}

static void answer_text(const char *key, const char *text) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, key, text);
    answer(object);
}

static void announce(const char *name) {
    answer_text("begin", name);
}

static cJSON *contestant_json(const struct contestant *contestant) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "name", contestant->name);
    cJSON_AddStringToObject(object, "status", dlt_status_name(contestant->status));
    if (contestant->implementation)
        cJSON_AddStringToObject(object, "impl", contestant->implementation);
    if (contestant->status != DLT_OK) {
        cJSON_AddStringToObject(object, "message", contestant->message);
        return object;
    }
    json_add_number(object, "median_us", contestant->timing.median_us);
    json_add_number(object, "min_us", contestant->timing.minimum_us);
    json_add_number(object, "max_error", contestant->max_error);
    return object;
}

static void answer_contest(const struct contest *contest) {
    cJSON *object = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(object, "contestants");
    for (int i = 0; i < contest->count; i++)
        cJSON_AddItemToArray(list, contestant_json(&contest->contestants[i]));
    cJSON_AddStringToObject(object, "trace", text_string(&contest->trace));
    json_add_number(object, "peak_gflops", contest->peak_gflops);
    cJSON_AddStringToObject(object, "clock", contest->wall_clock ? "wall" : "cpu");
    answer(object);
}

static const char *string_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
}

static dlt_status hold(const cJSON *request, struct error *error) {
    const char *key = string_of(request, "task"), *skipped[MAX_CONTESTANTS];
    const cJSON *seed = cJSON_GetObjectItem(request, "seed"), *name;
    struct contest_request wanted = {
        .trace = string_of(request, "trace"),
        .peers = cJSON_IsTrue(cJSON_GetObjectItem(request, "peers")),
        .one_thread = cJSON_IsTrue(cJSON_GetObjectItem(request, "one_thread")),
        .one_thread_trace = string_of(request, "one_thread_trace"),
        .free_layout = cJSON_IsTrue(cJSON_GetObjectItem(request, "free_layout")),
        .skipped = skipped,
        .seed = cJSON_IsNumber(seed) ? (uint64_t)seed->valuedouble : 0,
        .limits = &interleave_usual,
        .begin = announce,
    };
    struct contest contest = {.count = 0};
    struct task *task;
    dlt_status status;
    if (!key)
        return error_set(error, DLT_ERROR_ARGUMENT, "the request names no task");
    cJSON_ArrayForEach(name, cJSON_GetObjectItem(request, "skip")) {
        if (cJSON_IsString(name) && wanted.skipped_count < MAX_CONTESTANTS)
            skipped[wanted.skipped_count++] = name->valuestring;
    }
    TRY(task_create_key(key, &task, error));
    wanted.task = task;
    status = contest_run(&wanted, &contest, error);
    if (status == DLT_OK)
        answer_contest(&contest);
    contest_free(&contest);
    task_free(task);
    return status;
}

int serve(void) {
    struct error error = {.status = DLT_OK};
    cJSON *request = NULL;
    char *line = NULL;
    size_t size = 0;
    dlt_status status;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    answers = fdopen(dup(STDOUT_FILENO), "w");
    if (!answers || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return EXIT_FAILURE;
    if (getline(&line, &size, stdin) > 0)
        request = json_parse(line, strlen(line) + 1);
    status = request ? hold(request, &error)
                     : error_set(&error, DLT_ERROR_ARGUMENT, "the request is not JSON");
    if (status != DLT_OK)
        answer_text("error", error.message);
    cJSON_Delete(request);
    free(line);
    fclose(answers);
    return status == DLT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
