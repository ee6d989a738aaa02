/* Progress of a run on standard error: a live line on a terminal, a line a candidate if verbose. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"
#include "search/search.h"

struct progress {
    const struct cli *cli;
    const struct task *task;
    double peak_gflops;
    int number, count; /* of the workload in a list */
    bool terminal;
    double shown;   /* when the live line was last written */
    int width;      /* of what it holds */
    int64_t trials; /* when last called */
};

void progress_begin(struct progress *progress, const struct cli *cli, const struct task *task,
                    double peak_gflops, int number, int count);
tuner_progress progress_show;                 /* the context is the progress */
void progress_end(struct progress *progress); /* clears the live line */

#endif
