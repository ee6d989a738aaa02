/* dltune-bench: lists of workloads timed beside other libraries.
 *
 *     dltune-bench --peers --db tuned.db --suite resnet50.txt --suite bert.txt
 *     dltune-bench --peers --json 'matmul m=64 n=64 k=64' > now.json
 *     dltune-bench --baseline now.json 'matmul m=64 n=64 k=64'
 *
 * The kernel of a workload is the best that the database has, else the default of its space. */
#include "bench/baseline.h"
#include "bench/bench.h"
#include "bench/table.h"
#include "db/db.h"
#include "machine/description.h"
#include "te/ops/operators.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: dltune-bench [options] [--suite FILE | WORKLOAD]...\n"
    "  --peers           beside the libraries that were installed when it was built\n"
    "  --one-thread      beside the same workload's kernel for one thread\n"
    "  --db FILE         kernels are the best stored there (else the default of their space)\n"
    "  --target NAME     native, or as `dltune targets` lists (native)\n"
    "  --threads N       that kernels and peers run on (1)\n"
    "  --layout LAYOUT   of workloads that have one and do not give it\n"
    "  --processes N     a figure is the median over so many (5)\n"
    "  --seed N          of the inputs (0)\n"
    "  --json            one object a line, a summary after each suite\n"
    "  --baseline FILE   of an earlier --json; fails where a kernel became slower than the noise\n";

struct bench_program {
    struct bench_options options;
    const char *target, *layout, *database_path, *baseline_path;
    char target_name[32];
    int threads;
    bool json, failed;
    struct database *database;       /* NULL: none */
    struct bench_baseline *baseline; /* NULL: none */
    const char *suite;
    int count, capacity;
    struct bench_row *rows; /* of the suite being run; their tasks are owned */
};

static void complain(const char *where, const char *message) {
    fprintf(stderr, "dltune-bench: %s%s%s\n", where, *where ? ": " : "", message);
}

/* ---- one workload ---- */

/* The text with --layout, if its operator has layouts and it names none. */
static char *workload_text(const struct bench_program *program, const char *line) {
    size_t word = strcspn(line, " \t"), bytes = strlen(line) + 128;
    char *text = malloc(bytes), name[64];
    const struct operator_definition *definition;
    bool takes = false;
    if (!text)
        return NULL;
    snprintf(name, sizeof name, "%.*s", (int)(word < 63 ? word : 63), line);
    definition = operator_find(name);
    for (int i = 0; definition && definition->keys[i].name; i++)
        takes = takes || !strcmp(definition->keys[i].name, "layout");
    if (program->layout && takes && !strstr(line, "layout="))
        snprintf(text, bytes, "%s layout=%s", line, program->layout);
    else
        snprintf(text, bytes, "%s", line);
    return text;
}

/* The stored best's trace, a copy; NULL without one. */
static char *stored_trace(struct bench_program *program, const struct task *task) {
    struct record record;
    struct error error;
    char *trace;
    bool exact;
    if (!program->database)
        return NULL;
    if (database_best(program->database, task->key, host_name(), DATABASE_GENERATOR, &record,
                      &exact, &error) != DLT_OK) {
        error_prefix(&error, "the default is timed");
        complain(task->key, error.message);
        return NULL;
    }
    trace = strdup(record.trace);
    record_free(&record);
    return trace;
}

static void print_json(cJSON *object) {
    char *line = cJSON_PrintUnformatted(object);
    if (line)
        puts(line);
    fflush(stdout);
    free(line);
    cJSON_Delete(object);
}

static void compare(struct bench_program *program, const struct bench_row *row) {
    struct baseline_comparison comparison;
    char message[256];
    if (!program->baseline)
        return;
    comparison = bench_baseline_compare(program->baseline, row);
    if (comparison.verdict != BASELINE_SLOWER)
        return;
    snprintf(message, sizeof message,
             "%.4g us, %.1f %% slower than the %.4g us of the baseline; noise is %.1f %%",
             row->entries[0].median_us, 100 * comparison.change, comparison.before_us,
             100 * comparison.noise);
    complain(row->task->key, message);
    program->failed = true;
}

