/* How many processors this process may use: what a number of threads is compared with.
 *
 * It is the least of the processors in the affinity mask of the calling thread (taskset, a cpuset)
 * and of the CPU quotas of the control groups that the process is in, versions 1 and 2, theirs and
 * those of all groups above, each rounded up: a quota of 150 ms every 100 ms is 2 processors. At
 * least 1. Asked anew each time, since masks and quotas may change; some 100 us. */
#ifndef THREADS_PROCESSORS_H
#define THREADS_PROCESSORS_H

int processors_usable(void);

/* Of so many threads, how many run at the same time. */
int processors_for(int threads);

/* The quotas alone, from the files under `root` ("" for the system's own): processors, rounded up;
 * 0 if there is no limit or it cannot be read. For tests. */
int processors_of_quota(const char *root);

#endif
