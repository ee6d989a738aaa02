/* How near two workloads are, so that what was found for one may serve the other. */
#ifndef TE_NEARNESS_H
#define TE_NEARNESS_H

/* The sum of |log(ratio)| over the sizes of the operator, more for each other number that
 * differs (stride, groups), little for each difference in where tensors lie; INFINITY where
 * anything else does: operator, layout, epilogue, target, threads. Of canonical texts: workloads of
 * tasks, or their keys. Many thousand keys may have to be gone through while somebody waits, so
 * nothing is parsed that need not be. */
double key_distance(const char *a, const char *b);

#endif
