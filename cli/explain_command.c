/* `dltune explain`: choosing the schedule and the parts. The parts are in explain.c. */
#include "cli/explain.h"
#include "cli/failures.h"
#include "cli/roofs.h"
#include "cli/stored.h"
#include "targets/jit/default_space.h"

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

static void print_roof(const struct explain *e, const struct roofs *roofs) {
    const struct task *task = e->task;
    struct roofline roofline = roofline_of(task, roofs);
    printf("operations        %.4g (all taps: %.4g)\n", task->operations, task->nominal_operations);
    printf("bytes, at least   %.4g\n", roofline.bytes);
    printf("intensity         %.4g operations a byte\n", roofline.intensity);
    if (roofline.roof > 0)
        printf("roof              %.4g GFLOP/s by %s, tensors in %s: at least %.4g us\n",
               roofline.roof * 1e-9, roofline.by_memory ? "memory" : "arithmetic",
               memory_level_names[roofline.level], task->operations / roofline.roof * 1e6);
    if (e->median_us > 0)
        printf("stored best       %.4g us, %.4g GFLOP/s", e->median_us,
               task->operations / e->median_us * 1e-3);
    if (e->median_us > 0 && roofline.roof > 0)
        printf(", %.1f %% of the roof", 100 * roofline_share(&roofline, task, e->median_us * 1e-6));
    if (e->median_us > 0)
        printf("\n");
}

dlt_status explain_roofline(struct explain *e, struct error *error) {
    enum data_type type = expression_result(e->task->expression)->type;
    struct roofs roofs = {0};
    int level;
    if (target_runs_here(e->target.name)) {
        TRY(roofs_measure_for(e->task, &roofs, &level, error));
        roofs.peak[type] = measure_fma_peak(e->target.name, type);
    }
    print_roof(e, &roofs);
    return DLT_OK;
}

/* ---- the schedule ---- */

static dlt_status apply_default(struct explain *e, struct error *error) {
    int point[MAX_KNOBS] = {0};
    struct space *space;
    TRY(default_space_create(e->arena, e->task->collapsed, &e->target, e->task->threads, &space,
                             error));
    e->origin = "the default schedule (point 0 of the space)";
    if (space->plain_nests)
        e->origin = arena_format(e->arena, "%s; plain loops, since no tile of theirs can be made: %s",
                                 e->origin, space->plain_nests);
    e->knobs = "";
    e->schedule = schedule_create(e->arena, e->task->collapsed);
    return space_schedule(space, point, e->schedule, error);
}

static dlt_status apply_stored(struct explain *e, struct error *error) {
    struct database *database;
    struct record record;
    dlt_status status;
    int which;
    TRY(cli_open_database(e->cli, DATABASE_READ, &database, error));
    status = stored_best_of(e->cli, database, e->request, &which, &record, error);
    cli_close_database(e->cli, database);
    if (status != DLT_OK)
        return error_prefix(error, "no stored schedule (--default explains the default one)");
    e->task = e->request->tasks[which];
    e->median_us = record.median_us;
    e->origin = "the stored best";
    e->knobs = arena_format(e->arena, "%s", record.knobs);
    e->schedule = schedule_create(e->arena, e->task->collapsed);
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
                       : options->pass
                           ? "loops"
                           : "expression,schedule,loops,vectors,bound,c,assembly,roofline";
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
                             "space loops vectors bound c assembly roofline",
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
    unsigned chosen;
    dlt_status status;
    if (cli->options.replay)
        return replay_failure(cli, cli->options.replay, error);
    TRY(choose_parts(&cli->options, &chosen, error));
    TRY(cli_request(cli, &e.request, error));
    arena_initialise(&arena);
    e.arena = &arena;
    e.task = e.request->tasks[0];
    status = target_describe(e.task->target, &e.target, error);
    if (status == DLT_OK)
        status = explain(&e, chosen, error);
    if (e.schedule)
        schedule_free(e.schedule);
    arena_free(&arena);
    request_free(e.request);
    return status;
}
