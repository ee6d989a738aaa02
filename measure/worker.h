/* The worker's side: a process that serves one measurer until its socket closes. */
#ifndef MEASURE_WORKER_H
#define MEASURE_WORKER_H

#include "measure/candidate.h"

/* Serves the measurer whose process id is in the program's first argument; answers the exit status.
 * The whole of a worker program's main. */
int worker_serve(int argument_count, char **arguments, const struct candidate_maker *maker);

#endif
