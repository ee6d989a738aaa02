/* `dltune bench`: times stored bests again, alone or beside other libraries, and compares with an
 * earlier run.
 *
 * Alone a kernel is timed as a finalist of the tuner is (measure/). Beside peers it takes part in a
 * contest (bench/), which needs dltune-bench-worker, the one program that links those libraries.
 * Either way what came of it is a row, as bench/ has them, and a record to report. */
#include "bench/baseline.h"
#include "bench/table.h"
#include "cli/report.h"
#include "cli/signals.h"
#include "cli/stored.h"
#include "machine/description.h"
#include "measure/peak.h"
#include "measure/probe.h"
#include "threads/processors.h"
#include "json/number.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CACHE_LINE_BYTES = 64
};

struct bench {
    struct cli *cli;
    struct database *database;
    struct bench_baseline *baseline; /* NULL: none */
    struct request_list requests;
    struct bench_row *rows; /* of the requests that were timed */
    int count;
};

/* One request: what is stored of it, and what was measured now. */
struct timed {
    struct request *request;
    const struct task *task,
        *shown;                   /* the fastest of its tasks, and that under the request's key */
    struct record stored, record; /* record: the stored one with the times of now; its strings are
                                     borrowed from the stored one and the row */
    struct measure_result result; /* without peers */
};

/* ---- timing ---- */

static double peak_gflops(const struct task *task) {
    return processors_for(task->threads) *
           measure_fma_peak(task->target, expression_result(task->expression)->type) * 1e-9;
}

/* The result of the tuner's measurer as a row of one entry. */
static dlt_status fill_row(const struct task *task, const struct measure_result *result,
                           struct bench_row *row, struct error *error) {
    struct bench_entry *own = &row->entries[0];
    *row = (struct bench_row){.task = task, .entry_count = 1, .wall_clock = result->wall_clock};
    *own = (struct bench_entry){.name = strdup("dltune"),
                                .median_us = result->median_us,
                                .minimum_us = result->minimum_us,
                                .spread = result->spread,
                                .max_error = result->max_error};
    if (result->outcome != OUTCOME_OK) {
        own->status = DLT_ERROR_WRONG;
        own->message = strdup(result->message);
    }
    row->peak_gflops = peak_gflops(task);
    if (!own->name || (own->status != DLT_OK && !own->message))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return DLT_OK;
}

static dlt_status time_alone(const struct cli *cli, struct timed *timed, struct bench_row *row,
                             struct error *error) {
    struct measure_options how = {.seed = (unsigned long long)cli->options.seed,
                                  .cold = cli->options.cold,
                                  .cancel = &stop_signal};
    struct measurer *measurer;
    dlt_status status;
    TRY(measurer_create(timed->task, &how, &measurer, error));
    status = measurer_run_again(measurer, 1, &timed->stored.trace, &timed->result, error);
    measurer_free(measurer);
    TRY(status);
    return fill_row(timed->task, &timed->result, row, error);
}

static dlt_status time_beside_peers(const struct cli *cli, const struct timed *timed,
                                    struct bench_row *row, struct error *error) {
    struct bench_options how = {
        .peers = true,
        .free_layout = strcmp(timed->shown->key, timed->task->key) != 0,
        .processes = (int)cli->options.processes,
        .seed = (uint64_t)cli->options.seed,
        .cancel = &stop_signal,
    };
    return bench_run(timed->task, timed->stored.trace, &how, row, error);
}

static const char *outcome_name(const struct cli *cli, const struct timed *timed,
                                const struct bench_entry *own) {
    if (!cli->options.peers)
        return measure_outcome_name(timed->result.outcome);
    return dlt_status_name(own->status); /* "ok" among them */
}

static void make_record(const struct cli *cli, const struct bench_row *row, struct timed *timed) {
    const struct bench_entry *own = &row->entries[0];
    struct record *record = &timed->record;
    *record = timed->stored;
    record->task = timed->shown->key;
    record->host = host_name(); /* the times are of now, and here */
    record->imported = false;
    record->outcome = outcome_name(cli, timed, own);
    record->message = own->message;
    record->verified = own->status == DLT_OK;
    record->median_us = own->median_us;
    record->minimum_us = own->minimum_us;
    record->spread = own->spread;
    record->max_error = own->max_error;
    record->clock = row->wall_clock ? "wall" : "cpu";
    record->peak_gflops = row->peak_gflops;
    record->finalist = true;
}

/* ---- what is said ---- */

