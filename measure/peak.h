/* The most a core can compute: the rate that a kernel's own is divided by.
 *
 * Clocks move, so a peak is measured in the same run as what is compared with it. */
#ifndef MEASURE_PEAK_H
#define MEASURE_PEAK_H

#include "targets/jit/code_memory.h"
#include "te/types.h"

#include <stdbool.h>
#include <stdint.h>

#define PEAK_SECONDS 0.15

/* Operations a second (two for each lane of a multiply-add) of one thread running nothing but
 * independent multiply-adds in registers; takes about PEAK_SECONDS. 0 if the target has no machine code, does
 * not run here or has no multiply-add of the type, or if memory ran out. Any thread. */
double measure_fma_peak(const char *target, enum data_type type);
/* The same in so many seconds, about; less is less exact. */
double measure_fma_peak_in(const char *target, enum data_type type, double seconds);

/* The multiply-adds themselves, for who times them in another way. */
struct fma_burst {
    struct code_memory memory;
    double operations; /* of a trip */
};
bool fma_burst_create(const char *target, enum data_type type, struct fma_burst *burst);
void fma_burst_run(const struct fma_burst *burst, int64_t trips);
void fma_burst_free(struct fma_burst *burst); /* also of a zeroed one */

#endif
