/* Finalists, timed again until their order is settled.
 *
 * In each round every finalist is timed once, so that a slow phase of the machine meets all of
 * them; rounds start at different finalists and, after the first, in fresh processes, since where a
 * process happens to lie in memory can slow one kernel and not another. A finalist's time is the
 * median of its rounds. Rounds end when the fastest wins most of them against each other one, or
 * when they are tied for good. */
#include "measure/measurer.h"

#include "measure/timing.h"

#include <stdlib.h>
#include <string.h>

enum {
    LEAST_ROUNDS = 5,
    MOST_ROUNDS = 11
};

struct finalist {
    double medians[MOST_ROUNDS];
};

static double median_of(const struct finalist *finalist, int rounds) {
    double sorted[MOST_ROUNDS];
    memcpy(sorted, finalist->medians, sizeof sorted);
    return timing_median(sorted, rounds);
}

/* The fastest wins at least four rounds of five against each other finalist. */
static bool is_settled(const struct finalist *finalists, const struct measure_result *results,
                       int count, int rounds) {
    int best = -1;
    for (int i = 0; i < count; i++)
        if (results[i].outcome == OUTCOME_OK &&
            (best < 0 || median_of(&finalists[i], rounds) < median_of(&finalists[best], rounds)))
            best = i;
    for (int i = 0; i < count; i++) {
        int wins = 0;
        if (i == best || results[i].outcome != OUTCOME_OK)
            continue;
        for (int round = 0; round < rounds; round++)
            wins += finalists[best].medians[round] < finalists[i].medians[round];
        if (5 * wins < 4 * rounds)
            return false;
    }
    return true;
}

/* Keeps the first failure, the largest error, the least time and the sum of the shares. */
static void merge(struct measure_result *total, const struct measure_result *one, int round) {
    struct measure_result old = *total;
    if (round == 0 || one->outcome != OUTCOME_OK) {
        *total = *one;
        if (round == 0)
            return;
    }
    if (old.minimum_us < total->minimum_us || one->minimum_us < total->minimum_us)
        total->minimum_us = old.minimum_us < one->minimum_us ? old.minimum_us : one->minimum_us;
    if (one->max_error > total->max_error)
        total->max_error = one->max_error;
    total->seconds.lower = old.seconds.lower + one->seconds.lower;
    total->seconds.compile = old.seconds.compile + one->seconds.compile;
    total->seconds.check = old.seconds.check + one->seconds.check;
    total->seconds.time = old.seconds.time + one->seconds.time;
}

static dlt_status run_round(struct measurer *measurer, int round, int count,
                            const char *const *traces, struct finalist *finalists,
                            struct measure_result *results, struct error *error) {
    struct run_message request = {.number = measurer->number++,
                                  .mode = round == 0 ? RUN_THOROUGH : RUN_AGAIN};
    if (round > 0)
        process_end(&measurer->process); /* the next one lies elsewhere in memory */
    for (int i = 0; i < count; i++) {
        int index = (i + round) % count;
        struct measure_result one;
        if (round > 0 && results[index].outcome != OUTCOME_OK)
            continue;
        TRY(measurer_send(measurer, traces[index], &request, &one, error));
        finalists[index].medians[round] = one.median_us;
        merge(&results[index], &one, round);
    }
    return DLT_OK;
}

dlt_status measurer_run_again(struct measurer *measurer, int count, const char *const *traces,
                              struct measure_result *results, struct error *error) {
    struct finalist *finalists;
    dlt_status status = DLT_OK;
    int rounds = 0;
    if (count <= 0)
        return DLT_OK;
    finalists = calloc((size_t)count, sizeof *finalists);
    if (!finalists)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    while (status == DLT_OK && rounds < MOST_ROUNDS &&
           (rounds < LEAST_ROUNDS || !is_settled(finalists, results, count, rounds)))
        status = run_round(measurer, rounds++, count, traces, finalists, results, error);
    for (int i = 0; i < count && status == DLT_OK; i++)
        if (results[i].outcome == OUTCOME_OK) {
            results[i].median_us = timing_median(finalists[i].medians, rounds);
            results[i].spread = timing_spread(finalists[i].medians, rounds);
        }
    free(finalists);
    return status;
}
