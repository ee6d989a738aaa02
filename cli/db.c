/* `dltune db`: what is stored, shown, joined, cleaned and checked. */
#include "cli/db_check.h"
#include "cli/failures.h"
#include "cli/report.h"

#include "exchange/exchange.h"
#include "exchange/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static dlt_status list(struct cli *cli, struct database *database, const struct request *request,
                       struct error *error) {
    (void)request;
    return database_tasks(database, list_task, cli, error);
}

/* ---- show ---- */

struct showing {
    const struct cli *cli;
    const struct request *request; /* NULL: everything */
    int64_t count;
    int heading; /* the number of the alternative that is being shown; -1: none yet */
};

/* Where the workload says `any`, the records of each alternative stand below its name. */
static void show_heading(struct showing *showing, const char *key) {
    const struct request *request = showing->request;
    int number = 0;
    if (!request || request->count == 1)
        return;
    while (number + 1 < request->count && strcmp(request->tasks[number]->key, key) != 0)
        number++;
    if (number != showing->heading)
        printf("%s\n", key);
    showing->heading = number;
}

static bool show_record(void *context, const struct record *record) {
    struct showing *showing = context;
    const struct cli *cli = showing->cli;
    bool right = record->verified && record->median_us > 0;
    showing->count++;
    if (cli->options.json) {
        print_json_line(record_to_json(record, 0, 0));
        return true;
    }
    show_heading(showing, record->task);
    printf("%6lld  %-8s ", (long long)record->id, record->outcome);
    if (right)
        printf("%10.4g us%s", record->median_us, record->finalist ? " *" : "  ");
    else
        printf("%15s", "");
    printf("  %s\n", right || !record->message ? record->knobs : record->message);
    return true;
}

static dlt_status show(struct cli *cli, struct database *database, const struct request *request,
                       struct error *error) {
    struct showing showing = {.cli = cli, .request = request, .heading = -1};
    TRY(stored_records(database, request, show_record, &showing, error));
    return request && !showing.count ? nothing_stored(cli, request->key, error) : DLT_OK;
}

/* ---- files in and out ---- */

static dlt_status export_lines(struct cli *cli, struct database *database,
                               const struct request *request, struct error *error) {
    struct transfer transfer;
    dlt_status status = DLT_OK;
    (void)cli;
    for (int i = 0; status == DLT_OK && i < (request ? request->count : 1); i++)
        status = exchange_export(database, request ? request->tasks[i]->key : NULL, stdout,
                                 &transfer, error);
    return status == DLT_ERROR_SYSTEM ? error_prefix(error, "standard output") : status;
}

static void print_transfer(const struct cli *cli, const char *file,
                           const struct transfer *transfer) {
    if (cli->options.json)
        printf("{\"read\":%lld,\"added\":%lld,\"left_out\":%lld}\n", (long long)transfer->read,
               (long long)transfer->added, (long long)transfer->lost);
    else if (!cli->options.quiet)
        printf(transfer->lost ? "%s: %lld records, %lld of them new, %lld left out\n"
                              : "%s: %lld records, %lld of them new\n",
               file, (long long)transfer->read, (long long)transfer->added,
               (long long)transfer->lost);
}

static bool tell_problem(void *context, const char *problem) {
    (void)context;
    cli_complain("%s", problem);
    return true;
}

static struct taking taking_of(const struct cli *cli) {
    return (struct taking){.skip = cli->options.skip_bad, .problem = tell_problem};
}

/* What is wrong is the file, not how the command was used; and there is a way to go on. */
static dlt_status end_taking(const struct cli *cli, const struct transfer *transfer,
                             dlt_status status, struct error *error) {
    size_t length = strlen(error->message);
    if (status == DLT_ERROR_DATABASE && transfer->lost && !cli->options.skip_bad)
        snprintf(error->message + length, sizeof error->message - length,
                 "; --skip-bad takes the others");
    return status == DLT_ERROR_ARGUMENT ? DLT_ERROR_DATABASE : status;
}

static dlt_status import_file(struct cli *cli, struct database *database, const char *name,
                              struct transfer *transfer, struct error *error) {
    bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "r");
    struct taking taking = taking_of(cli);
    dlt_status status;
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", name, strerror(errno));
    status = exchange_import(database, file, standard ? "standard input" : name, &taking, transfer,
                             error);
    if (!standard)
        fclose(file);
    return end_taking(cli, transfer, status, error);
}

static dlt_status merge_file(struct cli *cli, struct database *database, const char *name,
                             struct transfer *transfer, struct error *error) {
    struct taking taking = taking_of(cli);
    struct database *from;
    dlt_status status;
    TRY(database_open(name, DATABASE_READ, &from, error));
    status = database_merge(database, from, &taking, transfer, error);
    database_close(from);
    return end_taking(cli, transfer, status, error);
}

typedef dlt_status take_in(struct cli *cli, struct database *database, const char *name,
                           struct transfer *transfer, struct error *error);

static dlt_status take_files(struct cli *cli, struct database *database, take_in *take,
                             struct error *error) {
    for (int i = 0; i < cli->word_count; i++) {
        struct transfer transfer;
        TRY(take(cli, database, cli->words[i], &transfer, error));
        print_transfer(cli, cli->words[i], &transfer);
    }
    return DLT_OK;
}

