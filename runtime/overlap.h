/* Whether two strided tensors share an element. */
#ifndef RUNTIME_OVERLAP_H
#define RUNTIME_OVERLAP_H

#include "runtime/tensors.h"

/* False only if they certainly do not: two blocks of one large matrix lie between each other's
 * rows. */
bool tensors_overlap(const struct tensor_form *a, const void *address_of_a,
                     const struct tensor_form *b, const void *address_of_b);

#endif
