/* Inputs to check and time candidates on: seeded numbers in each tensor's type and layout.
 *
 * Random ones find nearly every fault. Impulses (few elements of 1 or -1, the rest zero) show an
 * element that is read from the wrong place, since nothing averages out. Mixed magnitudes show sums
 * that lose small terms. Sparse ones are impulses of mixed magnitudes, for when there is time for
 * one pattern only. Numbers of large tensors repeat, with a prime period. The same seed and pattern
 * give the same bytes on every machine. */
#ifndef MEASURE_INPUTS_H
#define MEASURE_INPUTS_H

#include "measure/buffers.h"
#include "te/expression.h"

enum pattern {
    PATTERN_RANDOM, /* uniform in [-1, 1) */
    PATTERN_IMPULSES,
    PATTERN_MIXED,  /* magnitudes from 2^-8 to 2^8 */
    PATTERN_SPARSE, /* few of mixed magnitudes, the rest zero */
    PATTERN_COUNT,
    PATTERN_APART = PATTERN_IMPULSES, /* those whose marks PATTERN_SPARSE has together */
    PATTERN_APART_END = PATTERN_SPARSE,
};

extern const char *const pattern_names[PATTERN_COUNT];

/* The bytes of a tensor in its layout. */
size_t tensor_bytes(const struct tensor *tensor);

/* Logical subscripts of the element at this offset; false if it is padding. */
bool layout_subscripts(const struct tensor *tensor, int64_t offset, int64_t *subscripts);

/* Whether some offsets of the tensor's layout are padding. */
bool tensor_is_padded(const struct tensor *tensor);

/* Fills the tensor's elements at `data`; padding is zero. */
void inputs_fill(const struct tensor *tensor, enum pattern pattern, uint64_t seed, void *data);

enum {
    UNWRITTEN = 0xff /* bytes that make NaN in every float type */
};

/* All inputs of an expression, at each placement asked for, read-only afterwards. What the result
 * of one that accumulates holds before is there too; its padding is UNWRITTEN. */
struct input_set {
    struct guarded_buffer buffers[PLACEMENT_COUNT][MAX_TENSORS];
    const void *data[PLACEMENT_COUNT][MAX_TENSORS]; /* by tensor; NULL if literal or computed */
};

dlt_status input_set_create(const struct expression *expression, enum pattern pattern,
                            uint64_t seed, int placements, const enum placement *placement,
                            struct input_set *set, struct error *error);
/* Another placement of what the set has at `from`; nothing if it is there. */
dlt_status input_set_add(const struct expression *expression, enum placement from,
                         enum placement placement, struct input_set *set, struct error *error);
void input_set_free(struct input_set *set);

#endif
