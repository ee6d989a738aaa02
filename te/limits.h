/* Bounds on what an expression may be, checked where text or calls come in, so that fixed arrays
 * suffice and no 64-bit product overflows further on. */
#ifndef TE_LIMITS_H
#define TE_LIMITS_H

enum {
    MAX_RANK = 8,               /* axes of a tensor */
    MAX_LAYOUT_DIMENSIONS = 16, /* physical dimensions of a layout */
    MAX_TENSORS = 64,           /* of an expression */
    MAX_NAME = 48,              /* bytes of a name, NUL included */
    MAX_OPERANDS = 4,           /* of a value */
    MAX_VALUE_DEPTH = 150,      /* of values within each other: recursion, so stacks too */
    MAX_INDEX_DEPTH = 40,       /* of indices likewise */
};

#define MAX_EXTENT (INT64_C(1) << 31) /* of an axis */
/* Of a tensor; a whole computation may have 2^53 terms. */
#define MAX_ELEMENTS (INT64_C(1) << 40)

#endif
