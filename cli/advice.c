/* From reasons to what helps; see advice.h. */
#include "cli/advice.h"

/* What happened to so many candidates, and what helps where it happens to all of them. */
static const struct {
    const char *happened, *change;
} kinds[OUTCOME_COUNT] = {
    [OUTCOME_REFUSED] = {"refused", "name another --target, or write the workload differently"},
    [OUTCOME_COMPILE] = {"not compiled", "name another --target"},
    [OUTCOME_WRONG] = {"wrong",
                       "name another --target; `dltune db failures --out DIR` keeps cases"},
    [OUTCOME_OUTSIDE] = {"stopped at the edge of a buffer",
                         "name another --target; `dltune db failures --out DIR` keeps cases"},
    [OUTCOME_CRASH] = {"crashed",
                       "name another --target; `dltune db failures --out DIR` keeps cases"},
    [OUTCOME_TIMEOUT] = {"too slow", "tune a part of the workload, or name another --target"},
    [OUTCOME_MEMORY] = {"out of memory", "free memory, or tune a smaller workload"},
    [OUTCOME_EXIT] = {"ended", "name another --target; `dltune db failures --out DIR` keeps cases"},
};

static bool is_too_strict(const struct failure_reason *reason,
                          const struct tuner_options *options) {
    return reason->outcome == OUTCOME_WRONG && options->max_error > 0 && options->max_error < 1;
}

/* Where candidates fail in different ways, the next may not fail at all. */
static void print_more(struct text *text, const struct tuner_summary *summary,
                       const struct tuner_options *options, const struct failure_reason *reason) {
    bool alike = reason->count == summary->trials;
    if (alike || summary->exhausted)
        return;
    if (options->trials && summary->trials >= options->trials)
        text_append(text, ", or give more --trials");
    else if (options->seconds > 0)
        text_append(text, ", or give more --time");
}

void advice_print(struct text *text, const struct tuner_summary *summary,
                  const struct tuner_options *options) {
    const struct failure_reason *reason = failure_reasons_commonest(&summary->failures);
    if (summary->cancelled) {
        text_append(text, "interrupted before a candidate was right");
    } else if (!reason) {
        text_append(text,
                    summary->exhausted
                        ? "no candidate could be proposed; name another --target, or write the "
                          "workload differently"
                        : "the time was over before a candidate was measured; give more --time");
    } else {
        text_format(text, "no candidate was right: %lld of %lld %s %s (%s); %s",
                    (long long)reason->count, (long long)summary->trials,
                    reason->count == 1 ? "was" : "were", kinds[reason->outcome].happened,
                    reason->message,
                    is_too_strict(reason, options) ? "allow more with --max-error"
                                                   : kinds[reason->outcome].change);
        print_more(text, summary, options, reason);
    }
}
