/* What a candidate did to its worker, told by the dying worker.
 *
 * Handlers on their own stack catch the fatal signals, look up the address among the guarded
 * buffers, write one report to the worker's socket and end the process. Nothing is repaired. */
#ifndef MEASURE_FAULTS_H
#define MEASURE_FAULTS_H

#include "base/error.h"
#include "measure/measure.h"

#include <stddef.h>
#include <stdint.h>

/* Where a candidate's code lies. */
struct fault_code {
    const char *start; /* NULL: not known */
    size_t bytes;
    int tile_count;
    const size_t *tile_starts; /* and the end of the last; behind it the functions around them */
};

/* Plain numbers and bytes, since formatting is not safe in a signal handler. */
struct fault_report {
    int signal;             /* 0: the process ended by exit() */
    double seconds;         /* limit of these that was passed; 0: none was */
    int out_of_memory;      /* nothing more could be mapped */
    int has_region;         /* the address belongs to a buffer or its guards */
    int is_write;           /* -1: unknown */
    int64_t before, behind; /* bytes before the data, or from their end; else both 0: inside */
    int in_code;            /* the instruction is the candidate's own */
    int tile;               /* then which tile's, or -1: around them */
    int64_t code_offset;    /* of the instruction, from the tile's or the functions' start */
    char buffer[48];
    char phase[16]; /* what the worker was doing: "compiling", "checking", "timing" */
};

/* Installs the handlers; reports go to `socket`. With `memory_headroom` > 0 limits the address
 * space to what is used now and that many bytes more, and a fault with less than an eighth of it
 * left is put down to memory. */
dlt_status faults_install(int socket, struct error *error);
void faults_limit_memory(size_t memory_headroom);
/* What runs from now on may take so long (0: as long as it likes, any more); else the process is
 * ended with a report. */
void faults_limit_seconds(double seconds);
void faults_set_phase(const char *phase);
/* Borrowed until the next call; NULL: no candidate. */
void faults_set_code(const struct fault_code *code);

/* In the parent: the outcome and message of a report. */
enum measure_outcome fault_outcome(const struct fault_report *report, char *message, size_t bytes);

#endif
