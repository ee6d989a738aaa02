/* The caller's side of measuring: candidates go to the worker one at a time, and a worker that does
 * not come back is replaced; see measure.h. */
#define _GNU_SOURCE
#include "measure/measurer.h"

#include "base/program.h"
#include "measure/carried.h"
#include "measure/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_SECONDS 10

static dlt_status ensure_worker(struct measurer *measurer, struct error *error) {
    struct start_message start = {
        .version = PROTOCOL_VERSION,
        .result_bytes = sizeof(struct measure_result),
        .seed = measurer->options.seed,
        .cold = measurer->options.cold,
        .pin = !measurer->options.unpinned,
    };
    if (process_is_idle(&measurer->process))
        return DLT_OK;
    process_end(&measurer->process);
    return process_start(&measurer->process, measurer->program, measurer->task->key, &start,
                         measurer->shared, &measurer->message, error);
}

/* Each input lies in memory twice, the result three times at least (written, kept, compared with):
 * said here, before the system ends the worker, or another process, for want of it. */
static dlt_status check_memory(const struct task *task, struct error *error) {
    double have = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double need = 3 * (double)tensor_bytes(expression_result(task->expression));
    for (int t = 0; t < task->expression->tensor_count; t++) {
        const struct tensor *tensor = task->expression->tensors[t];
        if (tensor->kind == TENSOR_VARIABLE || tensor->kind == TENSOR_PARAMETER)
            need += 2 * (double)tensor_bytes(tensor);
    }
    if (need <= have)
        return DLT_OK;
    return error_set(error, DLT_ERROR_MEMORY,
                     "checking its results takes %.3g GiB of memory, this machine has %.3g",
                     need / (1 << 30), have / (1 << 30));
}

/* What the environment says; else the program that the library carries; else one in a folder. */
static dlt_status find_worker(struct measurer *measurer, struct error *error) {
    static const char variable[] = "DLTUNE_WORKER";
    const char *given = getenv(variable);
    if (!given || !*given)
        measurer->carried = carried_worker();
    if (measurer->carried < 0)
        return program_find("dltune-worker", NULL, variable, measurer->program,
                            sizeof measurer->program, error);
    snprintf(measurer->program, sizeof measurer->program, "/proc/self/fd/%d", measurer->carried);
    return DLT_OK;
}

static dlt_status fill(struct measurer *measurer, struct error *error) {
    int shared;
    TRY(check_memory(measurer->task, error));
    shared = memfd_create("dltune", MFD_CLOEXEC);
    if (shared < 0)
        return error_set(error, DLT_ERROR_SYSTEM, "memfd_create: %s", strerror(errno));
    measurer->shared = fcntl(shared, F_DUPFD_CLOEXEC, 10); /* above what a worker's are moved to */
    close(shared);
    if (measurer->shared < 0)
        return error_set(error, DLT_ERROR_SYSTEM, "too many open files");
    TRY(find_worker(measurer, error));
    return ensure_worker(measurer, error);
}

dlt_status measurer_create(const struct task *task, const struct measure_options *options,
                           struct measurer **result, struct error *error) {
    struct measurer *measurer = calloc(1, sizeof *measurer);
    const char *pin = getenv("DLTUNE_PIN");
    dlt_status status;
    *result = NULL;
    if (!measurer)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    measurer->task = task;
    measurer->options = *options;
    measurer->shared = measurer->carried = measurer->process.socket = -1;
    measurer->process.cancel = options->cancel;
    if (pin && !strcmp(pin, "0"))
        measurer->options.unpinned = true;
    if (!(measurer->options.timeout_seconds > 0))
        measurer->options.timeout_seconds = DEFAULT_TIMEOUT_SECONDS;
    status = fill(measurer, error);
    if (status == DLT_OK)
        *result = measurer;
    else
        measurer_free(measurer);
    return status;
}

void measurer_free(struct measurer *measurer) {
    if (!measurer)
        return;
    process_end(&measurer->process);
    if (measurer->shared >= 0)
        close(measurer->shared);
    if (measurer->carried >= 0)
        close(measurer->carried);
    text_free(&measurer->message.text);
    free(measurer);
}

static dlt_status send_once(struct measurer *measurer, const char *trace,
                            const struct run_message *request, struct measure_result *result,
                            struct error *error) {
    bool sent = false;
    memset(result, 0, sizeof *result);
    result->number = request->number;
    /* Twice, since an idle worker may have been killed just now by somebody else. */
    for (int attempt = 0; attempt < 2 && !sent; attempt++) {
        TRY(ensure_worker(measurer, error));
        sent = message_send(measurer->process.socket, MESSAGE_RUN, request, sizeof *request, trace,
                            strlen(trace));
    }
    if (!sent)
        return error_set(error, DLT_ERROR_SYSTEM, "the worker %s does not stay alive",
                         measurer->program);
    result->outcome = process_wait(&measurer->process, measurer->options.timeout_seconds,
                                   &measurer->message, result->message, sizeof result->message);
    if (result->outcome != OUTCOME_OK)
        return process_is_cancelled(&measurer->process)
                   ? error_set(error, DLT_ERROR_CANCELLED, "interrupted")
                   : DLT_OK;
    if (measurer->message.kind == MESSAGE_RESULT &&
        measurer->message.body_bytes == sizeof *result) {
        memcpy(result, measurer->message.body, sizeof *result);
        probe_history_add(&measurer->probes, result->probe_ns);
        return DLT_OK;
    }
    /* Something of the candidate's own on the socket: nothing from there can be believed. */
    process_end(&measurer->process);
    result->outcome = OUTCOME_CRASH;
    snprintf(result->message, sizeof result->message, "wrote over the worker's own state");
    return DLT_OK;
}

/* A worker that somebody else killed may have been killed for any reason: the candidate gets a
 * second chance. One that kills itself does so again. */
dlt_status measurer_send(struct measurer *measurer, const char *trace, struct run_message *request,
                         struct measure_result *result, struct error *error) {
    request->usual_probe_ns = probe_history_usual(&measurer->probes);
    TRY(send_once(measurer, trace, request, result, error));
    if (result->outcome == OUTCOME_CRASH && measurer->process.killed)
        TRY(send_once(measurer, trace, request, result, error));
    return DLT_OK;
}

void measurer_set_number(struct measurer *measurer, uint64_t number) {
    measurer->number = number;
}

dlt_status measurer_run(struct measurer *measurer, const char *trace, double best_us,
                        struct measure_result *result, struct error *error) {
    struct run_message request = {
        .number = measurer->number++, .best_us = best_us, .mode = RUN_CANDIDATE};
    return measurer_send(measurer, trace, &request, result, error);
}
