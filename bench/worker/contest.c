/* Running a contest; see contest.h. */
#include "bench/worker/contest.h"

#include "bench/peers.h"
#include "bench/worker/kernel.h"
#include "bench/worker/sample.h"
#include "measure/inputs.h"
#include "measure/peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The kernel of the same workload that has no threads to share it. */
#define ONE_THREAD "one-thread"

struct contest_data {
    struct input_set inputs;
    struct guarded_buffer output_buffer;
    const void *const *data;
    const void *previous; /* of the result, where it accumulates; or NULL */
    void *output;
    size_t output_bytes;
    struct sample *sample;
    struct problem problem;
    struct task *one_thread; /* the task for one thread, if it takes part */
};

/* Pools of threads spin for a while after a call; the next one is to have the cores. */
static void wait_for_sleep(void) {
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
}

static dlt_status create_data(const struct contest_request *request, struct contest_data *data,
                              struct error *error) {
    static const enum placement aligned[] = {PLACE_ALIGNED};
    const struct expression *expression = request->task->expression;
    const struct tensor *result = expression_result(expression);
    TRY(input_set_create(expression, PATTERN_RANDOM, request->seed, 1, aligned, &data->inputs,
                         error));
    data->data = data->inputs.data[PLACE_ALIGNED];
    data->previous = data->data[expression->tensor_count - 1];
    data->output_bytes = tensor_bytes(result);
    TRY(buffer_reserve(&data->output_buffer, "output", data->output_bytes, error));
    data->output = buffer_place(&data->output_buffer, data->output_bytes, 64, PLACE_ALIGNED);
    return sample_create(expression, data->data, request->seed, &data->sample, error);
}

static struct contestant *add(struct contest *contest, const char *name) {
    struct contestant *contestant = &contest->contestants[contest->count++];
    *contestant = (struct contestant){.name = name};
    return contestant;
}

static void failed(struct contestant *contestant, dlt_status status, const struct error *error) {
    contestant->status = status;
    snprintf(contestant->message, sizeof contestant->message, "%s", error->message);
}

/* What the result holds before a call whose result counts: NaN, or what it accumulates to. */
static void prefill(const struct contest_data *data) {
    if (data->previous)
        memcpy(data->output, data->previous, data->output_bytes);
    else
        memset(data->output, UNWRITTEN, data->output_bytes);
}

/* One call, and is it right? */
static dlt_status check(const struct contest_data *data, struct contestant *contestant,
                        double tolerance, struct error *error) {
    prefill(data);
    if (contestant->refill)
        contestant->refill(contestant->state);
    contestant->timing.run(contestant->state, 1);
    if (contestant->finish)
        contestant->finish(contestant->state);
    return sample_compare(data->sample, data->output, tolerance, &contestant->max_error, error);
}

static bool is_skipped(const struct contest_request *request, const char *name) {
    for (int i = 0; i < request->skipped_count; i++)
        if (!strcmp(request->skipped[i], name))
            return true;
    return false;
}

/* A kernel of dltune; `trace` has the one to take, or takes that of the default point. */
static void add_kernel(const struct contest_request *request, struct contest *contest,
                       const char *name, const struct task *task, struct text *trace) {
    struct contestant *contestant = add(contest, name);
    bool given = trace->length > 0;
    struct bench_kernel *kernel;
    struct error error = {.status = DLT_OK};
    dlt_status status;
    if (request->begin)
        request->begin(contestant->name);
    status = bench_kernel_create(task, trace, contest->data->data, contest->data->output, &kernel,
                                 &error);
    if (status == DLT_OK) {
        contestant->state = kernel;
        contestant->free = bench_kernel_free;
        contestant->implementation = given ? "given" : "default";
        contestant->timing = (struct interleaved){.run = bench_kernel_run, .state = kernel};
        status = check(contest->data, contestant, OWN_TOLERANCE, &error);
    }
    if (status != DLT_OK)
        failed(contestant, status, &error);
}

