/* Sharing a network's time among its workloads; see network.h. */
#include "search/network.h"

#include "measure/clock.h"
#include "search/tuner_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_SLICE = 16, /* trials */
    SLICE = 16,
};

#define FAR_BEHIND        1.25 /* of the fastest layout: given up */
#define USUAL             0.8  /* fall a trial after n trials: USUAL / n^2 */
#define FADING            0.35 /* of what the last slices brought, expected of the next */
#define HOPE              2e-4 /* of the total, that all next slices must promise together */
#define FINALISTS_SECONDS 1.0  /* kept for each workload's finalists, but */
#define FINALISTS_SHARE   0.2  /* of the time at most */

/* A task at work. */
struct arm {
    struct network_item *item;
    int number; /* of its tasks */
    struct tuning *tuning;
    struct tuner_summary summary;
    int64_t limit; /* of its trials; 0: none */
    double recent, slice_seconds;
    bool over;
};

struct sharing {
    struct network_item *items;
    int item_count, arm_count;
    struct arm *arms;
    struct database *database;
    const struct network_options *options;
    struct account account; /* of all; its reserve is for finalists */
    struct arm *current;
};

double network_expected_fall(int64_t so_far, int64_t trials, double recent, double headroom) {
    double n = so_far > FIRST_SLICE ? (double)so_far : FIRST_SLICE;
    double usual = USUAL * (double)trials / (n * n);
    return fmax(fmin(fmax(usual, FADING * recent), headroom), 0);
}

double network_total_us(const struct network_item *items, int count) {
    double total = 0;
    for (int i = 0; i < count; i++)
        total += (double)items[i].calls * items[i].best_us;
    return total;
}

/* ---- an arm ---- */

static bool is_cancelled(const struct sharing *s) {
    const volatile sig_atomic_t *cancel = s->options->tuner.cancel;
    return cancel && *cancel;
}

static bool is_late(const struct sharing *s) {
    return account_left(&s->account) <= 0;
}

static double best_of(const struct arm *arm) {
    return arm->summary.best.median_us;
}

/* The item's best and its trials from those of its arms. */
static void gather(struct sharing *s, struct network_item *item) {
    item->trials = 0;
    item->best_us = 0;
    for (int i = 0; i < s->arm_count; i++) {
        const struct arm *arm = &s->arms[i];
        if (arm->item != item)
            continue;
        item->trials += arm->summary.trials;
        if (best_of(arm) > 0 && (item->best_us <= 0 || best_of(arm) < item->best_us)) {
            item->best_us = best_of(arm);
            item->best = arm->number;
        }
    }
}

static void progress(void *context, const struct tuner_summary *summary) {
    struct sharing *s = context;
    struct network_item *item = s->current->item;
    (void)summary;
    gather(s, item);
    if (s->options->progress)
        s->options->progress(s->options->context, s->items, s->item_count, (int)(item - s->items));
}

/* Being cancelled is no failure. */
static void fail(struct arm *arm, dlt_status status, const struct error *error) {
    arm->over = true;
    if (status == DLT_ERROR_CANCELLED) {
        arm->summary.cancelled = true;
    } else if (arm->item->status == DLT_OK) {
        arm->item->status = status;
        arm->item->error = *error;
    }
}

static void open_arm(struct sharing *s, struct arm *arm) {
    struct tuner_options options = s->options->tuner;
    struct account account = s->account;
    struct error error = {.status = DLT_OK};
    dlt_status status;
    options.trials = 0;
    options.account = &account;
    options.peak_gflops = arm->item->peak_gflops;
    options.progress = progress;
    options.context = s;
    s->current = arm;
    status = tuning_open(arm->item->tasks[arm->number], s->database, &options, &arm->summary,
                         &arm->tuning, &error);
    if (status != DLT_OK)
        fail(arm, status, &error);
}

/* So many more trials, in so many seconds. Where the workload has a kernel already, another layout
 * without one is no reason to go on after the end. */
