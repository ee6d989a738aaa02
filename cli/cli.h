/* What the files of the command line share.
 *
 * A command is a row in the table of main.c and a file. It gets its options parsed, answers a
 * status, and leaves a message in the error; main.c prints it and chooses the exit status:
 *
 *     0  done
 *     1  failed; the message says what and what to do
 *     2  wrong usage: which argument, what it was, what it may be; nothing was written
 *     3  query found nothing stored
 *     128 + signal: interrupted; everything measured until then is stored (130 for Ctrl-C)
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "db/db.h"
#include "te/task.h"

enum {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOTHING_STORED = 3,
    EXIT_SIGNAL = 128,
};

/* Which options a command takes. */
enum option_group {
    GROUP_WORKLOAD = 1 << 0,
    GROUP_PLACE = 1 << 1, /* target and threads */
    GROUP_TUNE = 1 << 2,
    GROUP_DATABASE = 1 << 3,
    GROUP_OUTPUT = 1 << 4,
    GROUP_BENCH = 1 << 5,
    GROUP_EXPORT = 1 << 6,
    GROUP_EXPLAIN = 1 << 7,
    GROUP_TARGETS = 1 << 8,
    GROUP_FILES = 1 << 9,    /* of `db` */
    GROUP_LIBRARY = 1 << 10, /* how an exported library is called, and where it goes */
};

struct options {
    int64_t trials, patience /* -1: not given */, seed, threads, keep, processes;
    double seconds, max_error;
    const char *target, *algorithm, *strategy, *database;
    const char *baseline, *table, *name, *out, *list, *pass, *show, *repair, *replay;
    bool json, quiet, verbose, peers, cold, measure, space, use_default, run, skip_bad, help;
};

struct command;

struct cli {
    struct arena arena;
    const struct command *command;
    struct options options;
    const char **words; /* that are no options */
    int word_count;
    struct text attributes; /* " key=value" of the options that belong to the workload */
    char database_path[4096];
    double started;  /* seconds of the wall clock: a limit of time counts from here */
    int exit_status; /* of a command that itself succeeded */
};

struct command {
    const char *name, *arguments, *help;
    unsigned groups;     /* of options */
    const char *details; /* for --help; may be NULL */
    dlt_status (*run)(struct cli *cli, struct error *error);
};

/* The commands: one file each. */
dlt_status run_tune_operator(struct cli *cli, struct error *error);
dlt_status run_tune_list(struct cli *cli, struct error *error);
dlt_status run_query(struct cli *cli, struct error *error);
dlt_status run_bench(struct cli *cli, struct error *error);
dlt_status run_export(struct cli *cli, struct error *error);
dlt_status run_db(struct cli *cli, struct error *error);
dlt_status run_explain(struct cli *cli, struct error *error);
dlt_status run_targets(struct cli *cli, struct error *error);
dlt_status run_version(struct cli *cli, struct error *error);

/* options.c: fills options, words and attributes. */
dlt_status options_parse(struct cli *cli, int count, char *const *arguments, struct error *error);
void options_print_help(unsigned groups);

/* workloads.c: the target and the workload that the command line names (its text is the caller's to
 * free). */
dlt_status cli_given(struct cli *cli, const char **target, char **workload, struct error *error);
dlt_status cli_resolve_target(const struct cli *cli, const char **target, struct error *error);
dlt_status cli_needs_target_here(const char *target, struct error *error);

/* Says once on standard error that --threads is more than the processors that may be used. */
void cli_warn_of_threads(const struct cli *cli);

/* Opens --db, else the default database. Its path is then cli->database_path. */
dlt_status cli_open_database(struct cli *cli, enum database_mode mode, struct database **database,
                             struct error *error);
/* Closes it, and says if anything in it could not be believed and so was left out. */
void cli_close_database(struct cli *cli, struct database *database);

/* "dltune: MESSAGE" on standard error. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
