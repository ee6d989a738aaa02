/* What passes; see gate.h. */
#include "db/gate.h"

#include "base/outcome.h"
#include "machine/description.h"
#include "schedules/schedule.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Bounds that no machine comes near, so that they hold on machines to come. */
#define LEAST_US         1e-4 /* of a call, however little it does */
#define MOST_US          1e15 /* thirty years */
#define OPERATIONS_A_US  1e7  /* of a thread: 10 TFLOP/s */
#define MOST_PEAK_GFLOPS 1e9
#define MOST_TIMES_PEAK  10.0         /* of the peak that the record states itself */
#define LATEST_SECOND    253402300799 /* the year 9999 ends */

/* ---- texts ---- */

bool text_is_plain(const void *bytes, size_t count) {
    const unsigned char *data = bytes;
    for (size_t i = 0; i < count;) {
        unsigned char lead = data[i++];
        size_t more = lead < 0x80 ? 0 : lead < 0xc2 ? 9 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        if (lead > 0xf4 || more > count - i || (lead < 0x20 && lead != '\n' && lead != '\t'))
            return false;
        for (; more; more--)
            if ((data[i++] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

static dlt_status check_text(const char *name, const char *value, bool may_be_empty,
                             struct error *error) {
    if (!value)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is missing", name);
    if (!*value && !may_be_empty)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is empty", name);
    if (!text_is_plain(value, strlen(value)))
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: is not text (UTF-8 that can be printed)",
                         name);
    return DLT_OK;
}

static dlt_status check_texts(const struct record *record, struct error *error) {
    TRY(check_text("task", record->task, false, error));
    TRY(check_text("host", record->host, false, error));
    TRY(check_text("generator", record->generator, false, error));
    TRY(check_text("trace", record->trace, true, error));
    TRY(check_text("knobs", record->knobs, true, error));
    TRY(check_text("outcome", record->outcome, false, error));
    TRY(check_text("clock", record->clock, false, error));
    TRY(check_text("layouts", record->layouts, true, error));
    if (measure_outcome_find(record->outcome) == OUTCOME_COUNT)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "outcome: '%.40s' is none; it is ok, or the kind of failure",
                         record->outcome);
    if (strcmp(record->clock, "cpu") != 0 && strcmp(record->clock, "wall") != 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "clock: '%.40s' is not cpu or wall",
                         record->clock);
    return DLT_OK;
}

/* ---- numbers ---- */

static bool is_ok(const struct record *record) {
    return strcmp(record->outcome, measure_outcome_name(OUTCOME_OK)) == 0;
}

static dlt_status check_number(const char *name, double number, double least, double most,
                               struct error *error) {
    if (number >= least && number <= most) /* NaN is not */
        return DLT_OK;
    return error_set(error, DLT_ERROR_ARGUMENT, "%s: %g is not a number from %g to %g", name,
                     number, least, most);
}

static dlt_status check_times(const struct record *record, struct error *error) {
    if (is_ok(record) && !(record->median_us > 0 && isfinite(record->median_us)))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "median_us: of a record that is ok it is %g, not a positive number",
                         record->median_us);
    TRY(check_number("median_us", record->median_us, is_ok(record) ? LEAST_US : 0, MOST_US, error));
    TRY(check_number("minimum_us", record->minimum_us, 0,
                     is_ok(record) ? record->median_us : MOST_US, error));
    return check_number("spread", record->spread, 0, MOST_US, error);
}

dlt_status record_check_values(const struct record *record, struct error *error) {
    TRY(check_texts(record, error));
    TRY(check_times(record, error));
    if (record->verified && !is_ok(record))
        return error_set(error, DLT_ERROR_ARGUMENT, "verified: is true of an outcome '%s'",
                         record->outcome);
    if (record->verified || !isnan(record->max_error)) /* it is kept as boundless */
        TRY(check_number("max_error", record->max_error, 0, record->verified ? 1 : HUGE_VAL,
                         error));
    TRY(check_number("peak_gflops", record->peak_gflops, 0, MOST_PEAK_GFLOPS, error));
    if (record->seed < 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "seed: %lld is not a number from 0",
                         (long long)record->seed);
    if (record->created < 0 || record->created > LATEST_SECOND)
        return error_set(error, DLT_ERROR_ARGUMENT, "created: %lld is not a time since 1970",
                         (long long)record->created);
    return DLT_OK;
}

/* ---- tasks ---- */

static bool is_target(const char *name) {
    int i = 0;
    while (target_names[i] && strcmp(target_names[i], name) != 0)
        i++;
    return target_names[i];
}

dlt_status gate_check_task(struct gate *gate, const char *key, struct error *error) {
    if (gate->task && strcmp(gate->task->key, key) == 0)
        return DLT_OK;
    gate_free(gate);
    if (task_create_key(key, &gate->task, error) != DLT_OK)
        return error_prefix(error, "task");
    if (strcmp(gate->task->key, key) == 0 && is_target(gate->task->target))
        return DLT_OK;
    if (strcmp(gate->task->key, key) != 0)
        error_set(error, DLT_ERROR_ARGUMENT, "task: is spelt `%s` today", gate->task->key);
    else
        error_set(error, DLT_ERROR_ARGUMENT, "task: target '%s' is unknown", gate->task->target);
    gate_free(gate);
    return DLT_ERROR_ARGUMENT;
}

void gate_free(struct gate *gate) {
    task_free(gate->task);
    gate->task = NULL;
}

/* ---- schedules ---- */

static dlt_status replay(struct arena *arena, const struct task *task, const char *trace,
                         struct schedule **schedule, struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, task->collapsed);
    return schedule_replay(*schedule, trace, error);
}

