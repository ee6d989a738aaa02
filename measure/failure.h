/* A failed candidate as text: all it takes to see the failure again.
 *
 *     dltune failure 1
 *     task matmul m=5 n=7 k=3 target=x86-avx512 threads=1
 *     outcome wrong
 *     message on random inputs: output[4, 6] is 1, should be 2 within 1e-06
 *     seed 0
 *     number 17
 *     timeout 10
 *     cold 0
 *     trace
 *     split output m 6 guard
 *     ...
 *
 * All behind the line `trace` is the trace. `number` is the candidate's in its run: it picks the
 * elements that are compared where not all are. */
#ifndef MEASURE_FAILURE_H
#define MEASURE_FAILURE_H

#include "base/text.h"
#include "measure/measure.h"

/* Strings are borrowed when printed, owned when parsed. */
struct failure {
    const char *task; /* its key */
    const char *trace;
    enum measure_outcome outcome;
    const char *message;
    uint64_t number;
    struct measure_options options;
};

void failure_print(struct text *text, const struct failure *failure);
/* DLT_ERROR_ARGUMENT names the line that is wrong. */
dlt_status failure_parse(const char *text, struct failure *failure, struct error *error);
void failure_free(struct failure *failure); /* of one that was parsed; also of a zeroed one */

/* Measures the candidate again, in a worker, with the same inputs and samples. Fails only if that
 * is not possible; whether the outcome is the same is for the caller to see. */
dlt_status failure_replay(const struct failure *failure, struct measure_result *result,
                          struct error *error);

/* Failures by kind, with the first of each kind as its example. */
struct failure_histogram {
    int64_t counts[OUTCOME_COUNT];
    struct failure examples[OUTCOME_COUNT]; /* owned; task NULL: none */
};
dlt_status failure_count(struct failure_histogram *histogram, const struct failure *failure,
                         struct error *error);
void failure_histogram_free(struct failure_histogram *histogram);

#endif
