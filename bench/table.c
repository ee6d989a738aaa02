/* Ratios, tables, JSON; see table.h. */
#include "bench/table.h"

#include "machine/description.h"
#include "json/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- ratios ---- */

static bool has_time(const struct bench_entry *entry) {
    return entry->status == DLT_OK && entry->median_us > 0;
}

const struct bench_entry *bench_best_peer(const struct bench_row *row) {
    const struct bench_entry *best = NULL;
    for (int i = 1; i < row->entry_count; i++)
        if (has_time(&row->entries[i]) && (!best || row->entries[i].median_us < best->median_us))
            best = &row->entries[i];
    return best;
}

double bench_ratio(const struct bench_row *row) {
    const struct bench_entry *best = bench_best_peer(row);
    return best && has_time(&row->entries[0]) ? best->median_us / row->entries[0].median_us : 0;
}

struct bench_summary bench_summarise(const char *suite, const struct bench_row *rows, int count) {
    struct bench_summary summary = {.suite = suite, .rows = count};
    double logarithms = 0;
    for (int i = 0; i < count; i++) {
        double ratio = bench_ratio(&rows[i]);
        if (ratio <= 0)
            continue;
        logarithms += log(ratio);
        if (!summary.compared++ || ratio < summary.worst) {
            summary.worst = ratio;
            summary.worst_row = &rows[i];
        }
    }
    if (summary.compared)
        summary.geometric_mean = exp(logarithms / summary.compared);
    return summary;
}

/* ---- for people ---- */

struct columns {
    int count;
    const char *names[MAX_BENCH_ENTRIES * 2];
    int workload_width;
};

static const struct bench_entry *find(const struct bench_row *row, const char *name) {
    for (int i = 0; i < row->entry_count; i++)
        if (!strcmp(row->entries[i].name, name))
            return &row->entries[i];
    return NULL;
}

static void add_column(struct columns *columns, const char *name) {
    for (int i = 0; i < columns->count; i++)
        if (!strcmp(columns->names[i], name))
            return;
    if (columns->count < MAX_BENCH_ENTRIES * 2)
        columns->names[columns->count++] = name;
}

static struct columns find_columns(const struct bench_row *rows, int count) {
    struct columns columns = {.count = 0};
    for (int i = 0; i < count; i++) {
        int width = (int)strlen(rows[i].task->workload);
        if (width > columns.workload_width)
            columns.workload_width = width;
        for (int e = 1; e < rows[i].entry_count; e++)
            if (has_time(&rows[i].entries[e]))
                add_column(&columns, rows[i].entries[e].name);
    }
    return columns;
}

/* A time in its column, "-" where there is none. */
static void print_time(struct text *text, const struct bench_entry *entry, const char *title) {
    int width = (int)strlen(title) > 9 ? (int)strlen(title) : 9;
    char number[32] = "-";
    if (entry && has_time(entry))
        snprintf(number, sizeof number, "%.4g", entry->median_us);
    text_format(text, "  %*s", width, number);
}

static void print_row(struct text *text, const struct columns *columns,
                      const struct bench_row *row) {
    const struct bench_entry *own = &row->entries[0];
    double gflops = has_time(own) ? row->task->operations / own->median_us * 1e-3 : 0;
    text_format(text, "%-*s", columns->workload_width, row->task->workload);
    print_time(text, own, "dltune us");
    if (row->peak_gflops > 0)
        text_format(text, "  %5.1f%%", 100 * gflops / row->peak_gflops);
    else
        text_format(text, "  %6s", "-");
    for (int i = 0; i < columns->count; i++)
        print_time(text, find(row, columns->names[i]), columns->names[i]);
    if (bench_ratio(row) > 0)
        text_format(text, "  %6.3f", bench_ratio(row));
    else
        text_format(text, "  %6s", "-");
    text_append(text, "\n");
}

/* What went wrong, and what was not there. That a peer does not compute something is neither. */
static void print_faults(struct text *text, const struct bench_row *rows, int count) {
    struct columns missing = {.count = 0};
    for (int i = 0; i < count; i++)
        for (int e = 0; e < rows[i].entry_count; e++) {
            const struct bench_entry *entry = &rows[i].entries[e];
            if (entry->status == DLT_ERROR_NOT_FOUND && e) {
                int before = missing.count;
                add_column(&missing, entry->name);
                if (missing.count > before)
                    text_format(text, "%s: %s\n", entry->name, entry->message);
            } else if (entry->status != DLT_OK && (!e || entry->status != DLT_ERROR_REFUSED)) {
                text_format(text, "%s: %s: %s: %s\n", rows[i].task->workload, entry->name,
                            dlt_status_name(entry->status), entry->message);
            }
        }
}

