/* A strategy run on a table: no clock, nothing measured; see replay.h. */
#include "search/replay.h"

#include <math.h>

struct replay {
    const struct replay_table *table;
    const struct strategy *strategy;
    void *state;
    struct seen seen;
    struct proposals proposals;
    int64_t trials, wanted, needed;
    double tolerance, best;
    double *curve;
};

/* A point that the table does not have fails, and is no trial. */
static void run_point(struct replay *run, const int *point) {
    unsigned char key[MAX_KNOBS];
    double score = INFINITY;
    int64_t entry;
    point_key(run->table->space, point, key);
    entry = seen_find(&run->table->points, key);
    if (entry >= 0) {
        score = run->table->points.scores[entry];
        run->best = score < run->best ? score : run->best;
        if (run->curve)
            run->curve[run->trials] = run->best;
        run->trials++;
        if (run->needed > run->wanted && run->best <= run->table->best + log1p(run->tolerance))
            run->needed = run->trials;
    }
    run->strategy->observe(run->state, &run->proposals, point, score);
}

static bool is_done(const struct replay *run) {
    return run->needed <= run->wanted && (!run->curve || run->trials >= REPLAY_CURVE_TRIALS);
}

static dlt_status run_all(struct replay *run, struct error *error) {
    struct proposals *proposals = &run->proposals;
    while (run->trials < run->wanted && !is_done(run)) {
        proposals->count = 0;
        proposals->wanted = run->strategy->batch;
        run->strategy->propose(run->state, proposals);
        if (proposals->out_of_memory)
            return error_set(error, DLT_ERROR_MEMORY, "out of memory");
        if (!proposals->count)
            break;
        for (int i = 0; i < proposals->count && run->trials < run->wanted; i++)
            run_point(run, proposals->points[i]);
    }
    for (int64_t i = run->trials; run->curve && i < run->wanted; i++)
        run->curve[i] = run->best;
    return DLT_OK;
}

dlt_status replay_run(const struct replay_table *table, const struct strategy *strategy,
                      uint64_t seed, int64_t trials, double tolerance, double *curve,
                      int64_t *needed, struct error *error) {
    struct replay run = {.table = table,
                         .strategy = strategy,
                         .wanted = trials,
                         .needed = trials + 1,
                         .tolerance = tolerance,
                         .best = INFINITY,
                         .curve = curve};
    dlt_status status;
    seen_initialise(&run.seen, MAX_KNOBS);
    proposals_initialise(&run.proposals, table->space, &run.seen, seed);
    status = strategy->create(table->space, &run.state, error);
    if (status == DLT_OK)
        status = run_all(&run, error);
    if (run.state)
        strategy->free(run.state);
    seen_free(&run.seen);
    *needed = run.needed;
    return status;
}
