/* Curves: keeping, reading, writing, judging; see curves.h. */
#include "bench/curves.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 0.02
#define BEST      "best"

enum {
    LINE_BYTES = 1 << 16
};

/* Makes a name known; false if there are too many. */
static bool know(char *names, size_t bytes, int *count, int most, const char *name) {
    for (int i = 0; i < *count; i++)
        if (!strcmp(names + (size_t)i * bytes, name))
            return true;
    if (*count == most)
        return false;
    snprintf(names + (size_t)(*count)++ * bytes, bytes, "%s", name);
    return true;
}

struct curve *curves_add(struct curves *curves, const char *task, const char *strategy, int seed,
                         int64_t trials) {
    struct curve *curve;
    if (!know(curves->tasks[0], sizeof curves->tasks[0], &curves->task_count, MAX_CURVE_TASKS,
              task) ||
        (strcmp(strategy, BEST) != 0 &&
         !know(curves->strategies[0], sizeof curves->strategies[0], &curves->strategy_count,
               MAX_CURVE_STRATEGIES, strategy)))
        return NULL;
    if (curves->count == curves->capacity) {
        int capacity = curves->capacity ? 2 * curves->capacity : 64;
        void *grown = realloc(curves->curves, (size_t)capacity * sizeof *curves->curves);
        if (!grown)
            return NULL;
        curves->curves = grown;
        curves->capacity = capacity;
    }
    curve = &curves->curves[curves->count++];
    *curve = (struct curve){.seed = seed, .trials = trials};
    snprintf(curve->task, sizeof curve->task, "%s", task);
    snprintf(curve->strategy, sizeof curve->strategy, "%s", strategy);
    return curve;
}

bool curve_append(struct curve *curve, int64_t trial, double microseconds) {
    if (curve->step_count == curve->capacity) {
        int capacity = curve->capacity ? 2 * curve->capacity : 16;
        void *grown = realloc(curve->steps, (size_t)capacity * sizeof *curve->steps);
        if (!grown)
            return false;
        curve->steps = grown;
        curve->capacity = capacity;
    }
    curve->steps[curve->step_count++] = (struct curve_step){trial, microseconds};
    return true;
}

void curves_free(struct curves *curves) {
    for (int i = 0; i < curves->count; i++)
        free(curves->curves[i].steps);
    free(curves->curves);
    *curves = (struct curves){0};
}

/* ---- files ---- */

dlt_status curves_write(const struct curves *curves, const char *path, struct error *error) {
    FILE *file = fopen(path, "w");
    if (!file)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: cannot be written", path);
    for (int i = 0; i < curves->count; i++) {
        const struct curve *curve = &curves->curves[i];
        fprintf(file, "%s\t%s\t%d\t%lld\t", curve->task, curve->strategy, curve->seed,
                (long long)curve->trials);
        for (int j = 0; j < curve->step_count; j++)
            fprintf(file, "%s%lld:%.6g", j ? " " : "", (long long)curve->steps[j].trial,
                    curve->steps[j].microseconds);
        fprintf(file, "\n");
    }
    if (fclose(file) == 0)
        return DLT_OK;
    return error_set(error, DLT_ERROR_SYSTEM, "%s: not all could be written", path);
}

static bool read_steps(struct curve *curve, char *text) {
    while (*text && *text != '\n') {
        char *end;
        int64_t trial = strtoll(text, &end, 10);
        double microseconds;
        if (end == text || *end != ':')
            return false;
        microseconds = strtod(end + 1, &text);
        if (text == end + 1 || !curve_append(curve, trial, microseconds))
            return false;
        text += *text == ' ';
    }
    return true;
}

static bool read_curve(struct curves *curves, char *line) {
    char task[160], strategy[32];
    int seed, used = 0;
    long long trials;
    struct curve *curve;
    if (sscanf(line, "%159[^\t]\t%31[^\t]\t%d\t%lld\t%n", task, strategy, &seed, &trials, &used) !=
            4 ||
        !used)
        return false;
    curve = curves_add(curves, task, strategy, seed, trials);
    return curve && read_steps(curve, line + used);
}

