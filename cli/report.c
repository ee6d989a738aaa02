/* Reports of workloads; see report.h. */
#include "cli/report.h"

#include "exchange/json.h"
#include "machine/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABOVE_PEAK 1.005 /* less is no more than how exactly it is measured */

/* ---- JSON ---- */

static double trials_per_second(const struct tuner_summary *summary) {
    return summary->seconds > 0 ? (double)summary->trials / summary->seconds : 0;
}

static void add_trials(cJSON *object, int64_t trials, const int64_t *by_outcome) {
    cJSON *errors;
    json_add_number(object, "trials", (double)trials);
    errors = cJSON_AddObjectToObject(object, "errors");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (i != OUTCOME_OK && by_outcome[i])
            json_add_number(errors, measure_outcome_name((enum measure_outcome)i),
                            (double)by_outcome[i]);
}

static void add_ranking(cJSON *object, const char *name, const struct quality *quality) {
    cJSON *ranking = cJSON_AddObjectToObject(object, name);
    json_add_number(ranking, "pairwise", quality->pairwise);
    json_add_number(ranking, "peak1", quality->peak1);
    json_add_number(ranking, "peak5", quality->peak5);
}

static void add_quality(cJSON *object, const struct tuner_quality *quality) {
    cJSON *all;
    if (quality->points < 2)
        return;
    all = cJSON_AddObjectToObject(object, "quality");
    json_add_number(all, "records", (double)quality->points);
    if (quality->has_model)
        add_ranking(all, "model", &quality->model);
    add_ranking(all, "analytic", &quality->analytic);
}

static void add_run(cJSON *object, const struct tuner_summary *summary) {
    cJSON *seconds;
    add_trials(object, summary->trials, summary->errors);
    json_add_number(object, "known", (double)summary->known);
    json_add_number(object, "slow_trials", (double)summary->slow);
    if (summary->first_failure[0])
        cJSON_AddStringToObject(object, "first_error", summary->first_failure);
    json_add_number(object, "seconds", summary->seconds);
    json_add_number(object, "trials_per_s", trials_per_second(summary));
    seconds = cJSON_AddObjectToObject(object, "seconds_by_step");
    for (int i = 0; i < TUNER_SHARES; i++)
        json_add_number(seconds, tuner_share_names[i], summary->shares[i]);
    add_quality(object, &summary->quality);
    cJSON_AddBoolToObject(object, "exhausted", summary->exhausted);
    cJSON_AddBoolToObject(object, "hopeless", summary->hopeless);
    cJSON_AddBoolToObject(object, "interrupted", summary->cancelled);
}

static cJSON *failed_json(const struct report *report) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "task", report->task->key);
    cJSON_AddStringToObject(object, "status", "failed");
    cJSON_AddStringToObject(object, "target", report->task->target);
    cJSON_AddStringToObject(object, "host", host_name());
    json_add_number(object, "threads", report->task->threads);
    cJSON_AddBoolToObject(object, "verified", false);
    if (report->failure)
        cJSON_AddStringToObject(object, "message", report->failure);
    return object;
}

/* Keys that every line has, null where there is nothing to say. */
static const char *const always[] = {
    "layouts", "schedule",       "knobs",        "median_us",     "min_us",    "clock",
    "gflops",  "gflops_nominal", "peak_gflops",  "peak_fraction", "max_error", "trials",
    "errors",  "seconds",        "trials_per_s", "seed",
};

static void add_roofline(cJSON *object, const struct report *report) {
    static const struct roofs unknown;
    double peak = report->record ? report->record->peak_gflops : 0;
    double median_us = report->record && report->record->verified ? report->record->median_us : 0;
    struct roofline roofline =
        roofline_of_result(report->task, report->roofs ? report->roofs : &unknown, peak);
    roofline_add_json(object, report->task, &roofline, median_us);
}

cJSON *report_json(const struct report *report) {
    cJSON *object = report->record ? record_to_json(report->record, report->task->operations,
                                                    report->task->nominal_operations)
                                   : failed_json(report);
    if (!object)
        return NULL;
    cJSON_AddStringToObject(object, "algorithm", "direct");
    if (report->run_best) {
        json_add_number(object, "run_median_us", report->run_best->median_us);
        cJSON_AddStringToObject(object, "run_schedule", report->run_best->trace);
    }
    if (report->task->count > 1)
        json_add_number(object, "count", (double)report->task->count);
    if (report->summary)
        add_run(object, report->summary);
    else if (report->counts)
        add_trials(object, report->counts->trials, report->counts->by_outcome);
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (!cJSON_GetObjectItemCaseSensitive(object, always[i]))
            cJSON_AddNullToObject(object, always[i]);
    add_roofline(object, report);
    return object;
}

void print_json_line(cJSON *object) {
    char *line = object ? cJSON_PrintUnformatted(object) : NULL;
    if (line)
        puts(line);
    else
        cli_complain("out of memory");
    fflush(stdout);
    free(line);
    cJSON_Delete(object);
}

/* ---- for people ---- */

/* Clocks move: a kernel can be faster than what was measured as the peak a little before. */
static bool report_is_above(double gflops, double peak_gflops) {
    return peak_gflops > 0 && gflops > ABOVE_PEAK * peak_gflops;
}