static dlt_status add_one_thread(const struct contest_request *request, struct contest *contest,
                                 struct error *error) {
    struct text trace = {0};
    TRY(task_create_text(request->task->workload, request->task->target, 1,
                         &contest->data->one_thread, error));
    if (request->one_thread_trace)
        text_append(&trace, request->one_thread_trace);
    add_kernel(request, contest, ONE_THREAD, contest->data->one_thread, &trace);
    text_free(&trace);
    return DLT_OK;
}

static void add_peer(const struct contest_request *request, struct contest *contest,
                     const struct peer *peer) {
    struct contestant *contestant = add(contest, peer->name);
    struct error error = {.status = DLT_OK};
    dlt_status status;
    if (request->begin)
        request->begin(peer->name);
    if (!peer->create) {
        error_set(&error, DLT_ERROR_NOT_FOUND, "not installed (%s)", peer->package);
        failed(contestant, DLT_ERROR_NOT_FOUND, &error);
        return;
    }
    status = peer->create(&contest->data->problem, &contestant->state, &error);
    if (status == DLT_OK) {
        contestant->free = peer->free;
        contestant->refill = peer->refill;
        contestant->finish = peer->finish;
        contestant->implementation = peer->implementation(contestant->state);
        contestant->timing = (struct interleaved){.run = peer->run, .state = contestant->state};
        status = check(contest->data, contestant, PEER_TOLERANCE, &error);
    }
    if (status != DLT_OK)
        failed(contestant, status, &error);
}

/* Workloads that no library computes have no peers; that is no failure. */
static void add_peers(const struct contest_request *request, struct contest *contest) {
    struct contest_data *data = contest->data;
    struct error error = {.status = DLT_OK};
    dlt_status status =
        problem_read(request->task, data->data, data->output, &data->problem, &error);
    data->problem.free_layout = data->problem.free_layout || request->free_layout;
    for (int i = 0; peers[i]; i++) {
        if (is_skipped(request, peers[i]->name))
            continue;
        if (status == DLT_OK)
            add_peer(request, contest, peers[i]);
        else
            failed(add(contest, peers[i]->name), status, &error);
    }
}

static dlt_status time_all(const struct contest_request *request, struct contest *contest,
                           struct error *error) {
    struct interleaved items[MAX_CONTESTANTS];
    struct interleave_limits limits = *request->limits;
    struct clock clock;
    int count = 0;
    contest->wall_clock = request->task->threads > 1;
    TRY(clock_open(contest->wall_clock, &clock, error));
    if (contest->wall_clock)
        limits.pause = wait_for_sleep;
    for (int i = 0; i < contest->count; i++)
        if (contest->contestants[i].status == DLT_OK)
            items[count++] = contest->contestants[i].timing;
    if (count && !interleave(&clock, &limits, count, items))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    count = 0;
    for (int i = 0; i < contest->count; i++)
        if (contest->contestants[i].status == DLT_OK)
            contest->contestants[i].timing = items[count++];
    return DLT_OK;
}

dlt_status contest_run(const struct contest_request *request, struct contest *contest,
                       struct error *error) {
    const struct task *task = request->task;
    *contest = (struct contest){.data = calloc(1, sizeof *contest->data)};
    if (!contest->data)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(create_data(request, contest->data, error));
    if (request->trace)
        text_append(&contest->trace, request->trace);
    add_kernel(request, contest, "dltune", task, &contest->trace);
    if (request->one_thread && !is_skipped(request, ONE_THREAD))
        TRY(add_one_thread(request, contest, error));
    if (request->peers)
        add_peers(request, contest);
    contest->peak_gflops =
        task->threads * measure_fma_peak(task->target, expression_result(task->expression)->type) *
        1e-9;
    return time_all(request, contest, error);
}

void contest_free(struct contest *contest) {
    for (int i = 0; i < contest->count; i++)
        if (contest->contestants[i].state)
            contest->contestants[i].free(contest->contestants[i].state);
    if (contest->data) {
        task_free(contest->data->one_thread);
        sample_free(contest->data->sample);
        buffer_free(&contest->data->output_buffer);
        input_set_free(&contest->data->inputs);
        free(contest->data);
    }
    text_free(&contest->trace);
    *contest = (struct contest){.count = 0};
}
