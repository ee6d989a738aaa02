/* Writing, reading and repeating failures; see failure.h. */
#include "measure/failure.h"

#include "base/number.h"

#include <stdlib.h>
#include <string.h>

static const char heading[] = "dltune failure 1\n";

/* ---- text ---- */

/* A message is a line. */
static void append_line(struct text *text, const char *line) {
    for (; *line; line++)
        text_append_bytes(text, *line == '\n' ? " " : line, 1);
    text_append(text, "\n");
}

void failure_print(struct text *text, const struct failure *failure) {
    char timeout[NUMBER_BYTES];
    text_append(text, heading);
    text_format(text, "task %s\n", failure->task);
    text_format(text, "outcome %s\n", measure_outcome_name(failure->outcome));
    text_append(text, "message ");
    append_line(text, failure->message ? failure->message : "");
    text_format(text, "seed %llu\nnumber %llu\ntimeout %s\ncold %d\ntrace\n", failure->options.seed,
                (unsigned long long)failure->number,
                number_text(timeout, failure->options.timeout_seconds), failure->options.cold);
    text_append(text, failure->trace);
}

static bool read_line(struct failure *failure, const char *key, const char *value) {
    char *end = "";
    if (!strcmp(key, "task"))
        return (failure->task = strdup(value)) != NULL;
    if (!strcmp(key, "message"))
        return (failure->message = strdup(value)) != NULL;
    if (!strcmp(key, "outcome"))
        return (failure->outcome = measure_outcome_find(value)) != OUTCOME_COUNT;
    if (!strcmp(key, "seed"))
        failure->options.seed = strtoull(value, &end, 10);
    else if (!strcmp(key, "number"))
        failure->number = strtoull(value, &end, 10);
    else if (!strcmp(key, "timeout"))
        return number_parse(value, &failure->options.timeout_seconds);
    else if (!strcmp(key, "cold"))
        failure->options.cold = strtol(value, &end, 10) != 0;
    else
        return false;
    return *value && !*end;
}

/* Splits "key value" in a copy of the line. */
static dlt_status parse_line(struct failure *failure, const char *line, size_t length, int number,
                             struct error *error) {
    char *key = strndup(line, length), *value;
    bool right;
    if (!key)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    value = strchr(key, ' ');
    if (value)
        *value++ = 0;
    right = value && !(failure->task && !strcmp(key, "task")) &&
            !(failure->message && !strcmp(key, "message")) && read_line(failure, key, value);
    free(key);
    if (!right)
        return error_set(
            error, DLT_ERROR_ARGUMENT,
            "line %d: '%.*s' is none of task, outcome, message, seed, number, timeout, "
            "cold with a value, nor trace",
            number, (int)(length < 80 ? length : 80), line);
    return DLT_OK;
}

static dlt_status parse_lines(const char *text, struct failure *failure, struct error *error) {
    int number = 2;
    if (strncmp(text, heading, sizeof heading - 1) != 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "line 1: is not '%.*s'",
                         (int)sizeof heading - 2, heading);
    for (text += sizeof heading - 1; *text; number++) {
        size_t length = strcspn(text, "\n");
        const char *next = text + length + (text[length] == '\n');
        if (length == strlen("trace") && !strncmp(text, "trace", length)) {
            failure->trace = strdup(next);
            if (!failure->trace)
                return error_set(error, DLT_ERROR_MEMORY, "out of memory");
            break;
        }
        TRY(parse_line(failure, text, length, number, error));
        text = next;
    }
    if (!failure->task || !failure->trace)
        return error_set(error, DLT_ERROR_ARGUMENT, "the file has no line '%s'",
                         failure->task ? "trace" : "task");
    return DLT_OK;
}

dlt_status failure_parse(const char *text, struct failure *failure, struct error *error) {
    dlt_status status;
    *failure = (struct failure){0};
    status = parse_lines(text, failure, error);
    if (status != DLT_OK)
        failure_free(failure);
    return status;
}

void failure_free(struct failure *failure) {
    free((char *)failure->task);
    free((char *)failure->trace);
    free((char *)failure->message);
    *failure = (struct failure){0};
}

/* ---- again ---- */

dlt_status failure_replay(const struct failure *failure, struct measure_result *result,
                          struct error *error) {
    struct measurer *measurer = NULL;
    struct task *task;
    dlt_status status;
    TRY(task_create_key(failure->task, &task, error));
    status = measurer_create(task, &failure->options, &measurer, error);
    if (status == DLT_OK) {
        measurer_set_number(measurer, failure->number);
        status = measurer_run(measurer, failure->trace, 0, result, error);
    }
    measurer_free(measurer);
    task_free(task);
    return status;
}

/* ---- many ---- */

dlt_status failure_count(struct failure_histogram *histogram, const struct failure *failure,
                         struct error *error) {
    struct failure *example = &histogram->examples[failure->outcome];
    histogram->counts[failure->outcome]++;
    if (example->task)
        return DLT_OK;
    *example = *failure;
    example->task = strdup(failure->task);
    example->trace = strdup(failure->trace);
    example->message = strdup(failure->message ? failure->message : "");
    if (example->task && example->trace && example->message)
        return DLT_OK;
    failure_free(example);
    return error_set(error, DLT_ERROR_MEMORY, "out of memory");
}

void failure_histogram_free(struct failure_histogram *histogram) {
    for (int outcome = 0; outcome < OUTCOME_COUNT; outcome++)
        failure_free(&histogram->examples[outcome]);
}
