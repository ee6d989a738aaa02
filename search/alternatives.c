/* Sharing trials out among alternatives; see alternatives.h.
 *
 * Rounds, in each of which every alternative that still takes part is tuned for a while. A round is
 * an ordinary run of the tuner, which goes on from the records of the rounds before:
 *
 *     30 %   all           what each layout is worth, roughly
 *     30 %   the best two  which are seldom far apart
 *     40 %   the best
 *
 * What an exhausted space leaves over goes to the next best. */
#include "search/alternatives.h"

#include "search/tuner_private.h"
#include "te/alternatives.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 3,
    UNLIMITED_TRIALS = 64 /* of an alternative in all rounds but the last, without any limit */
};

static const struct {
    int alternatives; /* 0: all */
    double share;     /* of what was there at first; the last takes what is left */
} rounds[ROUNDS] = {{0, 0.3}, {2, 0.3}, {1, 1}};

struct alternative {
    int number;
    struct tuner_summary summary; /* of its last round that had a best */
    bool tuned, exhausted, failed;
};

struct sharing {
    struct task *const *tasks;
    struct database *database;
    const struct tuner_options *options;
    struct tuner_summary *all;
    struct account account;
    int count;
    struct alternative alternatives[MAX_ALTERNATIVES];
    struct tuner_summary so_far; /* what was before the present run of the tuner */
    bool last_exhausted;         /* or failed: the run of the tuner before */
    struct error first;
};

/* ---- adding up ---- */

/* The fastest that is known, of those with a best; NULL if there is none. */
static struct alternative *fastest(struct sharing *s) {
    struct alternative *best = NULL;
    for (int i = 0; i < s->count; i++) {
        struct alternative *a = &s->alternatives[i];
        if (a->summary.best.median_us > 0 &&
            (!best || a->summary.best.median_us < best->summary.best.median_us))
            best = a;
    }
    return best;
}

static void show(void *context, const struct tuner_summary *run) {
    struct sharing *s = context;
    const struct alternative *best = fastest(s);
    struct tuner_summary now = s->so_far;
    if (!s->options->progress)
        return;
    tuner_summary_add(&now, run);
    now.known += run->known;
    now.seconds = account_spent(&s->account);
    now.trials_wanted = s->options->trials;
    now.seconds_wanted = s->options->seconds;
    now.best = run->best;
    if (best && (run->best.median_us <= 0 || best->summary.best.median_us < run->best.median_us))
        now.best = best->summary.best;
    s->options->progress(s->options->context, &now);
}

/* ---- rounds ---- */

static bool is_over(const struct sharing *s) {
    const struct tuner_options *options = s->options;
    return (options->cancel && *options->cancel) || s->all->cancelled ||
           (options->trials && s->all->trials >= options->trials) || account_left(&s->account) <= 0;
}

/* One of `sharers` among whom the round's trials and seconds are shared. */
static void limit(const struct sharing *s, int round, int sharers, struct tuner_options *options,
                  struct account *account) {
    bool last = round == ROUNDS - 1;
    int64_t trials_left = s->options->trials - s->all->trials;
    double all = account_limit(&s->account);
    if (s->options->trials) {
        double part = last ? (double)trials_left
                           : ceil(rounds[round].share * (double)s->options->trials / sharers);
        options->trials = part < (double)trials_left ? (int64_t)part : trials_left;
    }
    *account = isfinite(all) && !last
                   ? account_share(&s->account, rounds[round].share * all / sharers)
                   : account_share(&s->account, INFINITY);
    if (!s->options->trials && !isfinite(all) && !last)
        options->trials = UNLIMITED_TRIALS;
}

