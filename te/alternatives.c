/* What a text with `any` stands for; see alternatives.h. */
#include "te/alternatives.h"

#include "te/ops/arguments.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_CHOICES = 4,    /* keys of one text that are `any` */
    LONGEST_TEXT = 4096 /* of a canonical workload */
};

/* A key that is `any`. */
struct choice {
    int argument; /* of the workload */
    const char *const *values;
    int value_count;
};

struct enumeration {
    struct alternatives *result;
    struct workload workload; /* values are put in the place of `any` */
    int choice_count;
    struct choice choices[MAX_CHOICES];
    struct workload possible; /* an alternative that can be built */
    double elements[MAX_ALTERNATIVES], least;
    struct error first;    /* why the first impossible one is */
    struct text canonical; /* heap memory: freed by whoever holds the enumeration */
};

static dlt_status find_choices(struct enumeration *e, struct error *error) {
    const struct operator_definition *definition = operator_find(e->workload.operator_name);
    for (int i = 0; definition && i < e->workload.argument_count; i++) {
        const struct workload_argument *argument = &e->workload.arguments[i];
        const char *const *values = arguments_alternatives(definition, argument->key);
        struct choice *choice = &e->choices[e->choice_count];
        if (!values || strcmp(argument->value, "any") != 0)
            continue;
        if (e->choice_count == MAX_CHOICES)
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: more than %d keys are any",
                             argument->key, MAX_CHOICES);
        *choice = (struct choice){i, values, 0};
        while (values[choice->value_count])
            choice->value_count++;
        e->choice_count++;
    }
    return DLT_OK;
}

/* Elements of all tensors that calls pass, padding included. */
static double elements_of(const struct task *task) {
    const struct expression *expression = task->expression;
    double elements = (double)expression_result(expression)->layout.elements;
    for (int i = 0; i < expression->tensor_count; i++)
        if (expression->tensors[i]->kind != TENSOR_COMPUTED)
            elements += (double)expression->tensors[i]->layout.elements;
    return elements;
}

/* The canonical text of a workload, as a task has it. The task's memory is not held while the arena
 * is used. */
static dlt_status canonical_text(const struct workload *workload, char *text, size_t size,
                                 double *elements, struct error *error) {
    struct task *task;
    int length;
    TRY(task_create(workload, "any", 1, &task, error));
    length = snprintf(text, size, "%s", task->workload);
    *elements = elements_of(task);
    task_free(task);
    if (length < 0 || (size_t)length >= size)
        return error_set(error, DLT_ERROR_ARGUMENT, "workload: longer than %zu bytes", size - 1);
    return DLT_OK;
}

/* Adds the present values' workload, unless it is there already. */
static dlt_status add_alternative(struct enumeration *e, struct error *error) {
    struct alternatives *result = e->result;
    struct error why = {.status = DLT_OK};
    char text[LONGEST_TEXT];
    double elements;
    dlt_status status = canonical_text(&e->workload, text, sizeof text, &elements, &why);
    if (status == DLT_ERROR_MEMORY) {
        *error = why;
        return status;
    }
    if (status != DLT_OK) {
        if (!e->first.status)
            e->first = why;
        return DLT_OK;
    }
    for (int i = 0; i < result->count; i++)
        if (!strcmp(result->texts[i], text))
            return DLT_OK;
    if (result->count == MAX_ALTERNATIVES)
        return error_set(error, DLT_ERROR_ARGUMENT, "workload: more than %d alternatives",
                         MAX_ALTERNATIVES);
    if (!result->count || elements < e->least)
        e->least = elements;
    e->elements[result->count] = elements;
    e->possible = e->workload;
    result->texts[result->count++] = arena_format(&result->arena, "%s", text);
    return DLT_OK;
}

/* All values of the choice and of those behind it. */
static dlt_status enumerate(struct enumeration *e, int number, struct error *error) {
    const struct choice *choice = &e->choices[number];
    if (number == e->choice_count)
        return add_alternative(e, error);
    for (int i = 0; i < choice->value_count; i++) {
        e->workload.arguments[choice->argument].value = choice->values[i];
        TRY(enumerate(e, number + 1, error));
    }
    return DLT_OK;
}

static void leave_out_padded(struct enumeration *e) {
    struct alternatives *result = e->result;
    int kept = 0;
    for (int i = 0; i < result->count; i++)
        if (e->elements[i] <= e->least)
            result->texts[kept++] = result->texts[i];
    result->count = kept;
}

/* The text with `any`: as that of an alternative, with other values written down. */
static dlt_status print_workload(struct enumeration *e, struct error *error) {
    struct arena *arena = &e->result->arena;
    const struct operator_definition *definition = operator_find(e->workload.operator_name);
    struct operator_arguments *arguments;
    TRY(arguments_create(arena, definition, &e->possible, &arguments, error));
    TRY(definition->build(arguments, expression_create(arena), error));
    for (int i = 0; i < e->choice_count; i++)
        arguments_write_text(arguments, e->workload.arguments[e->choices[i].argument].key, "any");
    arguments_print(&e->canonical, arguments);
    if (e->canonical.failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    e->result->workload = arena_format(arena, "%s", text_string(&e->canonical));
    return DLT_OK;
}

static dlt_status fill(struct enumeration *e, const char *text, struct error *error) {
    if (arena_recover(&e->result->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(workload_parse(&e->result->arena, text, &e->workload, error));
    e->result->calls = e->workload.count;
    TRY(find_choices(e, error));
    TRY(enumerate(e, 0, error));
    if (!e->result->count) {
        *error = e->first;
        return error->status;
    }
    leave_out_padded(e);
    return print_workload(e, error);
}

dlt_status alternatives_create(const char *text, struct alternatives *alternatives,
                               struct error *error) {
    struct enumeration e = {.result = alternatives};
    struct error own;
    dlt_status status;
    memset(alternatives, 0, sizeof *alternatives);
    arena_initialise(&alternatives->arena);
    status = fill(&e, text, error ? error : &own);
    alternatives->arena.recoverable = false; /* fill's frame is gone */
    text_free(&e.canonical);
    return status;
}

void alternatives_free(struct alternatives *alternatives) {
    arena_free(&alternatives->arena);
}