static void run_slice(struct sharing *s, struct arm *arm, int64_t trials, double seconds) {
    double start = clock_seconds(), before = best_of(arm), fall;
    struct error error = {.status = DLT_OK};
    struct tuner_options *options;
    dlt_status status;
    if (arm->over || !arm->tuning)
        return;
    s->current = arm;
    options = &arm->tuning->options;
    options->trials = arm->summary.trials + trials;
    if (arm->limit && options->trials > arm->limit)
        options->trials = arm->limit;
    options->rough = true; /* no time is kept for finalists */
    arm->tuning->tuner.account = account_share(&s->account, seconds);
    arm->tuning->tuner.account.is_optional = arm->item->best_us > 0;
    status = tuner_continue(&arm->tuning->tuner, &error);
    if (status != DLT_OK)
        fail(arm, status, &error);
    fall = before > 0 && best_of(arm) > 0 ? fmax(1 - best_of(arm) / before, 0) : 0;
    arm->recent = 0.5 * arm->recent + fall;
    arm->slice_seconds = clock_seconds() - start;
    arm->item->seconds += arm->slice_seconds;
    arm->over |= arm->summary.exhausted || arm->summary.hopeless ||
                 (arm->limit && arm->summary.trials >= arm->limit);
    gather(s, arm->item);
}

/* Ends an arm: the last part of its run, finalists included unless rough. */
static void close_arm(struct sharing *s, struct arm *arm, bool rough) {
    struct error error = {.status = DLT_OK};
    double start = clock_seconds();
    dlt_status status;
    if (!arm->tuning)
        return;
    s->current = arm;
    arm->tuning->options.rough = rough || s->options->tuner.rough;
    arm->tuning->tuner.account = s->account;
    status = tuning_close(arm->tuning, &error);
    arm->tuning = NULL;
    arm->over = true;
    if (status != DLT_OK)
        fail(arm, status, &error);
    arm->item->seconds += clock_seconds() - start;
    gather(s, arm->item);
}

/* ---- the order ---- */

/* The microseconds that the network would save by a slice. */
static double promise(const struct arm *arm) {
    double best = best_of(arm), item_best = arm->item->best_us, headroom = 1;
    if (arm->over || best <= 0)
        return 0;
    if (arm->item->floor_us > 0)
        headroom = 1 - arm->item->floor_us / best;
    best *= 1 - network_expected_fall(arm->summary.trials, SLICE, arm->recent, headroom);
    return best < item_best ? (double)arm->item->calls * (item_best - best) : 0;
}

/* The most promising arm a second; NULL: there is no hope. */
static struct arm *choose(const struct sharing *s) {
    struct arm *chosen = NULL;
    double most = 0, all = 0;
    for (int i = 0; i < s->arm_count; i++) {
        struct arm *arm = &s->arms[i];
        double saved = promise(arm), a_second = saved / fmax(arm->slice_seconds, 1e-3);
        all += saved;
        if (a_second > most) {
            most = a_second;
            chosen = arm;
        }
    }
    if (!s->options->stubborn && all < HOPE * network_total_us(s->items, s->item_count))
        return NULL;
    return chosen;
}

/* Without hope, but asked to go on: whoever had the fewest trials. */
static struct arm *choose_any(const struct sharing *s) {
    struct arm *chosen = NULL;
    for (int i = 0; i < s->arm_count && s->options->stubborn; i++) {
        struct arm *arm = &s->arms[i];
        if (!arm->over && (!chosen || arm->summary.trials < chosen->summary.trials))
            chosen = arm;
    }
    return chosen;
}

static void give_up_layouts(struct sharing *s, const struct network_item *item) {
    for (int i = 0; i < s->arm_count; i++) {
        struct arm *arm = &s->arms[i];
        if (arm->item == item && item->best_us > 0 &&
            (best_of(arm) <= 0 || best_of(arm) > FAR_BEHIND * item->best_us))
            close_arm(s, arm, true);
    }
}

/* What was never begun for want of time says so. */
static void refuse_late(struct arm *arm) {
    struct error error = {.status = DLT_OK};
    arm->over = true;
    error_set(&error, DLT_ERROR_REFUSED, "the time was over before it began; give more --time");
    if (arm->item->status == DLT_OK)
        fail(arm, error.status, &error);
}

