/* The caller's side of measuring: candidates go to the worker one at a time, and a worker that does
 * not come back is replaced; see measure.h. */
#define _GNU_SOURCE
#include "measure/measurer.h"

#include "base/program.h"
#include "machine/description.h"
#include "measure/carried.h"
#include "measure/clock.h"
#include "measure/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Limits of a candidate's time, for those that do not end. No kernel that is meant to be one is so
 * slow: interpreted loops would not be. */
#define SETUP_SECONDS     10.0 /* compiling, inputs, the reference */
#define SLOWEST_NATIVE    2e8  /* operations a second of targets with machine code, */
#define SLOWEST_COMPILED  1e7  /* and of the others */
#define CALLS             8    /* of a candidate: checked, timed, checked again */
#define SLOWER_FACTOR     4.0  /* than the best: what no first call may be, nor all of them */
#define FIRST_CALL_MARGIN 1.0  /* seconds, as a busy machine makes calls longer */

static dlt_status ensure_worker(struct measurer *measurer, struct error *error) {
    struct start_message start = {
        .version = PROTOCOL_VERSION,
        .result_bytes = sizeof(struct measure_result),
        .seed = measurer->options.seed,
        .cold = measurer->options.cold,
        .pin = !measurer->options.unpinned,
    };
    double since = clock_seconds();
    dlt_status status;
    if (process_is_idle(&measurer->process))
        return DLT_OK;
    process_end(&measurer->process);
    status = process_start(&measurer->process, measurer->program, measurer->task->key, &start,
                           measurer->shared, &measurer->message, error);
    measurer->start_seconds = clock_seconds() - since;
    return status;
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
    account_open(&measurer->unlimited, 0);
    measurer->account = options->account ? options->account : &measurer->unlimited;
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

/* ---- limits ---- */

/* Operations of a call, and elements that it moves. */
static double work_of(const struct task *task) {
    double work = task->operations;
    for (int t = 0; t < task->expression->tensor_count; t++)
        work += (double)task->expression->tensors[t]->layout.elements;
    return work;
}

double measurer_limit(const struct measurer *measurer, double best_us) {
    struct target_description target;
    double rate = SLOWEST_COMPILED;
    if (measurer->options.timeout_seconds > 0)
        return measurer->options.timeout_seconds;
    if (best_us > 0)
        return SETUP_SECONDS + CALLS * SLOWER_FACTOR * best_us * 1e-6;
    if (target_describe(measurer->task->target, &target, NULL) == DLT_OK && target.machine_code)
        rate = SLOWEST_NATIVE;
    return SETUP_SECONDS + CALLS * work_of(measurer->task) / rate;
}

/* What this candidate may take; `*cut`: it ends with the run's time, not by its own fault. */
static double limit_of(const struct measurer *measurer, const struct run_message *request,
                       bool *cut) {
    bool known = request->best_us > 0 || request->mode != RUN_CANDIDATE;
    double best_us = request->mode == RUN_CANDIDATE ? request->best_us : measurer->slowest_us;
    double limit = measurer_limit(measurer, best_us), left = account_left_to_end(measurer->account);
    *cut = (known || measurer->account->is_optional) && left < limit;
    return *cut ? fmax(left, 0) : limit;
}

/* ---- candidates ---- */

static void note_costs(struct measurer *measurer, const struct run_message *request,
                       const struct measure_result *result, double seconds) {
    probe_history_add(&measurer->probes, result->probe_ns);
    if (result->outcome != OUTCOME_OK || result->abandoned || request->mode == RUN_COUNT)
        return;
    measurer->slowest_us = fmax(measurer->slowest_us, result->median_us);
    measurer->measure_seconds = fmax(measurer->measure_seconds, seconds);
}

/* Sends a candidate to a worker that is alive, and what the measurer knows of the time with it. */
static dlt_status send_request(struct measurer *measurer, const char *trace,
                               struct run_message *request, struct error *error) {
    /* Twice, since an idle worker may have been killed just now by somebody else. */
    for (int attempt = 0; attempt < 2; attempt++) {
        TRY(ensure_worker(measurer, error));
        request->usual_probe_ns = probe_history_usual(&measurer->probes);
        request->seconds_left = account_left_to_end(measurer->account);
        if (message_send(measurer->process.socket, MESSAGE_RUN, request, sizeof *request, trace,
                         strlen(trace)))
            return DLT_OK;
    }
    return error_set(error, DLT_ERROR_SYSTEM, "the worker %s does not stay alive",
                     measurer->program);
}

static dlt_status send_once(struct measurer *measurer, const char *trace,
                            struct run_message *request, struct measure_result *result,
                            struct error *error) {
    double since, limit;
    bool cut;
    memset(result, 0, sizeof *result);
    result->number = request->number;
    TRY(send_request(measurer, trace, request, error));
    since = clock_seconds();
    limit = limit_of(measurer, request, &cut);
    result->outcome = process_wait(&measurer->process, limit, &measurer->message, result->message,
                                   sizeof result->message);
    result->cut = cut && result->outcome == OUTCOME_TIMEOUT && !measurer->process.id &&
                  account_left_to_end(measurer->account) <= 0;
    if (result->outcome != OUTCOME_OK)
        return process_is_cancelled(&measurer->process)
                   ? error_set(error, DLT_ERROR_CANCELLED, "interrupted")
                   : DLT_OK;
    if (measurer->message.kind == MESSAGE_RESULT &&
        measurer->message.body_bytes == sizeof *result) {
        memcpy(result, measurer->message.body, sizeof *result);
        note_costs(measurer, request, result, clock_seconds() - since);
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
    if (best_us > 0)
        request.call_seconds = FIRST_CALL_MARGIN + SLOWER_FACTOR * best_us * 1e-6;
    return measurer_send(measurer, trace, &request, result, error);
}