static void tune_one(struct sharing *s, struct alternative *a, int round, int sharers) {
    struct tuner_options options = *s->options;
    struct account account;
    struct tuner_summary run;
    struct error why = {.status = DLT_OK};
    limit(s, round, sharers, &options, &account);
    account.is_optional = fastest(s) != NULL;
    options.account = &account;
    options.rough = round == 0;
    options.progress = show;
    options.context = s;
    if (tune(s->tasks[a->number], s->database, &options, &run, &why) != DLT_OK) {
        a->failed = true;
        if (!s->first.status)
            s->first = why;
    }
    tuner_summary_add(s->all, &run);
    if (!a->tuned) /* later rounds know what earlier ones found */
        s->all->known += run.known;
    a->tuned = true;
    a->exhausted = run.exhausted;
    s->last_exhausted = a->exhausted || a->failed;
    s->so_far = *s->all;
    if (run.best.median_us > 0) {
        tuner_summary_free(&a->summary);
        a->summary = run;
    } else {
        tuner_summary_free(&run);
    }
}

/* True if a is to be tuned rather than b: the faster, and what has no time yet comes last. */
static bool is_before(const struct alternative *a, const struct alternative *b) {
    double left = a->summary.best.median_us, right = b->summary.best.median_us;
    return left > 0 && (right <= 0 || left < right);
}

/* The alternatives that can still be tuned, best first. */
static int rank(struct sharing *s, struct alternative *ranked[MAX_ALTERNATIVES]) {
    int count = 0;
    for (int i = 0; i < s->count; i++) {
        struct alternative *a = &s->alternatives[i];
        int place = count;
        if (a->failed || a->exhausted)
            continue;
        for (; place > 0 && is_before(a, ranked[place - 1]); place--)
            ranked[place] = ranked[place - 1];
        ranked[place] = a;
        count++;
    }
    return count;
}

static void run_rounds(struct sharing *s) {
    struct alternative *ranked[MAX_ALTERNATIVES];
    for (int round = 0; round < ROUNDS; round++) {
        int count = rank(s, ranked), wanted = rounds[round].alternatives;
        if (wanted && wanted < count)
            count = wanted;
        for (int i = 0; i < count && !is_over(s); i++)
            tune_one(s, ranked[i], round, count);
    }
    while (!is_over(s) && rank(s, ranked) && s->last_exhausted)
        tune_one(s, ranked[0], ROUNDS - 1, 1);
}

static dlt_status finish(struct sharing *s, int *best, struct error *error) {
    struct alternative *winner = fastest(s);
    bool failed = true;
    s->all->exhausted = true;
    for (int i = 0; i < s->count; i++) {
        failed &= s->alternatives[i].failed;
        s->all->exhausted &= s->alternatives[i].exhausted;
    }
    *best = winner ? winner->number : 0;
    if (winner) {
        s->all->best = winner->summary.best;
        winner->summary.best.trace = winner->summary.best.knobs = NULL;
    }
    for (int i = 0; i < s->count; i++)
        tuner_summary_free(&s->alternatives[i].summary);
    s->all->seconds = account_spent(&s->account);
    if (!failed)
        return DLT_OK;
    if (error)
        *error = s->first;
    return s->first.status;
}

dlt_status tune_alternatives(struct task *const *tasks, int count, struct database *database,
                             const struct tuner_options *options, int *best,
                             struct tuner_summary *summary, struct error *error) {
    struct sharing *s;
    dlt_status status;
    *best = 0;
    if (count == 1)
        return tune(tasks[0], database, options, summary, error);
    memset(summary, 0, sizeof *summary);
    s = calloc(1, sizeof *s); /* too large for a small stack */
    if (!s)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    s->tasks = tasks;
    s->database = database;
    s->options = options;
    s->all = summary;
    if (options->account)
        s->account = *options->account;
    else
        account_open(&s->account, options->seconds);
    s->count = count < MAX_ALTERNATIVES ? count : MAX_ALTERNATIVES;
    summary->trials_wanted = options->trials;
    summary->seconds_wanted = options->seconds;
    for (int i = 0; i < s->count; i++)
        s->alternatives[i].number = i;
    run_rounds(s);
    status = finish(s, best, error);
    free(s);
    return status;
}
