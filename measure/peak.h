/* The most a core can compute: the rate that a kernel's own is divided by.
 *
 * Clocks move, so a peak is measured in the same run as what is compared with it. */
#ifndef MEASURE_PEAK_H
#define MEASURE_PEAK_H

#include "te/types.h"

/* Operations a second (two for each lane of a multiply-add) of one thread running nothing but
 * independent multiply-adds in registers; about 0.15 s. 0 if the target has no machine code, does
 * not run here or has no multiply-add of the type, or if memory ran out. Any thread. */
double measure_fma_peak(const char *target, enum data_type type);

#endif
