/* Uniform random samples of spaces: how many proposed points become right kernels, and how good the
 * one in the middle is.
 *
 *     bench_sample [--points N] [--seed N] [--target NAME] [--threads N] [--json] [--reasons]
 *                  LIST|WORKLOAD ...
 *
 * Each argument is a file of workloads or a workload. Points are drawn uniformly, those that the
 * space refuses are drawn again, the others are proposed: lowered, compiled, compared with the
 * reference and timed as in tuning. A line (an object with --json) a workload: how many were drawn
 * for one that is proposed, how many were proposed, were refused later, failed to compile, were
 * right or anything else; the sample's median and the default beside its best, as ratios of times;
 * microseconds until a candidate was ready. --reasons lists the messages of those not right.
 *
 *     bench_sample --points 500 bench/suites/resnet50.txt */
#include "base/random.h"
#include "measure/measure.h"
#include "search/search.h"
#include "json/number.h"

#include <cjson/cJSON.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_TRIES = 20000, /* until a point is proposed */
    MOST_LINE = 512,
    MOST_REASONS = 32,
};

struct options {
    const char *target;
    int64_t points;
    unsigned long long seed;
    int threads;
    bool json, reasons;
};

struct reason {
    char message[300]; /* the first of its kind */
    size_t same;       /* so much of it is common to all */
    int count;
};

struct sample {
    const struct options *options;
    struct measurer *measurer;
    int64_t drawn, proposed, outcomes[OUTCOME_COUNT];
    double best_us, default_us;
    double *times, *ready; /* of those right; of those made */
    int64_t made;
    int reason_count;
    struct reason reasons[MOST_REASONS];
};

static void fail(const char *subject, const char *what) {
    fprintf(stderr, "bench_sample: %s: %s\n", subject, what);
    exit(1);
}

static void note_reason(struct sample *s, const struct measure_result *result) {
    char message[300];
    size_t length;
    snprintf(message, sizeof message, "%s: %s", measure_outcome_name(result->outcome),
             result->message);
    length = strcspn(message, "0123456789"); /* numbers differ from point to point */
    for (int i = 0; i < s->reason_count; i++)
        if (s->reasons[i].same == length && !strncmp(s->reasons[i].message, message, length)) {
            s->reasons[i].count++;
            return;
        }
    if (s->reason_count == MOST_REASONS)
        return;
    s->reasons[s->reason_count].count = 1;
    s->reasons[s->reason_count].same = length;
    strcpy(s->reasons[s->reason_count++].message, message);
}

static bool pick(struct sample *s, const struct space *space, struct random *random, int *point) {
    for (int i = 0; i < MOST_TRIES; i++) {
        s->drawn++;
        for (int knob = 0; knob < space->knob_count; knob++)
            point[knob] = (int)random_below(random, (uint64_t)space->knobs[knob].choice_count);
        space_canonicalise(space, point);
        if (space_check(space, point, NULL) == DLT_OK)
            return true;
    }
    return false;
}

/* The time of one point, or infinity. */
static double measure(struct sample *s, const struct space *space, const int *point, bool counts) {
    struct measure_result result = {.outcome = OUTCOME_REFUSED};
    struct text trace = {0};
    struct error error = {.status = DLT_OK};
    if (point_trace(space, point, &trace, &error) != DLT_OK)
        snprintf(result.message, sizeof result.message, "%.*s", (int)sizeof result.message - 1,
                 error.message);
    else if (measurer_run(s->measurer, text_string(&trace), s->best_us, &result, &error) != DLT_OK)
        fail("measuring", error.message);
    text_free(&trace);
    if (result.outcome != OUTCOME_OK)
        note_reason(s, &result);
    else if (s->best_us <= 0 || result.median_us < s->best_us)
        s->best_us = result.median_us;
    if (counts && result.steps_us[STEP_ALL] > 0)
        s->ready[s->made++] = result.steps_us[STEP_ALL];
    s->outcomes[result.outcome] += counts;
    return result.outcome == OUTCOME_OK ? result.median_us : INFINITY;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *values, int64_t count, int percent) {
    qsort(values, (size_t)count, sizeof *values, compare);
    return count ? values[count * percent / 100] : INFINITY;
}

static void add(cJSON *object, const char *name, double value) {
    if (isfinite(value))
        json_add_number(object, name, value);
    else
        cJSON_AddNullToObject(object, name);
}

