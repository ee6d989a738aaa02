/* Prior and corrections; see learner.h. */
#include "search/learner.h"

#include "base/hash.h"
#include "search/prior.h"
#include "search/proposals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FEWEST_RECORDS = 6, /* to train on */
    MOST_ROWS = 1500,   /* of a training: the fastest half, and others evenly spread */
    TREES = 40,
    DEPTH = 5,
    MEMO_SLOTS = 4096,
};

#define RATE       0.2
#define LEAST_LEAF 0.5 /* early, a single record may be all that is known of a region */
#define SHRINKAGE  0.2
#define FOCUS      12   /* a row e times slower than the best weighs exp(-FOCUS) of it */
#define GROWTH     1.15 /* of the records, before the trees are trained again */
#define FAILURE    1.5  /* how much slower than the best a failure counts, as a logarithm */

/* What is known of points that chains were at lately: they come back to the same ones, and
 * describing a point costs more than asking the trees. The latest of those with a slot is kept. */
struct learner_memo {
    bool used[MEMO_SLOTS];
    unsigned char keys[MEMO_SLOTS][MAX_KNOBS];
    float features[MEMO_SLOTS][FEATURE_COUNT], priors[MEMO_SLOTS];
};

/* Of the points of one question: too much for a small stack. */
struct learner_batch {
    float features[LEARNER_BATCH * FEATURE_COUNT]; /* of all */
    float priors[LEARNER_BATCH], corrections[LEARNER_BATCH];
    float rows[LEARNER_BATCH * FEATURE_COUNT]; /* of those that the memo does not know */
    float energies[LEARNER_BATCH];
    double analytic[LEARNER_BATCH];
    int missing[LEARNER_BATCH];
};

void learner_initialise(struct learner *learner, const struct space *space) {
    *learner = (struct learner){.space = space,
                                .memo = calloc(1, sizeof *learner->memo),
                                .batch = calloc(1, sizeof *learner->batch)};
}

void learner_free(struct learner *learner) {
    cost_model_free(learner->corrections);
    free(learner->features);
    free(learner->priors);
    free(learner->scores);
    free(learner->work_features);
    free(learner->work_targets);
    free(learner->work_weights);
    free(learner->memo);
    free(learner->batch);
    *learner = (struct learner){.space = learner->space};
}

/* ---- energies ---- */

/* The slot of a point, which is its own if `*known`. */
static size_t find_slot(const struct learner_memo *memo, const unsigned char *key, bool *known) {
    size_t slot = hash_bytes(key, MAX_KNOBS) % MEMO_SLOTS;
    *known = memo->used[slot] && memcmp(memo->keys[slot], key, MAX_KNOBS) == 0;
    return slot;
}

static void keep(struct learner *learner, const int *point, const float *features, float prior) {
    struct learner_memo *memo = learner->memo;
    unsigned char key[MAX_KNOBS];
    bool known;
    size_t slot;
    if (!memo)
        return;
    point_key(learner->space, point, key);
    slot = find_slot(memo, key, &known);
    memo->used[slot] = true;
    memcpy(memo->keys[slot], key, sizeof key);
    memcpy(memo->features[slot], features, sizeof memo->features[slot]);
    memo->priors[slot] = prior;
}

static bool recall(const struct learner *learner, const int *point, float *features, float *prior) {
    const struct learner_memo *memo = learner->memo;
    unsigned char key[MAX_KNOBS];
    bool known = false;
    size_t slot;
    if (!memo)
        return false;
    point_key(learner->space, point, key);
    slot = find_slot(memo, key, &known);
    if (!known)
        return false;
    memcpy(features, memo->features[slot], sizeof memo->features[slot]);
    *prior = memo->priors[slot];
    return true;
}

/* Features and priors of points. The trees are asked about all new ones at once, since a question
 * costs them more than a point. */
static void describe(struct learner *learner, int count, int (*points)[MAX_KNOBS]) {
    struct learner_batch *batch = learner->batch;
    int missing_count = 0;
    for (int i = 0; i < count; i++) {
        float *row = batch->rows + missing_count * FEATURE_COUNT;
        float *features = batch->features + i * FEATURE_COUNT;
        if (recall(learner, points[i], features, &batch->priors[i]))
            continue;
        batch->analytic[missing_count] = features_with_score(learner->space, points[i], row);
        memcpy(features, row, FEATURE_COUNT * sizeof *row);
        batch->missing[missing_count++] = i;
    }
    prior_energies(learner->hints, missing_count, batch->rows, batch->analytic, batch->energies);
    for (int i = 0; i < missing_count; i++) {
        int point = batch->missing[i];
        batch->priors[point] = batch->energies[i];
        keep(learner, points[point], batch->rows + i * FEATURE_COUNT, batch->energies[i]);
    }
}

void learner_energies(struct learner *learner, int count, int (*points)[MAX_KNOBS],
                      double *energies) {
    struct learner_batch *batch = learner->batch;
    if (!batch) {
        for (int i = 0; i < count; i++)
            energies[i] = analytic_score(learner->space, points[i]);
        return;
    }
    describe(learner, count, points);
    if (!learner->corrections || cost_model_predict(learner->corrections, count, batch->features,
                                                    batch->corrections, NULL) != DLT_OK)
        memset(batch->corrections, 0, sizeof batch->corrections);
    for (int i = 0; i < count; i++)
        energies[i] = (double)batch->priors[i] + (double)batch->corrections[i];
}

