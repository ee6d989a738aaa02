/* Elements of a result that the reference has evaluated, to compare several kernels' with.
 *
 * The same elements serve all of them: corners, then others picked by the seed, as many as a small
 * budget of terms allows. dltune's own kernel must be within the bound of rounding errors
 * (te/reference.h). A library may be PEER_TOLERANCE times as far: the bound holds for any order of
 * summation, but what a library does beside summing is not known. A wrong element is off by far
 * more than that. */
#ifndef BENCH_WORKER_SAMPLE_H
#define BENCH_WORKER_SAMPLE_H

#include "te/reference.h"

#define OWN_TOLERANCE  1.0
#define PEER_TOLERANCE 4.0

enum {
    MAX_SAMPLE = 2048
};

struct sample {
    const struct tensor *result;
    int count;
    int64_t offsets[MAX_SAMPLE]; /* in the result's layout */
    struct reference_element elements[MAX_SAMPLE];
};

/* `data` as reference_create takes it. */
dlt_status sample_create(const struct expression *expression, const void *const *data,
                         uint64_t seed, struct sample **sample, struct error *error);
void sample_free(struct sample *sample); /* also of NULL */

/* The largest error over its element's bound. DLT_ERROR_WRONG where it exceeds `tolerance`. */
dlt_status sample_compare(const struct sample *sample, const void *output, double tolerance,
                          double *max_error, struct error *error);

#endif