/* "slowdown", and "counters" with what follows from them; null where the machine has none. */
static void add_conditions(cJSON *object, const struct task *task,
                           const struct measure_result *result, bool cold) {
    struct counter_rates rates =
        counters_rates(&result->counters, task->operations, CACHE_LINE_BYTES);
    cJSON *counters;
    cJSON_AddStringToObject(object, "caches", cold ? "cold" : "warm");
    if (result->slowdown > 0)
        json_add_number(object, "slowdown", result->slowdown);
    if (!result->counters.present) {
        cJSON_AddNullToObject(object, "counters");
        return;
    }
    counters = cJSON_AddObjectToObject(object, "counters");
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (result->counters.present >> i & 1)
            json_add_number(counters, counter_names[i], result->counters.values[i]);
    if (rates.operations_a_cycle > 0)
        json_add_number(counters, "operations_per_cycle", rates.operations_a_cycle);
    for (int i = 0; i < COUNTER_COUNT; i++)
        if (rates.misses_a_thousand[i] > 0) {
            char name[64];
            snprintf(name, sizeof name, "%s_per_1000_instructions", counter_names[i]);
            json_add_number(counters, name, rates.misses_a_thousand[i]);
        }
    if (rates.bytes_moved > 0)
        json_add_number(counters, "bytes_moved", rates.bytes_moved);
}

/* A line of both for people, if there is anything to say. */
static void print_conditions(const struct task *task, const struct measure_result *result,
                             bool cold) {
    struct counter_rates rates =
        counters_rates(&result->counters, task->operations, CACHE_LINE_BYTES);
    struct text counters = {0};
    if (cold)
        puts("  caches     cold: emptied before each call");
    if (result->slowdown > PROBE_SLOW_FACTOR)
        printf("  a slow phase of the machine: multiply-adds took %.2f of the usual time\n",
               result->slowdown);
    if (result->counters.present) {
        counters_print(&counters, &result->counters);
        printf("  counters   %s\n", text_string(&counters));
        text_free(&counters);
        printf("  that is    %.3g operations a cycle, %.3g instructions a cycle",
               rates.operations_a_cycle, rates.instructions_a_cycle);
        for (int i = 0; i < COUNTER_COUNT; i++)
            if (rates.misses_a_thousand[i] > 0)
                printf(", %.3g %s a thousand instructions", rates.misses_a_thousand[i],
                       counter_names[i]);
        if (rates.bytes_moved > 0)
            printf(", %.3g bytes to and from memory", rates.bytes_moved);
        puts("");
    }
}

static dlt_status print_json(const struct bench *bench, const struct timed *timed,
                             const struct bench_row *row, struct error *error) {
    struct stored_counts counts;
    struct roofs roofs;
    struct report report = {.cli = bench->cli,
                            .task = timed->shown,
                            .record = &timed->record,
                            .counts = &counts,
                            .roofs = &roofs};
    cJSON *object;
    TRY(stored_count(bench->database, timed->request, &counts, error));
    roofs_for_task(bench->database, false, timed->task, &roofs);
    object = report_json(&report);
    json_add_number(object, "stored_us", timed->stored.median_us);
    if (bench->cli->options.peers)
        bench_add_peers(object, row);
    else
        add_conditions(object, timed->task, &timed->result, bench->cli->options.cold);
    print_json_line(object);
    return DLT_OK;
}

static void print_for_people(const struct timed *timed, bool cold) {
    const struct record *record = &timed->record;
    struct text rate = {0};
    if (record->verified)
        format_rate(&rate, timed->task, record->median_us, record->peak_gflops);
    else
        text_format(&rate, "failed: %s: %s", record->outcome, record->message);
    printf("%s\n  %s  (stored %.4g us)\n", timed->shown->key, text_string(&rate),
           timed->stored.median_us);
    print_conditions(timed->task, &timed->result, cold);
    fflush(stdout);
    text_free(&rate);
}

/* Rows beside peers become a table when all are there (print_table). */
static dlt_status print_row(const struct bench *bench, const struct timed *timed,
                            const struct bench_row *row, struct error *error) {
    if (bench->cli->options.json)
        return print_json(bench, timed, row, error);
    if (!bench->cli->options.peers)
        print_for_people(timed, bench->cli->options.cold);
    return DLT_OK;
}

static const char *table_title(const struct cli *cli) {
    const char *slash = cli->options.list ? strrchr(cli->options.list, '/') : NULL;
    return slash ? slash + 1 : cli->options.list ? cli->options.list : "workload";
}

/* On standard output, unless lines of JSON have it; and to the file of --table. */
static dlt_status print_table(const struct bench *bench, struct error *error) {
    const struct options *options = &bench->cli->options;
    struct text table = {0};
    FILE *file = NULL;
    bool failed = false;
    if (!options->peers || !bench->count)
        return DLT_OK;
    bench_print_table(&table, table_title(bench->cli), bench->rows, bench->count);
    if (!options->json)
        fputs(text_string(&table), stdout);
    if (options->table) {
        file = fopen(options->table, "w");
        failed = !file || fputs(text_string(&table), file) < 0;
        failed = (file && fclose(file) != 0) || failed;
    }
    text_free(&table);
    if (failed)
        return error_set(error, DLT_ERROR_SYSTEM, "--table: %s: %s", options->table,
                         strerror(errno));
    return DLT_OK;
}