bool learner_has_learnt(const struct learner *learner) {
    return (learner->hints && learner->hints->model) || learner->corrections;
}

/* ---- records ---- */

static bool grow(struct learner *learner) {
    int64_t capacity = learner->capacity ? 2 * learner->capacity : 64;
    size_t rows = (size_t)capacity;
    float *features = realloc(learner->features, rows * FEATURE_COUNT * sizeof *features);
    if (features)
        learner->features = features;
    float *priors = realloc(learner->priors, rows * sizeof *priors);
    if (priors)
        learner->priors = priors;
    double *scores = realloc(learner->scores, rows * sizeof *scores);
    if (scores)
        learner->scores = scores;
    if (!features || !priors || !scores)
        return false;
    learner->capacity = capacity;
    return true;
}

bool learner_add(struct learner *learner, const int *point, double score) {
    int points[1][MAX_KNOBS] = {{0}};
    const struct learner_batch *batch = learner->batch;
    if (!batch)
        return false;
    if (learner->count == learner->capacity && !grow(learner))
        return false;
    memcpy(points[0], point, (size_t)learner->space->knob_count * sizeof *point);
    describe(learner, 1, points);
    memcpy(learner->features + learner->count * FEATURE_COUNT, batch->features,
           FEATURE_COUNT * sizeof *batch->features);
    learner->priors[learner->count] = batch->priors[0];
    learner->scores[learner->count++] = score;
    return true;
}

/* ---- training ---- */

static bool is_due(const struct learner *learner) {
    return cost_model_available() && learner->count >= FEWEST_RECORDS &&
           (double)learner->count >= (double)learner->trained * GROWTH;
}

static int by_number(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The score below which the fastest half of the rows lie, where there are too many for all. */
static double score_limit(const struct learner *learner) {
    double *sorted, limit = INFINITY;
    if (learner->count <= MOST_ROWS)
        return limit;
    sorted = malloc((size_t)learner->count * sizeof *sorted);
    if (!sorted)
        return limit;
    memcpy(sorted, learner->scores, (size_t)learner->count * sizeof *sorted);
    qsort(sorted, (size_t)learner->count, sizeof *sorted, by_number);
    limit = sorted[MOST_ROWS / 2];
    free(sorted);
    return limit;
}

static double best_score(const struct learner *learner) {
    double best = INFINITY;
    for (int64_t i = 0; i < learner->count; i++)
        best = learner->scores[i] < best ? learner->scores[i] : best;
    return best;
}

/* What the prior got wrong, with the mean taken away: only differences count. */
static int64_t choose_rows(struct learner *learner, double best) {
    double limit = score_limit(learner), sum = 0, most = best + FAILURE;
    int64_t step = 1 + 2 * learner->count / MOST_ROWS, rows = 0;
    for (int64_t i = 0; i < learner->count && rows < MOST_ROWS; i++) {
        double score = learner->scores[i] < most ? learner->scores[i] : most;
        if (learner->count > MOST_ROWS && learner->scores[i] > limit && i % step)
            continue;
        memcpy(learner->work_features + rows * FEATURE_COUNT, learner->features + i * FEATURE_COUNT,
               FEATURE_COUNT * sizeof(float));
        learner->work_targets[rows] = (float)(score - (double)learner->priors[i]);
        learner->work_weights[rows] = (float)exp(-FOCUS * (score - best));
        sum += (double)learner->work_targets[rows++];
    }
    for (int64_t i = 0; i < rows; i++)
        learner->work_targets[i] -= (float)(sum / (double)rows);
    return rows;
}

static bool reserve_rows(struct learner *learner) {
    if (!learner->work_features)
        learner->work_features = malloc(sizeof(float) * MOST_ROWS * FEATURE_COUNT);
    if (!learner->work_targets)
        learner->work_targets = malloc(sizeof(float) * MOST_ROWS);
    if (!learner->work_weights)
        learner->work_weights = malloc(sizeof(float) * MOST_ROWS);
    return learner->work_features && learner->work_targets && learner->work_weights;
}

void learner_train(struct learner *learner) {
    struct cost_model_options options = {.trees = TREES,
                                         .depth = DEPTH,
                                         .rate = RATE,
                                         .least_leaf = LEAST_LEAF,
                                         .shrinkage = SHRINKAGE};
    struct cost_model_rows rows = {0};
    struct cost_model *model;
    double best = best_score(learner);
    if (!is_due(learner) || !isfinite(best) || !reserve_rows(learner))
        return;
    rows.count = choose_rows(learner, best);
    rows.features = learner->work_features;
    rows.targets = learner->work_targets;
    rows.weights = learner->work_weights;
    learner->trained = learner->count;
    if (cost_model_train(&rows, &options, &model, NULL) != DLT_OK)
        return;
    cost_model_free(learner->corrections);
    learner->corrections = model;
}
