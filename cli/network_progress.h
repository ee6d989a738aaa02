/* The live table of a network that is tuned as a whole, on standard error. */
#ifndef CLI_NETWORK_PROGRESS_H
#define CLI_NETWORK_PROGRESS_H

#include "cli/cli.h"
#include "search/network.h"

struct network_table {
    const struct cli *cli;
    bool live;       /* on a terminal, and wanted */
    int rows;        /* of the terminal */
    int height;      /* lines that are drawn */
    double start;    /* of the run, */
    double shown;    /* and when the table was last drawn; seconds */
    double first_us; /* total once every workload had a time; 0: not yet */
    int64_t trials;  /* of the item at work when last called, */
    int item;        /* and its number */
    int missing;     /* workloads without a time */
    double total_us; /* of those that have one */
    int64_t calls;   /* of a network, counts included */
    int64_t all_trials;
};

void network_table_begin(struct network_table *table, const struct cli *cli);
network_progress network_table_show; /* the context is the table */
void network_table_end(struct network_table *table);

#endif