/* A kernel that failed, or became slower than the baseline, fails the command. */
static void judge(const struct bench *bench, const struct timed *timed,
                  const struct bench_row *row) {
    const struct record *record = &timed->record;
    struct baseline_comparison comparison;
    if (!record->verified) {
        cli_complain("%s: %s: %s", timed->shown->key, record->outcome, record->message);
        bench->cli->exit_status = EXIT_FAILED;
        return;
    }
    if (!bench->baseline)
        return;
    comparison = bench_baseline_compare(bench->baseline, row);
    if (comparison.verdict != BASELINE_SLOWER)
        return;
    cli_complain("%s: %.4g us, %.1f %% slower than the baseline's %.4g us; noise is %.1f %%",
                 timed->shown->key, record->median_us, 100 * comparison.change,
                 comparison.before_us, 100 * comparison.noise);
    bench->cli->exit_status = EXIT_FAILED;
}

/* ---- the command ---- */

static dlt_status bench_stored(struct bench *bench, struct timed *timed, struct error *error) {
    struct bench_row *row = &bench->rows[bench->count];
    const struct cli *cli = bench->cli;
    dlt_status status = cli->options.peers ? time_beside_peers(cli, timed, row, error)
                                           : time_alone(cli, timed, row, error);
    if (status != DLT_OK) {
        bench_row_free(row);
        return status;
    }
    bench->count++;
    row->task = timed->shown;
    make_record(cli, row, timed);
    TRY(print_row(bench, timed, row, error));
    judge(bench, timed, row);
    return DLT_OK;
}

/* A request of which nothing is stored is said, and the others go on. */
static dlt_status bench_request(struct bench *bench, int number, struct error *error) {
    struct timed timed = {.request = bench->requests.requests[number]};
    int which;
    dlt_status status =
        stored_best_of(bench->cli, bench->database, timed.request, &which, &timed.stored, error);
    if (status == DLT_ERROR_REFUSED) {
        cli_complain("%s", error->message);
        bench->cli->exit_status = EXIT_FAILED;
        return DLT_OK;
    }
    TRY(status);
    timed.task = timed.request->tasks[which];
    timed.shown = request_show(timed.request, which);
    if (bench->cli->options.peers && !bench->cli->options.quiet)
        fprintf(stderr, "%d/%d %s\n", number + 1, bench->requests.count, timed.shown->key);
    status = bench_stored(bench, &timed, error);
    record_free(&timed.stored);
    return status;
}

static dlt_status bench_requests(struct bench *bench, struct error *error) {
    dlt_status status = DLT_OK, printed;
    struct error table_error;
    bench->rows = calloc((size_t)bench->requests.count, sizeof *bench->rows);
    if (!bench->rows)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    signals_catch();
    for (int i = 0; status == DLT_OK && i < bench->requests.count && !stop_signal; i++)
        status = bench_request(bench, i, error);
    if (status == DLT_ERROR_CANCELLED)
        status = DLT_OK;
    printed = print_table(bench, &table_error);
    if (status == DLT_OK && printed != DLT_OK)
        return *error = table_error, printed;
    if (stop_signal)
        bench->cli->exit_status = EXIT_SIGNAL + stop_signal;
    return status;
}

/* A single word without a pair is no workload but a list: `bench resnet50.txt` is `--list`. */
static void take_list(struct cli *cli) {
    if (cli->word_count != 1 || cli->attributes.length || cli->options.list ||
        strchr(cli->words[0], '='))
        return;
    cli->options.list = cli->words[0];
    cli->word_count = 0;
}

static dlt_status prepare(struct bench *bench, struct error *error) {
    struct cli *cli = bench->cli;
    const char *target;
    take_list(cli);
    TRY(requested_tasks(cli, &bench->requests, error));
    TRY(cli_resolve_target(cli, &target, error));
    TRY(cli_needs_target_here(target, error));
    if (cli->options.cold && cli->options.peers)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "--cold: beside peers caches are warm; leave out one of the two");
    if (cli->options.table && !cli->options.peers)
        return error_set(error, DLT_ERROR_ARGUMENT, "--table: only with --peers is there one");
    if (cli->options.baseline)
        TRY(bench_baseline_read(cli->options.baseline, &bench->baseline, error));
    TRY(cli_open_database(cli, DATABASE_READ, &bench->database, error));
    cli_warn_of_threads(cli);
    return stored_tasks(cli, bench->database, &bench->requests, error);
}

dlt_status run_bench(struct cli *cli, struct error *error) {
    struct bench bench = {.cli = cli};
    dlt_status status = prepare(&bench, error);
    if (status == DLT_OK)
        status = bench_requests(&bench, error);
    for (int i = 0; i < bench.count; i++)
        bench_row_free(&bench.rows[i]);
    free(bench.rows);
    cli_close_database(cli, bench.database);
    bench_baseline_free(bench.baseline);
    request_list_free(&bench.requests);
    return status;
}