static bool add_row(struct bench_program *program, const struct bench_row *row) {
    if (program->count == program->capacity) {
        int capacity = program->capacity ? 2 * program->capacity : 32;
        struct bench_row *rows = realloc(program->rows, (size_t)capacity * sizeof *rows);
        if (!rows)
            return false;
        program->rows = rows;
        program->capacity = capacity;
    }
    program->rows[program->count++] = *row;
    return true;
}

static void drop_row(struct bench_row *row, struct task *task) {
    bench_row_free(row);
    task_free(task);
}

/* The stored best of the same workload on one thread, if that takes part. */
static char *one_thread_trace(struct bench_program *program, const struct task *task) {
    struct task *one;
    char *trace;
    if (!program->options.one_thread ||
        task_create_text(task->workload, task->target, 1, &one, NULL) != DLT_OK)
        return NULL;
    trace = stored_trace(program, one);
    task_free(one);
    return trace;
}

static void bench_task(struct bench_program *program, struct task *task) {
    char *trace = stored_trace(program, task), *one_thread = one_thread_trace(program, task);
    struct bench_options options = program->options;
    struct bench_row row;
    struct error error;
    dlt_status status;
    fprintf(stderr, "%s\n", task->key);
    options.one_thread_trace = one_thread;
    status = bench_run(task, trace, &options, &row, &error);
    free(trace);
    free(one_thread);
    if (status != DLT_OK) {
        complain(task->key, error.message);
        program->failed = true;
        drop_row(&row, task);
        return;
    }
    if (row.entries[0].status != DLT_OK)
        program->failed = true;
    if (program->json)
        print_json(bench_row_to_json(&row));
    compare(program, &row);
    if (!add_row(program, &row))
        drop_row(&row, task);
}

static void bench_line(struct bench_program *program, const char *where, const char *line) {
    char *text = workload_text(program, line);
    struct task *task;
    struct error error = {.message = "out of memory"};
    if (text &&
        task_create_text(text, program->target_name, program->threads, &task, &error) == DLT_OK) {
        bench_task(program, task);
    } else {
        complain(where, error.message);
        program->failed = true;
    }
    free(text);
}

/* ---- suites ---- */

static void end_suite(struct bench_program *program) {
    struct text table = {0};
    if (program->json && program->count > 1) {
        struct bench_summary summary =
            bench_summarise(program->suite, program->rows, program->count);
        print_json(bench_summary_to_json(&summary));
    } else if (!program->json && program->count) {
        bench_print_table(&table, program->suite, program->rows, program->count);
        fputs(text_string(&table), stdout);
        fflush(stdout);
        text_free(&table);
    }
    for (int i = 0; i < program->count; i++)
        drop_row(&program->rows[i], (struct task *)program->rows[i].task);
    program->count = 0;
}

static void bench_suite(struct bench_program *program, const char *path) {
    const char *name = strrchr(path, '/');
    FILE *file = fopen(path, "r");
    char *line = NULL, where[512];
    size_t size = 0;
    if (!file) {
        complain(path, strerror(errno));
        program->failed = true;
        return;
    }
    program->suite = name ? name + 1 : path;
    for (int number = 1; getline(&line, &size, file) >= 0; number++) {
        char *start = line + strspn(line, " \t");
        start[strcspn(start, "#\r\n")] = 0;
        snprintf(where, sizeof where, "%s:%d", path, number);
        if (*start)
            bench_line(program, where, start);
    }
    free(line);
    fclose(file);
    end_suite(program);
}

/* ---- the program ---- */

static int wrong(const char *message, const char *value) {
    fprintf(stderr, "dltune-bench: %s%s\n%s", message, value, usage);
    return 2;
}

static bool read_number(const char *text, long least, long most, long *number) {
    char *end;
    *number = strtol(text, &end, 10);
    return *text && !*end && *number >= least && *number <= most;
}

enum option_code {
    OPTION_PEERS = 256,
    OPTION_ONE_THREAD,
    OPTION_DB,
    OPTION_TARGET,
    OPTION_THREADS,
    OPTION_LAYOUT,
    OPTION_PROCESSES,
    OPTION_SEED,
    OPTION_JSON,
    OPTION_BASELINE,
    OPTION_SUITE,
    OPTION_HELP,
};

