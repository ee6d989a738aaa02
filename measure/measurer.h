/* The measurer's inside, for the files of this folder. */
#ifndef MEASURE_MEASURER_H
#define MEASURE_MEASURER_H

#include "measure/measure.h"
#include "measure/probe.h"
#include "measure/process.h"

struct measurer {
    const struct task *task;
    struct measure_options options;
    struct process process; /* id 0: to be started when next needed */
    struct message message; /* the last received */
    int shared;             /* the memory that workers leave to each other */
    int carried;            /* the program, if the library carries it; -1: it is a file */
    uint64_t number;        /* of candidates so far */
    struct account unlimited;
    const struct account *account; /* of the run */
    double slowest_us;             /* of the candidates that were right and not given up */
    double start_seconds;          /* that starting a worker took, */
    double measure_seconds;        /* and such a candidate from its trace to its result, at most */
    struct probe_history probes;
    char program[4096];
};

dlt_status measurer_send(struct measurer *measurer, const char *trace, struct run_message *request,
                         struct measure_result *result, struct error *error);

#endif