void bench_print_table(struct text *text, const char *suite, const struct bench_row *rows,
                       int count) {
    struct columns columns = find_columns(rows, count);
    struct bench_summary summary = bench_summarise(suite, rows, count);
    text_format(text, "%-*s  %9s  %6s", columns.workload_width, suite, "dltune us", "peak");
    for (int i = 0; i < columns.count; i++)
        text_format(text, "  %9s", columns.names[i]);
    text_format(text, "  %6s\n", "ratio");
    for (int i = 0; i < count; i++)
        print_row(text, &columns, &rows[i]);
    if (summary.compared)
        text_format(text, "geometric mean %.3f, worst %.3f (%s), %d of %d compared\n",
                    summary.geometric_mean, summary.worst, summary.worst_row->task->workload,
                    summary.compared, summary.rows);
    print_faults(text, rows, count);
}

/* ---- JSON ---- */

static void add_times(cJSON *object, const struct bench_entry *entry) {
    json_add_number(object, "median_us", entry->median_us);
    json_add_number(object, "min_us", entry->minimum_us);
    json_add_number(object, "spread", entry->spread);
}

static void add_own(cJSON *object, const struct bench_row *row) {
    const struct bench_entry *own = &row->entries[0];
    double gflops = row->task->operations / own->median_us * 1e-3;
    add_times(object, own);
    if (own->implementation)
        cJSON_AddStringToObject(object, "origin", own->implementation);
    cJSON_AddStringToObject(object, "clock", row->wall_clock ? "wall" : "cpu");
    json_add_number(object, "processes", own->process_count);
    json_add_number(object, "gflops", gflops);
    json_add_number(object, "gflops_nominal",
                    row->task->nominal_operations / own->median_us * 1e-3);
    if (row->peak_gflops > 0) {
        json_add_number(object, "peak_gflops", row->peak_gflops);
        json_add_number(object, "peak_fraction", gflops / row->peak_gflops);
    }
    json_add_number(object, "max_error", own->max_error);
}

static void add_peer(cJSON *peers, const struct bench_row *row, const struct bench_entry *entry) {
    cJSON *peer = cJSON_CreateObject();
    cJSON_AddItemToArray(peers, peer);
    cJSON_AddStringToObject(peer, "name", entry->name);
    cJSON_AddStringToObject(peer, "impl", entry->implementation ? entry->implementation : "");
    add_times(peer, entry);
    json_add_number(peer, "max_error", entry->max_error);
    if (has_time(&row->entries[0]))
        json_add_number(peer, "ratio", entry->median_us / row->entries[0].median_us);
}

static void add_absent(cJSON *absent, const struct bench_entry *entry) {
    cJSON *peer = cJSON_CreateObject();
    cJSON_AddItemToArray(absent, peer);
    cJSON_AddStringToObject(peer, "name", entry->name);
    cJSON_AddStringToObject(peer, "status", dlt_status_name(entry->status));
    cJSON_AddStringToObject(peer, "message", entry->message ? entry->message : "");
}

void bench_add_peers(cJSON *object, const struct bench_row *row) {
    cJSON *peers = cJSON_AddArrayToObject(object, "peers");
    cJSON *absent = cJSON_AddArrayToObject(object, "peers_absent");
    for (int i = 1; i < row->entry_count; i++) {
        if (has_time(&row->entries[i]))
            add_peer(peers, row, &row->entries[i]);
        else
            add_absent(absent, &row->entries[i]);
    }
    if (bench_best_peer(row))
        cJSON_AddStringToObject(object, "best_peer", bench_best_peer(row)->name);
    if (bench_ratio(row) > 0)
        json_add_number(object, "ratio", bench_ratio(row));
}

cJSON *bench_row_to_json(const struct bench_row *row) {
    const struct bench_entry *own = &row->entries[0];
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "task", row->task->key);
    cJSON_AddStringToObject(object, "status", has_time(own) ? "ok" : "failed");
    if (own->message)
        cJSON_AddStringToObject(object, "message", own->message);
    cJSON_AddStringToObject(object, "target", row->task->target);
    cJSON_AddStringToObject(object, "host", host_name());
    json_add_number(object, "threads", row->task->threads);
    if (row->task->count > 1)
        json_add_number(object, "count", (double)row->task->count);
    if (has_time(own))
        add_own(object, row);
    cJSON_AddBoolToObject(object, "verified", has_time(own));
    if (row->trace)
        cJSON_AddStringToObject(object, "schedule", row->trace);
    if (row->entry_count > 1)
        bench_add_peers(object, row);
    return object;
}

cJSON *bench_summary_to_json(const struct bench_summary *summary) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "suite", summary->suite);
    json_add_number(object, "rows", summary->rows);
    json_add_number(object, "compared", summary->compared);
    if (summary->compared) {
        json_add_number(object, "geometric_mean", summary->geometric_mean);
        json_add_number(object, "worst", summary->worst);
        cJSON_AddStringToObject(object, "worst_task", summary->worst_row->task->key);
    }
    return object;
}
