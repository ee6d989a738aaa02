/* Finalists, timed again until their order is settled.
 *
 * In each round every finalist is timed once, so that a slow phase of the machine meets all of
 * them; rounds start at different finalists and, after the first, in fresh processes, since where a
 * process happens to lie in memory can slow one kernel and not another. A finalist's time is the
 * median of its rounds. Rounds end when each wins most of them against the next slower one or is
 * tied with it, or with the time. */
#include "measure/measurer.h"

#include "measure/clock.h"
#include "measure/timing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TIE_FACTOR   1.005
#define MOST_SECONDS 30.0 /* after which no round begins, without an account */

enum {
    LEAST_ROUNDS = 5,
    TIE_ROUNDS = 7,
    MOST_ROUNDS = 11,
};

struct finalist {
    double medians[MOST_ROUNDS];
};

struct place {
    double median;
    int index;
};

static double median_of(const struct finalist *finalist, int rounds) {
    double sorted[MOST_ROUNDS];
    memcpy(sorted, finalist->medians, sizeof sorted);
    return timing_median(sorted, rounds);
}

/* Whether one is faster in at least four rounds of five. */
static bool is_faster(const struct finalist *one, const struct finalist *other, int rounds) {
    int wins = 0;
    for (int round = 0; round < rounds; round++)
        wins += one->medians[round] < other->medians[round];
    return 5 * wins >= 4 * rounds;
}

/* So close, after so many rounds, that more of them would not tell. */
static bool is_tied(double faster, double slower, int rounds) {
    return rounds >= TIE_ROUNDS && slower < faster * TIE_FACTOR;
}

static int compare_places(const void *a, const void *b) {
    const struct place *left = a, *right = b;
    if (left->median != right->median)
        return left->median < right->median ? -1 : 1;
    return left->index - right->index;
}

/* Whether each is faster than the next in order, or tied with it. */
static bool is_settled(const struct finalist *finalists, const struct measure_result *results,
                       int count, int rounds, struct place *places) {
    int right = 0;
    for (int i = 0; i < count; i++)
        if (results[i].outcome == OUTCOME_OK)
            places[right++] = (struct place){median_of(&finalists[i], rounds), i};
    qsort(places, (size_t)right, sizeof *places, compare_places);
    for (int i = 0; i + 1 < right; i++)
        if (!is_tied(places[i].median, places[i + 1].median, rounds) &&
            !is_faster(&finalists[places[i].index], &finalists[places[i + 1].index], rounds))
            return false;
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
    if (one->slowdown > total->slowdown)
        total->slowdown = one->slowdown;
    if (one->max_error > total->max_error)
        total->max_error = one->max_error;
    for (int i = 0; i < MEASURE_SHARES; i++)
        total->seconds[i] = old.seconds[i] + one->seconds[i];
}

static dlt_status run_round(struct measurer *measurer, int round, int count,
                            const char *const *traces, struct finalist *finalists,
                            struct measure_result *results, bool *cut, struct error *error) {
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
        if (one.cut) {
            *cut = true;
            if (round == 0)
                results[index] = one;
            continue;
        }
        finalists[index].medians[round] = one.median_us;
        merge(&results[index], &one, round);
    }
    return DLT_OK;
}

/* A pass of its own, so that counting disturbs no time. A failure of it is no finalist's. */
static dlt_status count_finalists(struct measurer *measurer, int count, const char *const *traces,
                                  struct measure_result *results, struct error *error) {
    for (int i = 0; i < count && measurer->process.counters; i++) {
        struct run_message request = {
            .number = results[i].number, .best_us = results[i].median_us, .mode = RUN_COUNT};
        struct measure_result counted;
        if (results[i].outcome != OUTCOME_OK)
            continue;
        if (!account_affords(measurer->account, measurer->measure_seconds))
            break;
        TRY(measurer_send(measurer, traces[i], &request, &counted, error));
        if (counted.outcome == OUTCOME_OK)
            results[i].counters = counted.counters;
    }
    return DLT_OK;
}

double measurer_finalists_seconds(const struct measurer *measurer, int count) {
    double start = measurer->process.id ? 0 : measurer->start_seconds;
    return start + count * measurer->measure_seconds;
}

/* Rounds until the order is settled or the time is over; a round that was cut counts for none. */
static dlt_status run_rounds(struct measurer *measurer, int count, const char *const *traces,
                             struct finalist *finalists, struct measure_result *results,
                             struct place *places, int *rounds, struct error *error) {
    double start = clock_seconds(), took = 0;
    bool cut = false;
    for (*rounds = 0; *rounds < MOST_ROUNDS && !cut; (*rounds)++) {
        double since = clock_seconds();
        bool last =
            *rounds >= LEAST_ROUNDS && is_settled(finalists, results, count, *rounds, places);
        if (last || (*rounds > 0 &&
                     (since - start > MOST_SECONDS || !account_affords(measurer->account, took))))
            return DLT_OK;
        TRY(run_round(measurer, *rounds, count, traces, finalists, results, &cut, error));
        took = fmax(took, clock_seconds() - since);
    }
    *rounds -= cut && *rounds > 1;
    return DLT_OK;
}

dlt_status measurer_run_again(struct measurer *measurer, int count, const char *const *traces,
                              struct measure_result *results, struct error *error) {
    struct finalist *finalists;
    struct place *places;
    dlt_status status = DLT_OK;
    int rounds = 0;
    if (count <= 0)
        return DLT_OK;
    finalists = calloc((size_t)count, sizeof *finalists);
    places = calloc((size_t)count, sizeof *places);
    if (!finalists || !places)
        status = error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (status == DLT_OK)
        status = run_rounds(measurer, count, traces, finalists, results, places, &rounds, error);
    for (int i = 0; i < count && status == DLT_OK; i++)
        if (results[i].outcome == OUTCOME_OK) {
            results[i].median_us = timing_median(finalists[i].medians, rounds);
            results[i].spread = timing_spread(finalists[i].medians, rounds);
        }
    if (status == DLT_OK)
        status = count_finalists(measurer, count, traces, results, error);
    free(places);
    free(finalists);
    return status;
}
