/* The program `dltune`: the table of commands, and what becomes of their answers. */
#include "cli/cli.h"
#include "cli/signals.h"
#include "measure/clock.h"
#include "te/ops/operators.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first row is for every operator; it is found by the operator's name. */
static const struct command commands[] = {
    {"OPERATOR", "[KEY=VALUE ...]", "tune a workload, store every record, print the best",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_TUNE | GROUP_DATABASE | GROUP_OUTPUT,
     "Candidates that earlier runs on this machine stored are known and not measured again, so\n"
     "the same command again continues: it measures as many new ones. Ctrl-C keeps everything\n"
     "measured before it, prints the best so far and exits with status 130.",
     run_tune_operator},
    {"tune", "LIST", "tune every line of a file, - for standard input",
     GROUP_PLACE | GROUP_TUNE | GROUP_DATABASE | GROUP_OUTPUT | GROUP_LIBRARY,
     "A line is a workload, such as `conv2d c=64 h=56 w=56 k=64 r=3 s=3 pad=1 count=3`; # starts\n"
     "a comment. With --time the time goes where the total of all calls (count=) falls fastest, and\n"
     "the run ends early when little is left to gain; --patience 0 goes on to the end.\n"
     "With --name the bests of all lines then become a library, as `dltune export` writes it. A\n"
     "line of which nothing is stored is named and left out, and the exit status is 1.",
     run_tune_list},
    {"query", "WORKLOAD", "print the stored best; measures nothing",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_DATABASE | GROUP_OUTPUT,
     "Exit status 3: nothing is stored for this workload, target and number of threads.",
     run_query},
    {"bench", "[WORKLOAD | LIST]", "time stored bests again",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_DATABASE | GROUP_OUTPUT | GROUP_BENCH,
     "Without workload and list: everything stored for the target and number of threads. With\n"
     "--peers the same work by oneDNN, OpenBLAS, libxsmm and XNNPACK is timed in turn with it.",
     run_bench},
    {"export", "[WORKLOAD]", "write stored bests as a static library",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_DATABASE | GROUP_OUTPUT | GROUP_EXPORT | GROUP_LIBRARY,
     "Writes libNAME.a, NAME.h, NAME.c and NAME.pc. Without workload and --list: everything\n"
     "stored for the target and number of threads. --target may be a list, as in\n"
     "x86-avx512,x86-avx2,c: a kernel then has a version for each, and the CPU decides when it\n"
     "runs.",
     run_export},
    {"db", "list | show | failures | export | check [WORKLOAD] | import | merge FILE... | prune",
     "look into the database, join and clean databases",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_DATABASE | GROUP_OUTPUT | GROUP_FILES,
     "list     a line for each task\n"
     "show     the records of a workload\n"
     "failures how many candidates failed in which way, with an example; with --out each becomes\n"
     "         a file for `dltune explain --replay FILE`\n"
     "export   the records as JSON lines, on standard output\n"
     "import   takes in JSON lines of files, - for standard input\n"
     "merge    takes in records, models and runs of other databases; nothing comes in twice\n"
     "         What cannot be believed is named, and nothing is taken in; with --skip-bad all\n"
     "         others are\n"
     "prune    keeps the best --keep records of each task and removes the rest\n"
     "check    whether the file is whole and every record can be believed: its values are in\n"
     "         range, its task parses and its schedule replays. With --run the best of each\n"
     "         task is compiled and compared with the reference. With --repair what can be\n"
     "         believed goes into a new file.",
     run_db},
    {"explain", "WORKLOAD", "how the stored best computes it, stage by stage",
     GROUP_WORKLOAD | GROUP_PLACE | GROUP_DATABASE | GROUP_EXPLAIN,
     "--replay FILE measures a failed candidate again, as `dltune db failures --out DIR` wrote it.",
     run_explain},
    {"targets", "", "list what code can be made for", GROUP_OUTPUT | GROUP_TARGETS | GROUP_DATABASE,
     "--measure times multiply-adds of each type and the bandwidth of each level of memory, and\n"
     "stores them with this host: results state their share of that roof.",
     run_targets},
    {"version", "", "print the version", GROUP_OUTPUT, NULL, run_version},
};

#define SPACES " \t\r\n" /* between the words of a workload */

enum {
    COMMAND_COUNT = sizeof commands / sizeof commands[0]
};

/* ---- help ---- */

static void print_general_help(void) {
    printf("dltune: kernels for tensor operations, tuned and kept in a database\n\n"
           "usage: dltune OPERATOR --shape KEY=VALUE,... [options]\n"
           "       dltune COMMAND [options]\n\noperators:\n");
    for (int i = 0; operator_definitions[i]; i++)
        printf("  %-16s %s\n", operator_definitions[i]->name, operator_definitions[i]->help);
    printf("\ncommands:\n");
    for (int i = 1; i < COMMAND_COUNT; i++)
        printf("  %-16s %s\n", commands[i].name, commands[i].help);
    printf("\n`dltune COMMAND --help` tells more. Exit status: 0 done, 1 failed, 2 wrong usage,\n"
           "3 nothing stored (query), 128 + signal if interrupted.\n");
}

