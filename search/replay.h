/* Replay: strategies compared on spaces that were measured exhaustively once.
 *
 * A *table* is a thinned space, few enough choices a knob that all its legal points can be
 * measured, with the time of each point. Running a strategy on it measures nothing, so hundreds of
 * runs take seconds and the same seed gives the same run on every machine.
 *
 * The file is text compressed by zlib (gunzip reads it):
 *
 *     dltune replay 1
 *     task matmul m=512 n=512 k=512 target=x86-avx512 threads=1
 *     host AMD EPYC, ...
 *     949.2 vector=n vectors=2 tile.m=7 ...      microseconds, and the point
 *     inf vector=n ...                           a point that failed
 *
 * The choices that occur in it are the thinned space. */
#ifndef SEARCH_REPLAY_H
#define SEARCH_REPLAY_H

#include "search/search.h"
#include "search/seen.h"
#include "search/strategy.h"

struct replay_table {
    struct arena arena;
    struct task *task;
    struct space *space; /* thinned */
    struct seen points;  /* the logarithm of the microseconds; INFINITY for a failure */
    double best;         /* the least */
    char host[256];
};

/* A copy of a space with fewer choices: at most about `limit` legal points. The first choice of
 * each knob stays, and others evenly spread; knobs with the most choices lose theirs first. */
struct space *space_thin(const struct space *space, int64_t limit);

/* A copy that keeps the choices marked true. Of words only the last ones can go. */
struct space *space_restrict(const struct space *space, bool kept[MAX_KNOBS][MAX_CHOICES]);

/* About how many points are legal and canonical, by drawing some. */
double space_count_points(const struct space *space);

/* Legal points in canonical form, each once, in a fixed order. The visitor answers false to
 * stop. */
typedef bool point_visitor(void *context, const int *point);
void space_enumerate(const struct space *space, point_visitor *visit, void *context);

/* The same for legal points drawn uniformly, at most `count`; one may come twice. */
void space_draw(const struct space *space, int64_t count, point_visitor *visit, void *context);

/* What measures the points of a table, in random order, or `drawn` of them if that is not 0;
 * `measure` answers microseconds, or INFINITY. Stops after `seconds` (0: all points). */
typedef dlt_status replay_measure(void *context, const struct space *space, const int *point,
                                  double *microseconds, struct error *error);
dlt_status replay_record(const char *path, const struct task *task, const struct space *space,
                         int64_t drawn, double seconds, replay_measure *measure, void *context,
                         struct error *error);

dlt_status replay_load(const char *path, struct replay_table **table, struct error *error);
void replay_free(struct replay_table *table);

enum {
    REPLAY_CURVE_TRIALS = 300
};

/* Runs a strategy for at most `trials` points, until one is within `tolerance` of the table's best.
 * `curve`, of `trials` numbers or NULL, gets the least score so far after each trial; with it a run
 * has at least REPLAY_CURVE_TRIALS, if `trials` allows. `*needed` is the number of trials until a
 * point is within `tolerance` (0.02) of the table's best, or trials + 1. */
dlt_status replay_run(const struct replay_table *table, const struct strategy *strategy,
                      uint64_t seed, int64_t trials, double tolerance, double *curve,
                      int64_t *needed, struct error *error);

#endif
