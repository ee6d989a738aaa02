/* Comparing a candidate's output with the reference.
 *
 * An element is right if it is no further from the reference than rounding errors explain
 * (docs/checking.md). Where the whole reference is cheap, every element is compared with it. Where
 * it is not, a sample is: every element ever evaluated, and fresh ones for each candidate, corners,
 * borders and the seams of its tiles among them; and the whole output is compared with the golden
 * output, that of the first candidate which passed a large sample. Where the two differ by more
 * than both may err, the reference decides at that element, against the golden one too. */
#ifndef MEASURE_CHECK_H
#define MEASURE_CHECK_H

#include "base/error.h"
#include "measure/inputs.h"
#include "te/expression.h"

struct checker;

struct check_request {
    uint64_t seed;     /* picks the sample */
    const char *trace; /* its numbers are where tiles may meet */
    bool thorough;     /* a large sample */
    bool hurried;      /* a small one, there is no time for more */
};

struct comparison {
    bool right;
    double max_error;         /* largest error over its element's bound */
    double reference_seconds; /* that evaluating elements of the reference took */
    char message[256];
};

/* `inputs[t]` is the data of tensor t of the expression, NULL for literals and computed ones, but
 * what the result held before if the expression accumulates; it is borrowed. `shared` is a
 * descriptor for known.h, or -1. */
dlt_status checker_create(const struct expression *expression, const void *const *inputs,
                          int shared, struct checker **checker, struct error *error);
void checker_free(struct checker *checker); /* also of NULL */

/* While a candidate runs the checker's knowledge is write-protected. */
void checker_protect(struct checker *checker, bool writable);

dlt_status checker_compare(struct checker *checker, const void *output,
                           const struct check_request *request, struct comparison *comparison,
                           struct error *error);

/* Whether every element is compared with the reference itself. */
bool checker_is_complete(const struct checker *checker);

/* Elements of the reference that are known by now. */
int64_t checker_evaluated(const struct checker *checker);

/* Prefills of the output for two runs of a candidate, and whether the runs agree: an element that
 * keeps both was left unwritten, one that differs otherwise depends on more than the inputs.
 * Outputs that are accumulated to hold numbers instead, the same in both runs. */
enum {
    PREFILL_FIRST = UNWRITTEN,
    PREFILL_SECOND = 0x7f
};
bool check_runs_agree(const struct tensor *result, const void *first, const void *second,
                      struct comparison *comparison);

#endif