static void print_keys(const struct operator_definition *definition) {
    printf("keys of the workload, as --KEY VALUE, as KEY=VALUE, or in --shape:\n");
    for (const struct operator_key *key = definition->keys; key->name; key++)
        printf("  %-14s %s (%s)\n", key->name, key->help,
               key->default_value ? key->default_value : "needed");
    printf("\n");
}

static void print_command_help(const struct command *command,
                               const struct operator_definition *definition) {
    printf("usage: dltune %s %s%s[options]\n%s\n\n", definition ? definition->name : command->name,
           command->arguments, *command->arguments ? " " : "",
           definition ? definition->help : command->help);
    if (command->details)
        printf("%s\n\n", command->details);
    if (definition)
        print_keys(definition);
    options_print_help(command->groups);
}

/* ---- running ---- */

static dlt_status unknown_command(const char *name, struct error *error) {
    struct text names = {0};
    for (int i = 1; i < COMMAND_COUNT; i++)
        text_format(&names, " %s", commands[i].name);
    text_append(&names, "; or an operator:");
    for (int i = 0; operator_definitions[i]; i++)
        text_format(&names, " %s", operator_definitions[i]->name);
    error_set(error, DLT_ERROR_ARGUMENT,
              "'%.80s' is neither a command nor an operator; it may be a command:%s", name,
              text_string(&names));
    text_free(&names);
    return DLT_ERROR_ARGUMENT;
}

/* The operator that a word names, which may also be a whole workload in one quoted word. */
static const struct operator_definition *operator_of(const char *word) {
    char name[64];
    word += strspn(word, SPACES);
    size_t length = strcspn(word, SPACES);
    if (length >= sizeof name)
        return NULL;
    memcpy(name, word, length);
    name[length] = 0;
    return operator_find(name);
}

static const struct command *find_command(const char *name) {
    for (int i = 1; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return operator_of(name) ? &commands[0] : NULL;
}

static dlt_status run_command(struct cli *cli, int count, char *const *arguments,
                              struct error *error) {
    bool is_operator = cli->command == &commands[0];
    if (arena_recover(&cli->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    /* an operator's name is the first word of its workload */
    TRY(options_parse(cli, is_operator ? count : count - 1, arguments + !is_operator, error));
    if (cli->options.help) {
        print_command_help(cli->command, is_operator ? operator_of(arguments[0]) : NULL);
        return DLT_OK;
    }
    return cli->command->run(cli, error);
}

static int exit_status_of(dlt_status status) {
    switch (status) {
    case DLT_OK:
        return EXIT_DONE;
    case DLT_ERROR_ARGUMENT:
        return EXIT_USAGE;
    case DLT_ERROR_NOT_FOUND:
        return EXIT_NOTHING_STORED;
    default:
        return EXIT_FAILED;
    }
}

static int finish(int status) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        if (status == EXIT_DONE) /* else something was said already */
            cli_complain("standard output: cannot be written");
        return status ? status : EXIT_FAILED;
    }
    return status;
}

/* A standard stream that the caller closed must not become the descriptor of some file. Reading
 * only: what is written there fails as before. */
static void keep_standard_descriptors(void) {
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDONLY);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor > STDERR_FILENO)
        close(descriptor);
}

int main(int count, char **arguments) {
    struct cli cli = {.command = count > 1 ? find_command(arguments[1]) : NULL,
                      .started = clock_seconds()};
    struct error error = {.status = DLT_OK};
    dlt_status status;
    keep_standard_descriptors();
    signals_ignore();
    if (count > 1 && (!strcmp(arguments[1], "--help") || !strcmp(arguments[1], "-h") ||
                      !strcmp(arguments[1], "help"))) {
        print_general_help();
        return finish(EXIT_DONE);
    }
    if (count > 1 && !strcmp(arguments[1], "--version"))
        cli.command = &commands[COMMAND_COUNT - 1];
    arena_initialise(&cli.arena);
    if (count < 2)
        status = error_set(&error, DLT_ERROR_ARGUMENT,
                           "no command; `dltune --help` lists what there is");
    else if (!cli.command)
        status = unknown_command(arguments[1], &error);
    else
        status = run_command(&cli, count - 1, arguments + 1, &error);
    text_free(&cli.attributes);
    arena_free(&cli.arena);
    if (status != DLT_OK)
        cli_complain("%s", error.message);
    return finish(status != DLT_OK ? exit_status_of(status) : cli.exit_status);
}
