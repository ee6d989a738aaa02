/* Measures of ranking; see quality.h. */
#include "costmodel/quality.h"

#include <math.h>

#define NOISE 0.02

static double pairwise_accuracy(int64_t count, const double *times, const double *scores) {
    double right = 0, pairs = 0, least = log1p(NOISE);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < i; j++) {
            double difference = times[i] - times[j];
            if (fabs(difference) <= least)
                continue;
            pairs++;
            if (scores[i] == scores[j])
                right += 0.5;
            else
                right += (scores[i] > scores[j]) == (difference > 0);
        }
    return pairs > 0 ? right / pairs : 1;
}

/* The least time among the points that fewer than k others go before. */
static double peak(int64_t count, const double *times, const double *scores, int k) {
    double best = INFINITY, chosen = INFINITY;
    for (int64_t i = 0; i < count; i++) {
        int64_t before = 0;
        best = fmin(best, times[i]);
        for (int64_t j = 0; j < count && before < k; j++)
            before += scores[j] < scores[i] || (scores[j] == scores[i] && j < i);
        if (before < k)
            chosen = fmin(chosen, times[i]);
    }
    return count ? exp(best - chosen) : 1;
}

struct quality quality_of(int64_t count, const double *times, const double *scores) {
    return (struct quality){pairwise_accuracy(count, times, scores), peak(count, times, scores, 1),
                            peak(count, times, scores, 5)};
}