/* The plain loop nest has no steps. Where nothing else can be made it is the best, measured here;
 * elsewhere what was tuned and is right has some. */
static dlt_status check_trace(const struct task *task, const char *trace, bool needs_steps,
                              struct error *error) {
    struct schedule *schedule = NULL;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    status = replay(&arena, task, trace, &schedule, error);
    if (status == DLT_OK && needs_steps && !*schedule_trace(schedule))
        status = error_set(error, DLT_ERROR_ARGUMENT, "has no steps");
    if (schedule)
        schedule_free(schedule);
    arena_free(&arena);
    return status == DLT_OK ? DLT_OK : error_prefix(error, "trace");
}

/* An imported time is a hint, but not one that nothing could reach. */
static dlt_status check_plausible(const struct task *task, const struct record *record,
                                  struct error *error) {
    double rate = task->operations / record->median_us; /* operations a microsecond */
    if (rate > OPERATIONS_A_US * task->threads)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "median_us: in %g us no %d threads do %g operations", record->median_us,
                         task->threads, task->operations);
    if (record->peak_gflops > 0 && rate > MOST_TIMES_PEAK * 1e3 * record->peak_gflops)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "median_us: %g us are %g times as fast as the peak_gflops it states",
                         record->median_us, rate * 1e-3 / record->peak_gflops);
    return DLT_OK;
}

dlt_status gate_check_record(struct gate *gate, const struct record *record, struct error *error) {
    TRY(record_check_values(record, error));
    if (record->message)
        TRY(check_text("message", record->message, true, error));
    TRY(gate_check_task(gate, record->task, error));
    if (is_ok(record) && record->imported)
        TRY(check_plausible(gate->task, record, error));
    return check_trace(gate->task, record->trace, is_ok(record) && record->imported, error);
}

/* ---- runs ---- */

static dlt_status check_quality(const struct ranking_quality *quality, struct error *error) {
    TRY(check_number("pairwise", quality->pairwise, 0, 1, error));
    TRY(check_number("peak1", quality->peak1, 0, 1, error));
    return check_number("peak5", quality->peak5, 0, 1, error);
}

dlt_status run_check_values(const struct run *run, struct error *error) {
    TRY(check_text("task", run->task, false, error));
    TRY(check_text("host", run->host, false, error));
    TRY(check_text("generator", run->generator, false, error));
    TRY(check_text("strategy", run->strategy, false, error));
    TRY(check_number("seconds", run->seconds, 0, MOST_US, error));
    TRY(check_number("best_us", run->best_us, 0, MOST_US, error));
    if (run->judged > 0)
        TRY(check_quality(&run->analytic, error));
    if (run->judged > 0 && run->has_model)
        TRY(check_quality(&run->model, error));
    return DLT_OK;
}

dlt_status gate_check_run(struct gate *gate, const struct run *run, struct error *error) {
    TRY(run_check_values(run, error));
    return gate_check_task(gate, run->task, error);
}
