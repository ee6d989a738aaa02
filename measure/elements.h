/* Elements of any type, by index, as doubles. */
#ifndef MEASURE_ELEMENTS_H
#define MEASURE_ELEMENTS_H

#include "te/types.h"

#include <stdint.h>

double element_load(enum data_type type, const void *elements, int64_t index);
/* Rounds to the type; integers saturate. */
void element_store(enum data_type type, void *elements, int64_t index, double value);

#endif
