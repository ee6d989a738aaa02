/* What a workload came to: a table for people, or one line of JSON (docs/command-line.md). */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/roofs.h"
#include "cli/stored.h"
#include "search/search.h"

#include <cJSON.h>

/* A record, and the run that it came from if it came from one. */
struct report {
    const struct cli *cli;
    const struct task *task;
    const struct record *record;         /* the best; NULL: there is none */
    const struct tuner_summary *summary; /* NULL: nothing was tuned */
    const struct stored_counts *counts;  /* of what is stored, if nothing was tuned; may be NULL */
    const struct roofs *roofs;           /* of the machine; NULL: not known */
    const struct record *run_best;       /* this run's, if it is not the best; or NULL */
    const char *failure;                 /* why there is no record, or NULL */
};

void report_print(const struct report *report);

/* For commands that print more of their own. */
cJSON *report_json(const struct report *report);
void print_json_line(cJSON *object); /* and frees it; NULL: out of memory, which it says */

/* "12.3 us  281.5 GFLOP/s  93.1 % of the peak, 302.4"; what is above the peak is said to be. */
void format_rate(struct text *text, const struct task *task, double median_us, double peak_gflops);

#endif
