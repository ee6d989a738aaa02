/* What became of a candidate that was measured: a fact of measuring, storing and reporting. */
#ifndef BASE_OUTCOME_H
#define BASE_OUTCOME_H

/* The names are those of records and of the JSON `errors`. */
enum measure_outcome {
    OUTCOME_OK,
    OUTCOME_REFUSED, /* replay or lowering refused it */
    OUTCOME_COMPILE, /* the native compiler failed */
    OUTCOME_WRONG,   /* the result differs from the reference, or elements were left unwritten */
    OUTCOME_OUTSIDE, /* wrote or read outside its buffers, or into an input */
    OUTCOME_CRASH,   /* any other fatal signal */
    OUTCOME_TIMEOUT,
    OUTCOME_MEMORY, /* out of memory */
    OUTCOME_EXIT,   /* the worker's process ended by itself */
    OUTCOME_COUNT,
};

/* "unknown" for what is none. */
const char *measure_outcome_name(enum measure_outcome outcome);

/* OUTCOME_COUNT if no outcome has the name. */
enum measure_outcome measure_outcome_find(const char *name);

#endif
