/* How near two workloads are, so that what was found for one may serve the other. */
#ifndef TE_NEARNESS_H
#define TE_NEARNESS_H

#include "te/task.h"

/* The sum of |log(ratio)| over the sizes of the operator, where operator and all attributes are
 * equal, target and threads of a key too; INFINITY where they are not. Of canonical texts. */
double workload_distance(const struct workload *a, const struct workload *b);

#endif