static dlt_status import_files(struct cli *cli, struct database *database,
                               const struct request *request, struct error *error) {
    (void)request;
    return take_files(cli, database, import_file, error);
}

static dlt_status merge_files(struct cli *cli, struct database *database,
                              const struct request *request, struct error *error) {
    (void)request;
    return take_files(cli, database, merge_file, error);
}

/* ---- prune ---- */

enum {
    DEFAULT_KEEP = 32
};

static dlt_status prune(struct cli *cli, struct database *database, const struct request *request,
                        struct error *error) {
    int64_t removed;
    (void)request;
    TRY(database_prune(database, cli->options.keep ? cli->options.keep : DEFAULT_KEEP, &removed,
                       error));
    if (cli->options.json)
        printf("{\"removed\":%lld}\n", (long long)removed);
    else if (!cli->options.quiet)
        printf("%lld records removed\n", (long long)removed);
    return DLT_OK;
}

/* ---- choosing ---- */

enum words {
    WORDS_WORKLOAD, /* or none */
    WORDS_FILES,    /* at least one */
    WORDS_NONE,
};

static const struct action {
    const char *name;
    enum database_mode mode;
    enum words words;
    /* request NULL: everything */
    dlt_status (*run)(struct cli *cli, struct database *database, const struct request *request,
                      struct error *error);
} actions[] = {
    {"list", DATABASE_READ, WORDS_NONE, list},
    {"show", DATABASE_READ, WORDS_WORKLOAD, show},
    {"failures", DATABASE_READ, WORDS_WORKLOAD, db_failures},
    {"export", DATABASE_READ, WORDS_WORKLOAD, export_lines},
    {"import", DATABASE_WRITE, WORDS_FILES, import_files},
    {"merge", DATABASE_WRITE, WORDS_FILES, merge_files},
    {"prune", DATABASE_WRITE, WORDS_NONE, prune},
    {"check", DATABASE_READ, WORDS_WORKLOAD, db_check},
};

enum {
    ACTION_COUNT = sizeof actions / sizeof actions[0]
};

/* Opening for writing creates a database; not if there is nothing to take into it, or to prune. */
static dlt_status check_before_writing(struct cli *cli, const struct action *action,
                                       struct error *error) {
    struct database *database = NULL;
    if (action->run == prune)
        TRY(cli_open_database(cli, DATABASE_READ, &database, error));
    database_close(database);
    for (int i = 0; action->words == WORDS_FILES && i < cli->word_count; i++) {
        const char *name = cli->words[i];
        database = NULL;
        if (action->run == merge_files)
            TRY(database_open(name, DATABASE_READ, &database, error));
        else if (strcmp(name, "-") != 0 && access(name, R_OK) != 0)
            return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", name, strerror(errno));
        database_close(database);
    }
    return DLT_OK;
}

static dlt_status run_action(struct cli *cli, const struct action *action,
                             const struct request *request, struct error *error) {
    struct database *database;
    dlt_status status;
    if (action->run == db_check && cli->options.repair)
        return db_repair(cli, error);
    if (action->mode == DATABASE_WRITE)
        TRY(check_before_writing(cli, action, error));
    TRY(cli_open_database(cli, action->mode, &database, error));
    status = action->run(cli, database, request, error);
    if (action->run == db_check) /* which named it */
        database_close(database);
    else
        cli_close_database(cli, database);
    return status;
}

/* Some options mean something to one action only; elsewhere they would be passed over in
 * silence. */
static dlt_status check_options(const struct cli *cli, const struct action *action,
                                struct error *error) {
    const struct options *given = &cli->options;
    const struct {
        const char *name, *action;
        bool given;
    } own[] = {
        {"out", "failures", given->out != NULL},
        {"keep", "prune", given->keep > 0},
        {"repair", "check", given->repair != NULL},
        {"run", "check", given->run},
        {"skip-bad", "import or merge", given->skip_bad && action->words != WORDS_FILES},
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (own[i].given && strcmp(own[i].action, action->name) != 0)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "--%s: means nothing to db %s; it belongs to db %s", own[i].name,
                             action->name, own[i].action);
    return DLT_OK;
}

static dlt_status find_action(const char *name, const struct action **action, struct error *error) {
    char names[128] = "";
    for (int i = 0; i < ACTION_COUNT; i++) {
        *action = &actions[i];
        if (strcmp(actions[i].name, name) == 0)
            return DLT_OK;
        strcat(strcat(names, " "), actions[i].name);
    }
    if (!*name)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "db: what to do is missing; it may be one of:%s", names);
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "db: '%s' is not something to do with it; it may be one of:%s", name, names);
}

dlt_status run_db(struct cli *cli, struct error *error) {
    const char *name = cli->word_count ? cli->words[0] : "";
    const struct action *action;
    struct request *request = NULL;
    dlt_status status;
    TRY(find_action(name, &action, error));
    TRY(check_options(cli, action, error));
    cli->words++;
    cli->word_count--;
    if (action->words == WORDS_FILES && !cli->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "db %s: the names of files are missing", name);
    if (action->words == WORDS_NONE && cli->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "db %s: '%s' was not expected", name,
                         cli->words[0]);
    if (action->words == WORDS_WORKLOAD && (cli->word_count || cli->attributes.length))
        TRY(cli_request(cli, &request, error));
    status = run_action(cli, action, request, error);
    request_free(request);
    return status;
}
