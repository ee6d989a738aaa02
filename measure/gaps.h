/* What a layout leaves between rows with `:EXTENT` belongs to others: no kernel writes there. */
#ifndef MEASURE_GAPS_H
#define MEASURE_GAPS_H

#include "te/expression.h"

/* Whether every byte of the gaps of an output is still `prefill`. If so they are set to zero, as
 * the lanes that blocks add are. Else `*offset` is that of an element that was written. */
bool gaps_are_kept(const struct tensor *tensor, void *output, int prefill, int64_t *offset);

#endif