void format_rate(struct text *text, const struct task *task, double median_us, double peak_gflops) {
    double gflops = task->operations / median_us * 1e-3;
    text_format(text, "%.4g us", median_us);
    if (!(task->operations > 0)) /* it only moves data */
        return;
    text_format(text, "  %.4g GFLOP/s", gflops);
    if (peak_gflops > 0)
        text_format(text, "  %.1f %% of the peak, %.4g", 100 * gflops / peak_gflops, peak_gflops);
    if (report_is_above(gflops, peak_gflops))
        text_append(text, " (measured while the core was slower)");
}

static void print_ranking(const struct quality *quality) {
    printf("pairs %.2f, peak@1 %.2f, peak@5 %.2f", quality->pairwise, quality->peak1,
           quality->peak5);
}

/* Of the records of this run, which no stored model had seen. */
static void print_quality(const struct tuner_quality *quality) {
    if (quality->points < 2)
        return;
    printf("  %-10s on %lld new records: ", "model", (long long)quality->points);
    if (quality->has_model)
        print_ranking(&quality->model);
    else
        printf("none was stored before");
    printf("; analytic score: ");
    print_ranking(&quality->analytic);
    printf("\n");
}

static void print_run(const struct tuner_summary *summary) {
    printf("  %-10s %lld in %.1f s, %.1f a second: %lld right", "trials",
           (long long)summary->trials, summary->seconds, trials_per_second(summary),
           (long long)summary->errors[OUTCOME_OK]);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        if (i != OUTCOME_OK && summary->errors[i])
            printf(", %lld %s", (long long)summary->errors[i],
                   measure_outcome_name((enum measure_outcome)i));
    if (summary->known)
        printf("; %lld known before", (long long)summary->known);
    if (summary->slow)
        printf("; %lld in slow phases of the machine", (long long)summary->slow);
    printf("%s%s\n",
           summary->exhausted  ? "; no point is left"
           : summary->hopeless ? "; no gain for long"
                               : "",
           summary->cancelled ? "; interrupted" : "");
    if (summary->first_failure[0])
        printf("  %-10s %s\n", "failure", summary->first_failure);
    printf("  %-10s", "seconds");
    for (int i = 0; i < TUNER_SHARES; i++)
        printf("%s %s %.2f", i ? "," : "", tuner_share_names[i], summary->shares[i]);
    printf("\n");
    print_quality(&summary->quality);
}

/* The parts of getting a candidate ready. */
static void print_steps(const struct step_times *times) {
    if (step_times_quantile(times, STEP_ALL, 0.5) <= 0)
        return;
    printf("  %-10s microseconds, median (95th percentile):", "ready");
    for (int i = 0; i < STEP_COUNT; i++)
        printf("%s %s %.0f (%.0f)", i ? "," : "", measure_step_names[i],
               step_times_quantile(times, (enum measure_step)i, 0.5),
               step_times_quantile(times, (enum measure_step)i, 0.95));
    printf("\n");
}

static void print_roofline(const struct report *report) {
    const struct record *record = report->record;
    struct roofline roofline;
    if (!report->roofs)
        return;
    roofline = roofline_of_result(report->task, report->roofs, record->peak_gflops);
    printf("  %-10s %.4g operations a byte", "roofline", roofline.intensity);
    if (roofline.roof > 0)
        printf(", tensors in %s; %.1f %% of the roof, %.4g GFLOP/s by %s",
               memory_level_names[roofline.level],
               100 * roofline_share(&roofline, report->task, record->median_us * 1e-6),
               roofline.roof * 1e-9, roofline.by_memory ? "memory" : "arithmetic");
    printf("\n");
}

/* The stored best may be of an earlier run, or a time that this run's second one did not reach. */
static void print_run_best(const struct report *report) {
    const struct record *run = report->run_best;
    if (run)
        printf("  %-10s %.4g us, %s, %s; the best is a stored one\n", "this run", run->median_us,
               strcmp(run->trace, report->record->trace) ? "another schedule" : "the same schedule",
               run->finalist ? "timed again" : "timed once");
}

static void print_record(const struct report *report) {
    const struct record *record = report->record;
    struct text rate = {0};
    format_rate(&rate, report->task, record->median_us, record->peak_gflops);
    printf("  %-10s %s\n", "best", text_string(&rate));
    print_run_best(report);
    print_roofline(report);
    printf("  %-10s minimum %.4g us, spread %.1f %%, clock %s, %s\n", "times", record->minimum_us,
           100 * record->spread, record->clock,
           record->finalist ? "timed again among the fastest" : "timed once");
    printf("  %-10s the largest error is %.2g of its bound\n", "checked", record->max_error);
    printf("  %-10s %s\n", "layouts", record->layouts);
    printf("  %-10s %s\n", "knobs", *record->knobs ? record->knobs : "none");
    printf("  %-10s %s\n", "host", record->host);
    text_free(&rate);
}

static void print_schedule(const char *trace) {
    printf("  schedule\n");
    while (*trace) {
        int length = (int)strcspn(trace, "\n");
        printf("    %.*s\n", length, trace);
        trace += length + (trace[length] == '\n');
    }
}

static void print_table(const struct report *report) {
    printf("%s\n", report->task->key);
    if (report->record)
        print_record(report);
    else
        printf("  %-10s %s\n", "failed", report->failure ? report->failure : "");
    if (report->summary)
        print_run(report->summary);
    if (report->summary && report->cli->options.verbose)
        print_steps(&report->summary->steps);
    if (report->record && (report->cli->options.verbose || !report->summary))
        print_schedule(report->record->trace);
    fflush(stdout);
}

void report_print(const struct report *report) {
    if (report->cli->options.json)
        print_json_line(report_json(report));
    else
        print_table(report);
}