static void report(struct sample *s, const struct task *task) {
    double right = (double)s->outcomes[OUTCOME_OK], proposed = (double)s->proposed;
    double median = s->best_us / percentile(s->times, s->proposed, 50);
    double first = s->best_us / s->default_us;
    double ready = percentile(s->ready, s->made, 50), late = percentile(s->ready, s->made, 95);
    cJSON *object;
    char *text;
    if (!s->options->json) {
        printf("%-70s drawn %6.1f proposed %4lld refused %3lld compile %3lld right %5.1f %%  "
               "median %.2f default %.2f of best %8.4g us  ready %5.0f p95 %5.0f us\n",
               task->workload, (double)s->drawn / fmax(proposed, 1), (long long)s->proposed,
               (long long)s->outcomes[OUTCOME_REFUSED], (long long)s->outcomes[OUTCOME_COMPILE],
               100 * right / fmax(proposed, 1), median, first, s->best_us, ready, late);
        for (int i = 0; s->options->reasons && i < s->reason_count; i++)
            printf("    %5d %s\n", s->reasons[i].count, s->reasons[i].message);
        fflush(stdout);
        return;
    }
    object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "task", task->key);
    add(object, "drawn", (double)s->drawn);
    add(object, "proposed", proposed);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        add(object, measure_outcome_name(i), (double)s->outcomes[i]);
    add(object, "best_us", s->best_us);
    add(object, "median_of_best", median);
    add(object, "default_of_best", first);
    add(object, "ready_us", ready);
    add(object, "ready_p95_us", late);
    text = cJSON_PrintUnformatted(object);
    puts(text ? text : "{}");
    fflush(stdout);
    cJSON_free(text);
    cJSON_Delete(object);
}

static void run(const struct options *options, const char *workload) {
    struct measure_options measure_options = {.seed = options->seed};
    struct sample s = {.options = options};
    struct target_description target;
    struct random random;
    struct space *space;
    struct arena arena;
    struct error error;
    struct task *task;
    int point[MAX_KNOBS] = {0};
    arena_initialise(&arena);
    if (arena_recover(&arena))
        fail(workload, "out of memory");
    if (target_describe(options->target, &target, &error) != DLT_OK)
        fail(options->target, error.message);
    if (task_create_text(workload, target.name, options->threads, &task, &error) != DLT_OK) {
        fprintf(stderr, "bench_sample: %s: %s\n", workload, error.message);
        return; /* a list may have what this version does not know */
    }
    if (space_create(&arena, task->collapsed, &target, options->threads, &space, &error) !=
            DLT_OK ||
        measurer_create(task, &measure_options, &s.measurer, &error) != DLT_OK)
        fail(workload, error.message);
    s.times = arena_allocate(&arena, sizeof(double) * (size_t)options->points);
    s.ready = arena_allocate(&arena, sizeof(double) * (size_t)options->points);
    random_seed(&random, options->seed);
    s.default_us = measure(&s, space, point, false);
    while (s.proposed < options->points && pick(&s, space, &random, point))
        s.times[s.proposed++] = measure(&s, space, point, true);
    report(&s, task);
    measurer_free(s.measurer);
    task_free(task);
    arena_free(&arena);
}

/* A file's lines, or else the argument itself. */
static void run_argument(const struct options *options, const char *argument) {
    FILE *file = fopen(argument, "r");
    char line[MOST_LINE];
    if (!file) {
        run(options, argument);
        return;
    }
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "#\n")] = 0;
        if (line[strspn(line, " \t")])
            run(options, line);
    }
    fclose(file);
}

int main(int argument_count, char **arguments) {
    struct options options = {.target = "native", .points = 100, .seed = 1, .threads = 1};
    int count = 0;
    for (int i = 1; i < argument_count; i++) {
        const char *name = arguments[i], *value = i + 1 < argument_count ? arguments[i + 1] : NULL;
        if (!strcmp(name, "--json"))
            options.json = true;
        else if (!strcmp(name, "--reasons"))
            options.reasons = true;
        else if (strncmp(name, "--", 2))
            arguments[count++] = arguments[i];
        else if (!value)
            fail(name, "needs a value");
        else if (i++, !strcmp(name, "--points"))
            options.points = atoll(value);
        else if (!strcmp(name, "--seed"))
            options.seed = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--target"))
            options.target = value;
        else if (!strcmp(name, "--threads"))
            options.threads = atoi(value);
        else
            fail(name, "is no option: --points --seed --target --threads --json --reasons");
    }
    if (!count || options.points < 1 || options.threads < 1)
        fail("usage", "bench_sample [--points N] [--seed N] [--target NAME] [--threads N] [--json] "
                      "[--reasons] LIST|WORKLOAD ...");
    for (int i = 0; i < count; i++)
        run_argument(&options, arguments[i]);
    return 0;
}