static void run_arm_first(struct sharing *s, struct arm *arm, int arms_left) {
    double seconds = fmax(account_left(&s->account), 0) / arms_left;
    open_arm(s, arm);
    run_slice(s, arm, FIRST_SLICE, seconds);
    if (!arm->tuning)
        return;
    arm->tuning->tuner.memory.account = &s->account;
    arm->tuning->tuner.memory.cancel = s->options->tuner.cancel;
    memory_learn(&arm->tuning->tuner.memory, arm->item->tasks[arm->number], s->database, NULL);
}

/* Every task a little, each its share of what is left. */
static void run_first(struct sharing *s) {
    for (int i = 0; i < s->arm_count && !is_cancelled(s); i++) {
        struct arm *arm = &s->arms[i];
        if (i > 0 && is_late(s))
            refuse_late(arm);
        else
            run_arm_first(s, arm, s->arm_count - i);
        if (i + 1 == s->arm_count || s->arms[i + 1].item != arm->item)
            give_up_layouts(s, arm->item);
    }
}

static void run_rest(struct sharing *s) {
    struct arm *arm;
    while (!is_cancelled(s) && !is_late(s) && ((arm = choose(s)) || (arm = choose_any(s))))
        run_slice(s, arm, SLICE, account_left(&s->account));
}

/* Finalists of each workload's best, the costliest workloads first, while time lasts. */
static void finish(struct sharing *s) {
    s->account.reserve = 0;
    for (;;) {
        struct arm *next = NULL;
        for (int i = 0; i < s->arm_count; i++) {
            struct arm *arm = &s->arms[i];
            if (arm->tuning && arm->number == arm->item->best &&
                (!next || (double)arm->item->calls * best_of(arm) >
                              (double)next->item->calls * best_of(next)))
                next = arm;
        }
        if (!next)
            break;
        close_arm(s, next, is_late(s));
    }
    for (int i = 0; i < s->arm_count; i++)
        close_arm(s, &s->arms[i], true);
}

/* ---- all ---- */

static void summarise(struct sharing *s) {
    for (int i = 0; i < s->arm_count; i++) {
        struct arm *arm = &s->arms[i];
        struct tuner_summary *sum = &arm->item->summary;
        tuner_summary_add(sum, &arm->summary);
        sum->known += arm->summary.known;
        sum->cancelled |= is_cancelled(s); /* before it began, perhaps */
        if (arm->number == arm->item->best && best_of(arm) > 0) {
            sum->best = arm->summary.best;
            arm->summary.best.trace = arm->summary.best.knobs = NULL;
        }
        sum->seconds = arm->item->seconds;
        tuner_summary_free(&arm->summary);
    }
}

static bool make_arms(struct sharing *s) {
    int count = 0;
    for (int i = 0; i < s->item_count; i++)
        count += s->items[i].task_count;
    s->arms = calloc((size_t)count + 1, sizeof *s->arms);
    for (int i = 0; i < s->item_count && s->arms; i++) {
        struct network_item *item = &s->items[i];
        int64_t trials = s->options->tuner.trials;
        item->status = DLT_OK;
        for (int j = 0; j < item->task_count; j++)
            s->arms[s->arm_count++] = (struct arm){
                .item = item,
                .number = j,
                .limit = trials ? (trials + item->task_count - 1) / item->task_count : 0};
    }
    return s->arms != NULL;
}

dlt_status tune_network(struct network_item *items, int count, struct database *database,
                        const struct network_options *options, struct error *error) {
    struct sharing s = {
        .items = items, .item_count = count, .database = database, .options = options};
    if (options->tuner.account)
        s.account = *options->tuner.account;
    else
        account_open(&s.account, options->tuner.seconds);
    if (!make_arms(&s))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    if (isfinite(s.account.end))
        s.account.reserve =
            fmin(FINALISTS_SHARE * account_limit(&s.account), FINALISTS_SECONDS * count);
    run_first(&s);
    run_rest(&s);
    finish(&s);
    summarise(&s);
    free(s.arms);
    return DLT_OK;
}
