/* How well scores rank points whose times are known.
 *
 * Pairwise accuracy: of all pairs whose times differ by more than 2 %, the share that the scores
 * put in the right order; a tie counts half. peak@K: the best time over the time of the fastest of
 * the K points with the best scores. */
#ifndef COSTMODEL_QUALITY_H
#define COSTMODEL_QUALITY_H

#include <stdint.h>

struct quality {
    double pairwise, peak1, peak5;
};

/* `times` are logarithms; points that failed are not among them. Ties are broken by order. */
struct quality quality_of(int64_t count, const double *times, const double *scores);

#endif
