/* How well cost models rank points of tasks that they have never seen.
 *
 *     bench_model_quality TABLE...
 *
 * TABLEs are those of replay (docs/search.md). Each in turn is left out: a model is trained on the
 * others and asked about up to 1000 points of it, drawn uniformly. Printed are pairwise accuracy,
 * peak@1 and peak@5 (costmodel/quality.h) for regression, for ranking, for the prior of a search
 * (regression mixed with the analytic score, search/prior.h), and for the bare analytic score. */
#include "costmodel/features.h"
#include "costmodel/model.h"
#include "costmodel/quality.h"
#include "search/prior.h"
#include "search/replay.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    MAX_TABLES = 64,
    DRAWN = 1000,
    KINDS = 4, /* of scores */
};

static const char *const kinds[KINDS] = {"regression", "ranking", "prior", "analytic"};

/* The points of a table that did not fail. */
struct sample {
    struct replay_table *table;
    int64_t count;
    float *features, *targets; /* targets: log of the time over the best */
    double *analytic;
};

static double seconds_features, seconds_training;
static int64_t points_described;

static void fail(const char *message) {
    fprintf(stderr, "bench_model_quality: %s\n", message);
    exit(1);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void *allocate(int64_t count, size_t bytes) {
    void *memory = calloc((size_t)count + 1, bytes);
    if (!memory)
        fail("out of memory");
    return memory;
}

static void describe(struct sample *sample) {
    const struct replay_table *table = sample->table;
    int64_t all = table->points.count;
    sample->features = allocate(all * FEATURE_COUNT, sizeof(float));
    sample->targets = allocate(all, sizeof(float));
    sample->analytic = allocate(all, sizeof(double));
    for (int64_t i = 0; i < all; i++) {
        int point[MAX_KNOBS];
        double start = seconds_now();
        if (!isfinite(table->points.scores[i]))
            continue;
        for (int j = 0; j < table->space->knob_count; j++)
            point[j] = table->points.keys[i * MAX_KNOBS + j];
        features_compute(table->space, point, sample->features + sample->count * FEATURE_COUNT);
        seconds_features += seconds_now() - start;
        points_described++;
        sample->analytic[sample->count] = analytic_score(table->space, point);
        sample->targets[sample->count++] = (float)(table->points.scores[i] - table->best);
    }
}

static struct cost_model *train(const struct sample *samples, int count, int left_out,
                                enum cost_model_objective objective) {
    struct cost_model_options options = {.objective = objective};
    unsigned groups[MAX_TABLES];
    struct cost_model_rows rows = {.groups = groups};
    struct cost_model *model = NULL;
    struct error error = {.status = DLT_OK};
    float *features, *targets;
    double start;
    for (int i = 0; i < count; i++)
        rows.count += i == left_out ? 0 : samples[i].count;
    features = allocate(rows.count * FEATURE_COUNT, sizeof *features);
    targets = allocate(rows.count, sizeof *targets);
    rows.count = 0;
    for (int i = 0; i < count; i++) {
        if (i == left_out)
            continue;
        memcpy(features + rows.count * FEATURE_COUNT, samples[i].features,
               (size_t)samples[i].count * FEATURE_COUNT * sizeof *features);
        memcpy(targets + rows.count, samples[i].targets,
               (size_t)samples[i].count * sizeof *targets);
        groups[rows.group_count++] = (unsigned)samples[i].count;
        rows.count += samples[i].count;
    }
    rows.features = features;
    rows.targets = targets;
    start = seconds_now();
    if (cost_model_train(&rows, &options, &model, &error) != DLT_OK)
        fail(error.message);
    seconds_training += seconds_now() - start;
    free(features);
    free(targets);
    return model;
}

/* Draws points without replacement and asks for scores: so much of the model's, the rest of the
 * analytic one's. */
static struct quality judge(const struct sample *sample, const struct cost_model *model,
                            double share) {
    int64_t drawn = sample->count < DRAWN ? sample->count : DRAWN;
    double *times = allocate(drawn, sizeof *times), *scores = allocate(drawn, sizeof *scores);
    int64_t *order = allocate(sample->count, sizeof *order);
    float *predicted = allocate(sample->count, sizeof *predicted);
    struct quality quality;
    struct random random;
    struct error error = {.status = DLT_OK};
    random_seed(&random, 1);
    for (int64_t i = 0; i < sample->count; i++)
        order[i] = i;
    if (share > 0 &&
        cost_model_predict(model, sample->count, sample->features, predicted, &error) != DLT_OK)
        fail(error.message);
    for (int64_t i = 0; i < drawn; i++) {
        int64_t j = i + (int64_t)random_below(&random, (uint64_t)(sample->count - i));
        int64_t chosen = order[j];
        order[j] = order[i];
        times[i] = sample->targets[chosen];
        scores[i] = share * (double)predicted[chosen] + (1 - share) * sample->analytic[chosen];
    }
    quality = quality_of(drawn, times, scores);
    free(times);
    free(scores);
    free(order);
    free(predicted);
    return quality;
}

static void add(struct quality *sum, struct quality quality) {
    sum->pairwise += quality.pairwise;
    sum->peak1 += quality.peak1;
    sum->peak5 += quality.peak5;
}

static void print_line(const char *name, int64_t points, const struct quality *qualities,
                       double divisor) {
    printf("%-52.52s %6lld", name, (long long)points);
    for (int i = 0; i < KINDS; i++)
        printf("   %.3f %.3f %.3f", qualities[i].pairwise / divisor, qualities[i].peak1 / divisor,
               qualities[i].peak5 / divisor);
    printf("\n");
}

static void report(const struct sample *samples, int count) {
    struct quality sums[KINDS] = {0};
    printf("%-52s %6s", "task left out", "points");
    for (int i = 0; i < KINDS; i++)
        printf("   %-17s", kinds[i]);
    printf("\n%-52s %6s", "", "");
    for (int i = 0; i < KINDS; i++)
        printf("   %-5s %-5s %-5s", "pairs", "pk@1", "pk@5");
    printf("\n");
    for (int i = 0; i < count; i++) {
        struct quality qualities[KINDS];
        struct cost_model *regression = train(samples, count, i, MODEL_REGRESSION);
        struct cost_model *ranking = train(samples, count, i, MODEL_RANKING);
        qualities[0] = judge(&samples[i], regression, 1);
        qualities[1] = judge(&samples[i], ranking, 1);
        qualities[2] =
            judge(&samples[i], regression, prior_model_share(points_described - samples[i].count));
        qualities[3] = judge(&samples[i], NULL, 0);
        cost_model_free(regression);
        cost_model_free(ranking);
        for (int j = 0; j < KINDS; j++)
            add(&sums[j], qualities[j]);
        print_line(samples[i].table->task->workload, samples[i].count, qualities, 1);
    }
    print_line("mean", points_described, sums, count);
    printf("features %.2f us a point, training %.2f s a model\n",
           1e6 * seconds_features / (double)points_described, seconds_training / (2 * count));
}

int main(int argument_count, char **arguments) {
    static struct sample samples[MAX_TABLES];
    int count = argument_count - 1;
    struct error error;
    if (count < 2 || count > MAX_TABLES)
        fail("usage: bench_model_quality TABLE TABLE...");
    if (!cost_model_available())
        fail("built without XGBoost");
    for (int i = 0; i < count; i++) {
        if (replay_load(arguments[1 + i], &samples[i].table, &error) != DLT_OK)
            fail(error.message);
        describe(&samples[i]);
    }
    report(samples, count);
    for (int i = 0; i < count; i++) {
        replay_free(samples[i].table);
        free(samples[i].features);
        free(samples[i].targets);
        free(samples[i].analytic);
    }
    return 0;
}
