/* `dltune db`: list, show, check. */
#include "cli/report.h"

#include "db/json.h"
#include "schedules/schedule.h"

#include <stdio.h>
#include <string.h>

/* ---- list ---- */

static bool list_task(void *context, const struct task_summary *summary) {
    const struct cli *cli = context;
    if (cli->options.json) {
        print_json_line(task_summary_to_json(summary));
        return true;
    }
    if (summary->best_us > 0)
        printf("%10.4g us", summary->best_us);
    else
        printf("%10s   ", "-");
    printf("  %6lld records, %6lld right  %s\n", (long long)summary->records,
           (long long)summary->right, summary->task);
    return true;
}

static dlt_status list(struct cli *cli, struct database *database, struct task *task,
                       struct error *error) {
    (void)task;
    return database_tasks(database, list_task, cli, error);
}

/* ---- show ---- */

static bool show_record(void *context, const struct record *record) {
    const struct cli *cli = context;
    bool right = record->verified && record->median_us > 0;
    if (cli->options.json) {
        print_json_line(record_to_json(record, 0, 0));
        return true;
    }
    printf("%6lld  %-8s ", (long long)record->id, record->outcome);
    if (right)
        printf("%10.4g us%s", record->median_us, record->finalist ? " *" : "  ");
    else
        printf("%15s", "");
    printf("  %s\n", right || !record->message ? record->knobs : record->message);
    return true;
}

static dlt_status show(struct cli *cli, struct database *database, struct task *task,
                       struct error *error) {
    return database_records(database, task ? task->key : NULL, show_record, cli, error);
}

/* ---- check ---- */

struct checking {
    long long records, bad;
};

static dlt_status replay(struct arena *arena, const struct task *task, const char *trace,
                         struct schedule **schedule, struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    *schedule = schedule_create(arena, task->collapsed);
    return schedule_replay(*schedule, trace, error);
}

static dlt_status check_trace(const struct task *task, const char *trace, struct error *error) {
    struct schedule *schedule = NULL;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    status = replay(&arena, task, trace, &schedule, error);
    if (schedule)
        schedule_free(schedule);
    arena_free(&arena);
    return status;
}

static bool check_record(void *context, const struct record *record) {
    struct checking *checking = context;
    struct error error = {.status = DLT_OK};
    struct task *task;
    dlt_status status = task_create_key(record->task, &task, &error);
    if (status == DLT_OK && strcmp(task->key, record->task) != 0)
        status = error_set(&error, DLT_ERROR_DATABASE, "its task is spelt `%s` today", task->key);
    if (status == DLT_OK && record->verified)
        status = check_trace(task, record->trace, &error);
    checking->records++;
    if (status != DLT_OK) {
        checking->bad++;
        cli_complain("record %lld of `%s`: %s", (long long)record->id, record->task, error.message);
    }
    task_free(task);
    return true;
}

static dlt_status check(struct cli *cli, struct database *database, struct task *task,
                        struct error *error) {
    struct checking checking = {0};
    TRY(database_records(database, task ? task->key : NULL, check_record, &checking, error));
    if (cli->options.json)
        printf("{\"records\":%lld,\"bad\":%lld}\n", checking.records, checking.bad);
    else
        printf("%lld records, %lld bad\n", checking.records, checking.bad);
    if (checking.bad)
        cli->exit_status = EXIT_FAILED;
    return DLT_OK;
}

/* ---- choosing ---- */

static const struct {
    const char *name;
    dlt_status (*run)(struct cli *cli, struct database *database, struct task *task,
                      struct error *error);
} actions[] = {{"list", list}, {"show", show}, {"check", check}};

enum {
    ACTION_COUNT = sizeof actions / sizeof actions[0]
};

static dlt_status run_action(struct cli *cli, int action, struct task *task, struct error *error) {
    struct database *database;
    dlt_status status;
    TRY(cli_open_database(cli, DATABASE_READ, &database, error));
    status = actions[action].run(cli, database, task, error);
    database_close(database);
    return status;
}

dlt_status run_db(struct cli *cli, struct error *error) {
    const char *name = cli->word_count ? cli->words[0] : "";
    struct task *task = NULL;
    dlt_status status;
    int action = 0;
    while (action < ACTION_COUNT && strcmp(actions[action].name, name) != 0)
        action++;
    if (action == ACTION_COUNT)
        return error_set(
            error, DLT_ERROR_ARGUMENT,
            "db: '%s' is not something to do with it; it may be one of: list show check", name);
    cli->words++;
    cli->word_count--;
    if (cli->word_count || cli->attributes.length)
        TRY(cli_task(cli, &task, error));
    status = run_action(cli, action, task, error);
    task_free(task);
    return status;
}
