/* How well the prior that a run began with, the stored model in it, ranks what the run then
 * measured. It was trained before those records existed, so they are new to it. */
#include "search/prior.h"
#include "search/tuner_private.h"

#include <math.h>
#include <stdlib.h>

enum {
    MOST_POINTS = 1000
};

struct judged {
    int64_t count;
    double times[MOST_POINTS], analytic[MOST_POINTS], model[MOST_POINTS];
};

static void judge_point(const struct tuner *tuner, struct judged *judged, const unsigned char *key,
                        double time) {
    float features[FEATURE_COUNT], score;
    int point[MAX_KNOBS];
    for (int i = 0; i < MAX_KNOBS; i++)
        point[i] = key[i];
    judged->analytic[judged->count] = features_with_score(tuner->space, point, features);
    prior_energies(&tuner->memory.hints, 1, features, &judged->analytic[judged->count], &score);
    judged->times[judged->count] = time;
    judged->model[judged->count++] = (double)score;
}

void tuner_judge_model(struct tuner *tuner) {
    struct judged *judged = calloc(1, sizeof *judged);
    struct tuner_quality *quality = &tuner->summary->quality;
    const struct seen *points = &tuner->points;
    if (!judged)
        return;
    for (int64_t i = tuner->first_point; i < points->count && judged->count < MOST_POINTS; i++)
        if (isfinite(points->scores[i]))
            judge_point(tuner, judged, points->keys + i * MAX_KNOBS, points->scores[i]);
    quality->points = judged->count;
    quality->has_model = tuner->memory.model != NULL;
    quality->analytic = quality_of(judged->count, judged->times, judged->analytic);
    quality->model = quality_of(judged->count, judged->times, judged->model);
    free(judged);
}