static const struct option option_rows[] = {
    {"peers", no_argument, NULL, OPTION_PEERS},
    {"one-thread", no_argument, NULL, OPTION_ONE_THREAD},
    {"db", required_argument, NULL, OPTION_DB},
    {"target", required_argument, NULL, OPTION_TARGET},
    {"threads", required_argument, NULL, OPTION_THREADS},
    {"layout", required_argument, NULL, OPTION_LAYOUT},
    {"processes", required_argument, NULL, OPTION_PROCESSES},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"json", no_argument, NULL, OPTION_JSON},
    {"baseline", required_argument, NULL, OPTION_BASELINE},
    {"suite", required_argument, NULL, OPTION_SUITE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* False if the option's value is wrong. Suites are taken up later, once all options are known. */
static bool take_option(struct bench_program *program, int code, const char *value) {
    long number;
    switch (code) {
    case OPTION_PEERS:
        return program->options.peers = true;
    case OPTION_ONE_THREAD:
        return program->options.one_thread = true;
    case OPTION_DB:
        return (program->database_path = value) != NULL;
    case OPTION_TARGET:
        return (program->target = value) != NULL;
    case OPTION_LAYOUT:
        return strlen(program->layout = value) < 100;
    case OPTION_BASELINE:
        return (program->baseline_path = value) != NULL;
    case OPTION_JSON:
        return program->json = true;
    case OPTION_THREADS:
        program->threads = read_number(value, 1, 1024, &number) ? (int)number : 0;
        return program->threads > 0;
    case OPTION_PROCESSES:
        program->options.processes =
            read_number(value, 1, MAX_BENCH_PROCESSES, &number) ? (int)number : 0;
        return program->options.processes > 0;
    case OPTION_SEED:
        program->options.seed = read_number(value, 0, INT32_MAX, &number) ? (uint64_t)number : 0;
        return *value && strspn(value, "0123456789") == strlen(value);
    default:
        return code == OPTION_SUITE;
    }
}

static dlt_status prepare(struct bench_program *program, struct error *error) {
    struct target_description description;
    TRY(target_describe(program->target, &description, error));
    snprintf(program->target_name, sizeof program->target_name, "%s", description.name);
    if (!target_runs_here(program->target_name))
        return error_set(error, DLT_ERROR_REFUSED, "--target: %s does not run here",
                         program->target_name);
    if (program->database_path)
        TRY(database_open(program->database_path, DATABASE_READ, &program->database, error));
    if (program->baseline_path)
        TRY(bench_baseline_read(program->baseline_path, &program->baseline, error));
    return DLT_OK;
}

static void bench_all(struct bench_program *program, int argument_count, char **arguments) {
    int code;
    optind = 1;
    while ((code = getopt_long(argument_count, arguments, "", option_rows, NULL)) != -1)
        if (code == OPTION_SUITE)
            bench_suite(program, optarg);
    program->suite = "workloads";
    for (int i = optind; i < argument_count; i++)
        bench_line(program, "workload", arguments[i]);
    end_suite(program);
}

int main(int argument_count, char **arguments) {
    struct bench_program program = {.target = "native", .threads = 1};
    struct error error = {.status = DLT_OK};
    int code, suites = 0;
    while ((code = getopt_long(argument_count, arguments, "", option_rows, NULL)) != -1) {
        if (code == OPTION_HELP)
            return fputs(usage, stdout) < 0;
        if (!take_option(&program, code, optarg))
            return wrong("wrong usage", code == '?' ? "" : " of an option's value");
        suites += code == OPTION_SUITE;
    }
    if (!suites && optind == argument_count)
        return wrong("no workload: give --suite FILE or a workload", "");
    if (prepare(&program, &error) == DLT_OK) {
        bench_all(&program, argument_count, arguments);
    } else {
        complain("", error.message);
        program.failed = true;
    }
    if (program.database)
        database_close(program.database);
    bench_baseline_free(program.baseline);
    free(program.rows);
    return program.failed;
}
