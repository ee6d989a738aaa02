/* Tasks from workloads: the operator builds the expression, its arguments give the canonical text.
 * See task.h. */
#include "te/task.h"

#include "te/collapse.h"
#include "te/identifier.h"
#include "te/ops/arguments.h"
#include "te/phases.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_THREADS = 1024
};

static dlt_status unknown_operator(struct arena *arena, const char *name, struct error *error) {
    const char *names = "";
    for (int i = 0; operator_definitions[i]; i++)
        names = arena_format(arena, "%s%s%s", names, i ? " " : "", operator_definitions[i]->name);
    return error_set(error, DLT_ERROR_ARGUMENT,
                     "operator: '%.80s' is unknown; it may be one of: %s", name, names);
}

static dlt_status check_place(const char *target, int threads, struct error *error) {
    if (!target || !*target || strpbrk(target, " \t\n=") || !strcmp(target, "native"))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "target: '%s' is not the name of one target (native must be resolved)",
                         target ? target : "");
    if (threads < 1 || threads > MAX_THREADS)
        return error_set(error, DLT_ERROR_ARGUMENT, "threads: %d is not a number from 1 to %d",
                         threads, MAX_THREADS);
    return DLT_OK;
}

/* Fills everything the task's arena holds. The texts belong to the caller: memory that is not the
 * arena's must not be held where control may come back from a failed allocation. */
static dlt_status fill(struct task *task, const struct workload *workload, const char *target,
                       struct text *canonical, struct error *error) {
    const struct operator_definition *definition;
    struct operator_arguments *arguments;
    struct arena *arena = &task->arena;
    char identifier[MAX_IDENTIFIER + 1];
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    definition = operator_find(workload->operator_name);
    if (!definition)
        return unknown_operator(arena, workload->operator_name, error);
    TRY(arguments_create(arena, definition, workload, &arguments, error));
    task->expression = expression_create(arena);
    TRY(definition->build(arguments, task->expression, error));
    TRY(expression_check(task->expression, error));
    task->collapsed = expression_collapse(arena, expression_separate(arena, task->expression));
    TRY(expression_check(task->collapsed, error));
    arguments_print(canonical, arguments);
    if (canonical->failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    task->workload = arena_format(arena, "%s", text_string(canonical));
    task_identifier(task->workload, task->expression, task->threads, identifier);
    task->identifier = arena_format(arena, "%s", identifier);
    task->target = arena_format(arena, "%s", target);
    task->key =
        arena_format(arena, "%s target=%s threads=%d", task->workload, target, task->threads);
    task->operations = expression_operations(task->expression, false);
    task->nominal_operations = expression_operations(task->expression, true);
    return DLT_OK;
}

dlt_status task_create(const struct workload *workload, const char *target, int threads,
                       struct task **task, struct error *error) {
    struct text canonical = {0};
    struct task *made;
    dlt_status status;
    *task = NULL;
    TRY(check_place(target, threads, error));
    made = calloc(1, sizeof *made);
    if (!made)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    arena_initialise(&made->arena);
    made->threads = threads;
    made->count = workload->count;
    status = fill(made, workload, target, &canonical, error);
    made->arena.recoverable = false; /* fill's frame is gone */
    text_free(&canonical);
    if (status == DLT_OK)
        *task = made;
    else
        task_free(made);
    return status;
}

/* Takes the value of `key` out of the workload's pairs; NULL if it is not there. */
static const char *take(struct workload *workload, const char *key) {
    for (int i = 0; i < workload->argument_count; i++)
        if (!strcmp(workload->arguments[i].key, key)) {
            const char *value = workload->arguments[i].value;
            memmove(&workload->arguments[i], &workload->arguments[i + 1],
                    (size_t)(workload->argument_count - i - 1) * sizeof workload->arguments[0]);
            workload->argument_count--;
            return value;
        }
    return NULL;
}

static dlt_status take_place(struct workload *workload, const char **target, int *threads,
                             struct error *error) {
    const char *threads_text = take(workload, "threads");
    char *end;
    *target = take(workload, "target");
    if (!*target || !threads_text)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "key: %s= is missing; a key is a workload with "
                         "target= and threads=",
                         *target ? "threads" : "target");
    *threads = (int)strtol(threads_text, &end, 10);
    if (*end || strlen(threads_text) > 6)
        return error_set(error, DLT_ERROR_ARGUMENT, "threads: '%s' is not a number from 1 to %d",
                         threads_text, MAX_THREADS);
    return DLT_OK;
}

static dlt_status parse_within(struct arena *arena, const char *text, struct workload *workload,
                               struct error *error) {
    if (arena_recover(arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return workload_parse(arena, text, workload, error);
}

/* `target` NULL: the text is a key, which tells target and threads itself. */
static dlt_status create_from_text(const char *text, const char *target, int threads,
                                   struct task **task, struct error *error) {
    struct workload workload;
    struct arena arena;
    dlt_status status;
    arena_initialise(&arena);
    *task = NULL;
    status = parse_within(&arena, text, &workload, error);
    if (status == DLT_OK && !target)
        status = take_place(&workload, &target, &threads, error);
    if (status == DLT_OK)
        status = task_create(&workload, target, threads, task, error);
    arena_free(&arena);
    return status;
}

dlt_status task_create_text(const char *workload, const char *target, int threads,
                            struct task **task, struct error *error) {
    return create_from_text(workload, target ? target : "", threads, task, error);
}

dlt_status task_create_key(const char *key, struct task **task, struct error *error) {
    return create_from_text(key, NULL, 0, task, error);
}

void task_free(struct task *task) {
    if (!task)
        return;
    arena_free(&task->arena);
    free(task);
}
