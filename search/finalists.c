/* The fastest are timed again, in turns, since the least of many rough times is a lucky one. */
#include "search/tuner_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SECONDS   10.0 /* for finalists, where only the trials are limited */
#define SHARE_OF_TRIALS 0.5

static void drop(struct contender *contender) {
    free(contender->trace);
    free(contender->knobs);
}

int contenders_find(const struct contenders *list, const char *trace) {
    for (int i = 0; i < list->count; i++)
        if (!strcmp(list->all[i].trace, trace))
            return i;
    return -1;
}

static void remove_at(struct contenders *list, int index) {
    drop(&list->all[index]);
    list->count--;
    memmove(&list->all[index], &list->all[index + 1],
            (size_t)(list->count - index) * sizeof list->all[0]);
}

void contenders_free(struct contenders *list) {
    while (list->count)
        remove_at(list, list->count - 1);
}

/* A schedule that is there already is there with the later time. */
dlt_status contenders_add(struct contenders *list, const char *trace, const char *knobs,
                          double median_us, struct error *error) {
    int same = contenders_find(list, trace), place = 0;
    struct contender added;
    if (same >= 0)
        remove_at(list, same);
    while (place < list->count && list->all[place].median_us <= median_us)
        place++;
    if (place == FINALISTS)
        return DLT_OK;
    added = (struct contender){strdup(trace), strdup(knobs), median_us};
    if (!added.trace || !added.knobs) {
        drop(&added);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    if (list->count == FINALISTS)
        remove_at(list, FINALISTS - 1);
    memmove(&list->all[place + 1], &list->all[place],
            (size_t)(list->count - place) * sizeof list->all[0]);
    list->all[place] = added;
    list->count++;
    return DLT_OK;
}

/* As many of the fastest as there is time for. */
static int affordable(const struct tuner *tuner) {
    const struct tuner_measurer *measurer = tuner->measurer;
    int count = tuner->contenders.count;
    while (count > 0 && measurer->finalists_seconds &&
           !account_affords(&tuner->account, measurer->finalists_seconds(measurer->context, count)))
        count--;
    return count;
}

static dlt_status run_again(struct tuner *tuner, int count, struct measure_result *results,
                            struct error *error) {
    const char *traces[FINALISTS];
    double start = clock_seconds();
    dlt_status status;
    for (int i = 0; i < count; i++)
        traces[i] = tuner->contenders.all[i].trace;
    status = tuner->measurer->run_again(tuner->measurer->context, count, traces, results, error);
    tuner->summary->shares[SHARE_FINALISTS] += clock_seconds() - start;
    return status;
}

/* Where only the trials are limited, finalists take time in proportion to them. */
static void limit_time(struct account *account) {
    if (!isfinite(account->end))
        account->end = account->last =
            account_now(account) + fmax(LEAST_SECONDS, SHARE_OF_TRIALS * account_spent(account));
}

static dlt_status time_finalists(struct tuner *tuner, struct error *error) {
    struct measure_result results[FINALISTS] = {0};
    int best = -1, count = affordable(tuner);
    if (!count)
        return DLT_OK;
    TRY(run_again(tuner, count, results, error));
    for (int i = 0; i < count; i++) {
        const struct contender *contender = &tuner->contenders.all[i];
        if (results[i].cut)
            continue;
        tuner_judge(tuner, &results[i]);
        TRY(tuner_store(tuner, contender->trace, contender->knobs, &results[i], true, error));
        if (results[i].outcome == OUTCOME_OK &&
            (best < 0 || results[i].median_us < results[best].median_us))
            best = i;
    }
    if (best < 0)
        return DLT_OK;
    return tuner_set_best(tuner, tuner->contenders.all[best].trace,
                          tuner->contenders.all[best].knobs, &results[best], true, error);
}

dlt_status tuner_run_finalists(struct tuner *tuner, struct error *error) {
    struct account before = tuner->account;
    dlt_status status = DLT_OK;
    if (tuner->contenders.count && tuner->summary->trials) {
        limit_time(&tuner->account);
        status = time_finalists(tuner, error);
        tuner->account = before;
    }
    return status;
}