dlt_status curves_read(struct curves *curves, const char *path, struct error *error) {
    FILE *file = fopen(path, "r");
    char *line = malloc(LINE_BYTES);
    dlt_status status = DLT_OK;
    *curves = (struct curves){0};
    if (!file)
        status = error_set(error, DLT_ERROR_NOT_FOUND, "%s: cannot be read", path);
    for (int number = 1; status == DLT_OK && line && file && fgets(line, LINE_BYTES, file);
         number++)
        if (!read_curve(curves, line))
            status = error_set(error, DLT_ERROR_ARGUMENT, "%s:%d: not a curve", path, number);
    if (file)
        fclose(file);
    free(line);
    return status;
}

/* ---- judging ---- */

double curve_at(const struct curve *curve, int64_t trial) {
    double time = INFINITY;
    for (int i = 0; i < curve->step_count && curve->steps[i].trial <= trial; i++)
        time = curve->steps[i].microseconds;
    return time;
}

double curves_best(const struct curves *curves, const char *task) {
    double best = INFINITY;
    for (int i = 0; i < curves->count; i++)
        if (!strcmp(curves->curves[i].task, task))
            for (int j = 0; j < curves->curves[i].step_count; j++)
                best = fmin(best, curves->curves[i].steps[j].microseconds);
    return best;
}

static double needed(const struct curve *curve, double limit) {
    for (int i = 0; i < curve->step_count; i++)
        if (curve->steps[i].microseconds <= limit)
            return (double)curve->steps[i].trial;
    return (double)curve->trials + 1;
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of a task's runs by a strategy: `limit` above 0: the trials until it; else the time at `trial`.
 * Answers the median; -1 if there is none. */
static double median_of(const struct curves *curves, const char *task, const char *strategy,
                        double limit, int64_t trial) {
    double values[MAX_CURVE_SEEDS];
    int count = 0;
    for (int i = 0; i < curves->count && count < MAX_CURVE_SEEDS; i++) {
        const struct curve *curve = &curves->curves[i];
        if (!strcmp(curve->task, task) && !strcmp(curve->strategy, strategy))
            values[count++] = limit > 0 ? needed(curve, limit) : curve_at(curve, trial);
    }
    qsort(values, (size_t)count, sizeof *values, by_number);
    return count ? values[count / 2] : -1;
}

int64_t curves_median_needed(const struct curves *curves, const char *task, const char *strategy,
                             double best, double tolerance) {
    return (int64_t)median_of(curves, task, strategy, best * (1 + tolerance), 0);
}

double curves_median_at(const struct curves *curves, const char *task, const char *strategy,
                        int64_t trial) {
    return median_of(curves, task, strategy, 0, trial);
}

/* ---- the table ---- */

static void print_line(FILE *file, const struct curves *curves, const char *name,
                       const double *values, const char *format) {
    fprintf(file, "%-56.56s", name);
    for (int j = 0; j < curves->strategy_count; j++)
        fprintf(file, format, values[j]);
    fprintf(file, "\n");
}

void curves_print(const struct curves *curves, FILE *file) {
    double all[MAX_CURVE_STRATEGIES] = {0}, medians[MAX_CURVE_STRATEGIES];
    double ratios[MAX_CURVE_STRATEGIES][MAX_CURVE_TASKS];
    fprintf(file, "%-56s", "trials to within 2 % of the best, median over the seeds");
    for (int j = 0; j < curves->strategy_count; j++)
        fprintf(file, " %10s", curves->strategies[j]);
    fprintf(file, "\n");
    for (int i = 0; i < curves->task_count; i++) {
        double values[MAX_CURVE_STRATEGIES], best = curves_best(curves, curves->tasks[i]);
        for (int j = 0; j < curves->strategy_count; j++) {
            values[j] = (double)curves_median_needed(curves, curves->tasks[i],
                                                     curves->strategies[j], best, TOLERANCE);
            all[j] += log(values[j]) / curves->task_count;
            ratios[j][i] = values[0] / values[j];
        }
        print_line(file, curves, curves->tasks[i], values, " %10.0f");
    }
    for (int j = 0; j < curves->strategy_count; j++) {
        int n = curves->task_count;
        qsort(ratios[j], (size_t)n, sizeof ratios[j][0], by_number);
        medians[j] = n ? (ratios[j][(n - 1) / 2] + ratios[j][n / 2]) / 2 : 0;
        all[j] = exp(all[j]);
    }
    print_line(file, curves, "geometric mean", all, " %10.1f");
    print_line(file, curves, "the first one's trials over these, median of the tasks", medians,
               " %10.2f");
}
