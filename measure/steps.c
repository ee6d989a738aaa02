/* Buckets of times; see steps.h. */
#include "measure/steps.h"

#include <math.h>

#define LEAST_MICROSECONDS 0.01
#define WIDTH              1.05

const char *const measure_step_names[STEP_COUNT] = {"lower",   "encode", "print",
                                                    "compile", "link",   "all"};

static int bucket_of(double microseconds) {
    double number = log(microseconds / LEAST_MICROSECONDS) / log(WIDTH);
    if (!(number > 0))
        return 0;
    return number < STEP_BUCKETS - 1 ? (int)number : STEP_BUCKETS - 1;
}

void step_times_add(struct step_times *times, const double microseconds[STEP_COUNT]) {
    if (!(microseconds[STEP_ALL] > 0))
        return;
    for (int i = 0; i < STEP_COUNT; i++)
        times->counts[i][bucket_of(microseconds[i])]++;
}

void step_times_merge(struct step_times *times, const struct step_times *others) {
    for (int i = 0; i < STEP_COUNT; i++)
        for (int j = 0; j < STEP_BUCKETS; j++)
            times->counts[i][j] += others->counts[i][j];
}

double step_times_quantile(const struct step_times *times, enum measure_step step, double share) {
    double all = 0, below = 0;
    int bucket = 0;
    for (int i = 0; i < STEP_BUCKETS; i++)
        all += times->counts[step][i];
    if (all == 0)
        return 0;
    while (bucket < STEP_BUCKETS - 1 && below + times->counts[step][bucket] < share * all)
        below += times->counts[step][bucket++];
    return LEAST_MICROSECONDS * pow(WIDTH, bucket + 0.5);
}
