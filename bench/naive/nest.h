/* The loop nest that a definition says, as C for another compiler. */
#ifndef BENCH_NAIVE_NEST_H
#define BENCH_NAIVE_NEST_H

#include "tests/differential/definition.h"

#include <stdio.h>

enum nest_order {
    NEST_AS_WRITTEN,   /* the axes, then the reduction axes */
    NEST_INTERCHANGED, /* of sums, the axis of neighbours in memory last: i, k, j */
    NEST_ORDERS,
};

/* What every file of nests begins with. */
void nest_prelude(FILE *file);

/* "void NAME(const float *const *inputs, float *output)", where inputs has an entry for each tensor
 * of the definition, as it lies in its layout. */
void nest_print(FILE *file, const char *name, const struct definition *definition,
                enum nest_order order);

#endif
