/* `dltune explain`: choosing the schedule and the parts. The parts are in explain.c. */
#include "cli/explain.h"
#include "cli/stored.h"

#include "measure/peak.h"

#include <stdio.h>
#include <string.h>

dlt_status explain_lower(struct explain *e, struct error *error) {
    if (e->program)
        return DLT_OK;
    return lower(e->arena, e->schedule, &e->target, NULL, NULL, &e->program, error);
}

dlt_status explain_encode(struct explain *e, struct error *error) {
    TRY(explain_lower(e, error));
    if (e->encoded)
        return DLT_OK;
    e->encoded = true;
    return program_encode(e->arena, e->program, &e->target, &e->code, error);
}

/* Bytes that a call moves at least: every input and the result once. */
static double least_bytes(const struct expression *expression) {
    double bytes = 0;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_VARIABLE || tensor->kind == TENSOR_PARAMETER ||
            i == expression->tensor_count - 1)
            bytes += (double)tensor->layout.elements * data_types[tensor->type].bytes;
    }
    return bytes;
}

dlt_status explain_roofline(struct explain *e, struct error *error) {
    double bytes = least_bytes(e->task->expression), operations = e->task->operations, peak = 0;
    (void)error;
    printf("operations        %.4g (all taps: %.4g)\n", operations, e->task->nominal_operations);
    printf("bytes, at least   %.4g\n", bytes);
    printf("intensity         %.4g operations a byte\n", operations / bytes);
    if (target_runs_here(e->target.name))
        peak = e->task->threads * 1e-9 *
               measure_fma_peak(e->target.name, expression_result(e->task->expression)->type);
    if (peak > 0)
        printf("peak              %.4g GFLOP/s, so at least %.4g us by arithmetic\n", peak,
               operations / peak * 1e-3);
    if (e->median_us > 0)
        printf("stored best       %.4g us, %.4g GFLOP/s\n", e->median_us,
               operations / e->median_us * 1e-3);
    return DLT_OK;
}

/* ---- the schedule ---- */

static dlt_status apply_default(struct explain *e, struct error *error) {
    int point[MAX_KNOBS] = {0};
    struct space *space;
    TRY(space_create(e->arena, e->task->collapsed, &e->target, e->task->threads, &space, error));
    e->origin = "the default schedule (point 0 of the space)";
    return space_schedule(space, point, e->schedule, error);
}

static dlt_status apply_stored(struct explain *e, struct error *error) {
    struct database *database;
    struct record record;
    dlt_status status;
    TRY(cli_open_database(e->cli, DATABASE_READ, &database, error));
    status = stored_best(e->cli, database, e->task, &record, error);
    database_close(database);
    if (status != DLT_OK)
        return error_prefix(error, "no stored schedule (--default explains the default one)");
    e->median_us = record.median_us;
    e->origin = "the stored best";
    status = schedule_replay(e->schedule, record.trace, error);
    record_free(&record);
    return status;
}

/* ---- the parts ---- */

/* Bit i is part i; `list` NULL: all but the space, which is long and the same for every schedule.
 */
static dlt_status choose_parts(const struct options *options, unsigned *chosen,
                               struct error *error) {
    const char *list = options->show    ? options->show
                       : options->space ? "space"
                       : options->pass  ? "loops"
                                        : "expression,schedule,loops,vectors,c,assembly,roofline";
    *chosen = 0;
    for (const char *word = list; *word;) {
        size_t length = strcspn(word, ",");
        int part = 0;
        while (explain_parts[part].name && (strlen(explain_parts[part].name) != length ||
                                            memcmp(explain_parts[part].name, word, length)))
            part++;
        if (!explain_parts[part].name)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "--show: '%.*s' is no part; it may be some of: expression schedule "
                             "space loops vectors c assembly roofline",
                             (int)length, word);
        *chosen |= 1u << part;
        word += length;
        word += *word == ',';
    }
    return DLT_OK;
}

static bool needs_schedule(unsigned chosen) {
    for (int i = 0; explain_parts[i].name; i++)
        if ((chosen >> i & 1) && strcmp(explain_parts[i].name, "space") != 0 &&
            strcmp(explain_parts[i].name, "expression") != 0)
            return true;
    return false;
}

static dlt_status print_parts(struct explain *e, unsigned chosen, struct error *error) {
    bool several = (chosen & (chosen - 1)) != 0;
    e->schedule = schedule_create(e->arena, e->task->collapsed);
    if (needs_schedule(chosen))
        TRY(e->cli->options.use_default ? apply_default(e, error) : apply_stored(e, error));
    for (int i = 0; explain_parts[i].name; i++) {
        if (!(chosen >> i & 1))
            continue;
        if (several)
            printf("==== %s ====\n", explain_parts[i].name);
        TRY(explain_parts[i].print(e, error));
        if (several)
            printf("\n");
    }
    return DLT_OK;
}

static dlt_status explain(struct explain *e, unsigned chosen, struct error *error) {
    if (arena_recover(e->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return print_parts(e, chosen, error);
}

dlt_status run_explain(struct cli *cli, struct error *error) {
    struct explain e = {.cli = cli, .pass = cli->options.pass};
    struct arena arena;
    struct task *task;
    unsigned chosen;
    dlt_status status;
    TRY(choose_parts(&cli->options, &chosen, error));
    TRY(cli_task(cli, &task, error));
    arena_initialise(&arena);
    e.arena = &arena;
    e.task = task;
    status = target_describe(task->target, &e.target, error);
    if (status == DLT_OK)
        status = explain(&e, chosen, error);
    if (e.schedule)
        schedule_free(e.schedule);
    arena_free(&arena);
    task_free(task);
    return status;
}
