/* The workload on the command line, and the database. */
#include "cli/cli.h"

#include "machine/description.h"
#include "threads/processors.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void cli_complain(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("dltune: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* Whether each piece between spaces begins with a name and '=', as in 'm=1 n=2'. */
static bool is_list_of_pairs(const char *word) {
    for (;;) {
        size_t name;
        word += strspn(word, " \t");
        if (!*word)
            return true;
        name = strspn(word, "abcdefghijklmnopqrstuvwxyz_");
        if (!name || word[name] != '=')
            return false;
        word += strcspn(word, " \t");
    }
}

/* A shell's word layout='n c/16 h w c%16' arrives without its quotes; they are put back. */
static void append_word(struct text *text, const char *word) {
    const char *equals = strchr(word, '='), *space = strpbrk(word, " \t");
    bool one_pair = equals && space && equals < space && !is_list_of_pairs(word);
    if (text->length)
        text_append(text, " ");
    if (one_pair && !strpbrk(word, "\"'"))
        text_format(text, "%.*s=\"%s\"", (int)(equals - word), word, equals + 1);
    else
        text_append(text, word);
}

static char *workload_text(struct cli *cli) {
    struct text text = {0};
    char *copy;
    for (int i = 0; i < cli->word_count; i++)
        append_word(&text, cli->words[i]);
    text_append(&text, text_string(&cli->attributes));
    copy = strdup(text_string(&text));
    text_free(&text);
    return copy;
}

dlt_status cli_resolve_target(const struct cli *cli, const char **target, struct error *error) {
    struct target_description description;
    TRY(target_describe(cli->options.target, &description, error));
    *target = description.name;
    return DLT_OK;
}

dlt_status cli_needs_target_here(const char *target, struct error *error) {
    if (target_runs_here(target))
        return DLT_OK;
    return error_set(error, DLT_ERROR_REFUSED,
                     "target: '%s' does not run on this machine (%s); `dltune targets` lists what "
                     "does",
                     target, host_name());
}

void cli_warn_of_threads(const struct cli *cli) {
    int threads = (int)cli->options.threads, at_work = processors_for(threads);
    if (at_work < threads)
        cli_complain("warning: --threads: %d, but this process may use %d processor%s (affinity "
                     "mask, CPU quota): no more than %d thread%s at work",
                     threads, at_work, at_work == 1 ? "" : "s", at_work,
                     at_work == 1 ? " is" : "s are");
}

dlt_status cli_given(struct cli *cli, const char **target, char **workload, struct error *error) {
    TRY(cli_resolve_target(cli, target, error));
    *workload = workload_text(cli);
    return *workload ? DLT_OK : error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

/* ---- database ---- */

dlt_status cli_open_database(struct cli *cli, enum database_mode mode, struct database **database,
                             struct error *error) {
    const char *given = cli->options.database;
    *database = NULL;
    if (given && strlen(given) >= sizeof cli->database_path)
        return error_set(error, DLT_ERROR_ARGUMENT, "--db: the path is too long");
    if (given)
        strcpy(cli->database_path, given);
    else
        TRY(database_default_path(cli->database_path, sizeof cli->database_path, error));
    return database_open(cli->database_path, mode, database, error);
}

void cli_close_database(struct cli *cli, struct database *database) {
    const char *left_out = database ? database_left_out(database) : NULL;
    if (left_out && !cli->options.quiet)
        cli_complain("note: %s: what cannot be believed was left out (%s); dltune db check names "
                     "all of it",
                     cli->database_path, left_out);
    database_close(database);
}
