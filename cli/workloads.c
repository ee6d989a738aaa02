/* Tasks from the command line and from list files, and the database they are kept in. */
#include "cli/cli.h"

#include "targets/description.h"

#include <errno.h>
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

/* A shell's word layout='n c/16 h w c%16' arrives without its quotes; they are put back. */
static void append_word(struct text *text, const char *word) {
    const char *equals = strchr(word, '='), *space = strpbrk(word, " \t");
    bool one_pair = equals && !strchr(equals + 1, '=') && space && equals < space;
    if (text->length)
        text_append(text, " ");
    if (one_pair && !strpbrk(word, "\"'"))
        text_format(text, "%.*s=\"%s\"", (int)(equals - word), word, equals + 1);
    else
        text_append(text, word);
}

const char *cli_workload(struct cli *cli) {
    struct text text = {0};
    const char *copy;
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

dlt_status cli_task(struct cli *cli, struct task **task, struct error *error) {
    const char *target, *workload;
    dlt_status status;
    *task = NULL;
    TRY(cli_resolve_target(cli, &target, error));
    workload = cli_workload(cli);
    if (!workload)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    status = task_create_text(workload, target, (int)cli->options.threads, task, error);
    free((void *)workload);
    return status;
}

/* ---- lists ---- */

dlt_status task_list_add(struct task_list *list, struct task *task, struct error *error) {
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 32;
        struct task **tasks = realloc(list->tasks, (size_t)capacity * sizeof *tasks);
        if (!tasks)
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        list->tasks = tasks;
        list->capacity = capacity;
    }
    list->tasks[list->count++] = task;
    return DLT_OK;
}

void task_list_free(struct task_list *list) {
    for (int i = 0; i < list->count; i++)
        task_free(list->tasks[i]);
    free(list->tasks);
    *list = (struct task_list){0};
}

static dlt_status add_line(struct cli *cli, const char *line, const char *target,
                           struct task_list *list, struct error *error) {
    struct task *task;
    dlt_status status;
    TRY(task_create_text(line, target, (int)cli->options.threads, &task, error));
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->tasks[i]->key, task->key)) { /* equal work: once, counted together */
            list->tasks[i]->count += task->count;
            task_free(task);
            return DLT_OK;
        }
    status = task_list_add(list, task, error);
    if (status != DLT_OK)
        task_free(task);
    return status;
}

static dlt_status read_lines(struct cli *cli, FILE *file, const char *path, const char *target,
                             struct task_list *list, struct error *error) {
    char *line = NULL;
    size_t size = 0;
    dlt_status status = DLT_OK;
    for (int number = 1; status == DLT_OK && getline(&line, &size, file) >= 0; number++) {
        line[strcspn(line, "#\r\n")] = 0;
        if (line[strspn(line, " \t")] == 0)
            continue;
        status = add_line(cli, line, target, list, error);
        if (status != DLT_OK)
            error_prefix(error, "%s:%d", path, number);
    }
    if (status == DLT_OK && ferror(file))
        status = error_set(error, DLT_ERROR_SYSTEM, "%s: cannot be read", path);
    free(line);
    return status;
}

dlt_status task_list_read(struct cli *cli, const char *path, struct task_list *list,
                          struct error *error) {
    const char *target;
    dlt_status status;
    FILE *file;
    TRY(cli_resolve_target(cli, &target, error));
    file = fopen(path, "r");
    if (!file)
        return error_set(error, DLT_ERROR_SYSTEM, "%s: %s", path, strerror(errno));
    status = read_lines(cli, file, path, target, list, error);
    fclose(file);
    if (status == DLT_OK && !list->count)
        status = error_set(error, DLT_ERROR_ARGUMENT,
                           "%s: has no workload; a line is one, such as "
                           "matmul m=128 n=128 k=128",
                           path);
    return status;
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
    else if (!database_default_path(cli->database_path, sizeof cli->database_path))
        return error_set(error, DLT_ERROR_ARGUMENT, "$DLTUNE_DB: the path is too long");
    return database_open(cli->database_path, mode, database, error);
}
