/* Results of runs: added up, freed; see search.h. */
#include "search/search.h"

#include <stdlib.h>
#include <string.h>

void tuner_summary_add(struct tuner_summary *sum, const struct tuner_summary *run) {
    sum->trials += run->trials;
    for (int i = 0; i < OUTCOME_COUNT; i++)
        sum->errors[i] += run->errors[i];
    for (int i = 0; i < TUNER_SHARES; i++)
        sum->shares[i] += run->shares[i];
    step_times_merge(&sum->steps, &run->steps);
    sum->slow += run->slow;
    sum->cancelled |= run->cancelled;
    sum->hopeless |= run->hopeless;
    if (run->quality.points > sum->quality.points)
        sum->quality = run->quality;
    for (int i = 0; i < run->failures.count; i++)
        failure_reasons_add(&sum->failures, run->failures.reasons[i].outcome,
                            run->failures.reasons[i].message, run->failures.reasons[i].count);
    if (!sum->first_failure[0])
        memcpy(sum->first_failure, run->first_failure, sizeof sum->first_failure);
}

void tuner_summary_free(struct tuner_summary *summary) {
    free(summary->best.trace);
    free(summary->best.knobs);
    summary->best.trace = summary->best.knobs = NULL;
}
