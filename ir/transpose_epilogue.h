/* What is done to rows right before they are stored as columns, and can be done to the columns;
 * private to transpose.c.
 *
 *     r0 = load_strided [r],     stride s         columns = transposed rows v0 v1 ...
 *     w0 = add v0, r0                      -->    c0 = load [r]
 *     x0 = maximum w0, zero                       y0 = add column 0, c0
 *     store_strided [o], x0 stride s              z0 = maximum y0, zero
 *     ...                                         store [o], z0
 *
 * What is read beside the sums (a residual) lies as the result does: as a column it is contiguous,
 * as a row it would have to be transposed, or read lane by lane. */
#ifndef IR_TRANSPOSE_EPILOGUE_H
#define IR_TRANSPOSE_EPILOGUE_H

#include "ir/lives.h"

enum {
    MAX_EPILOGUE_STEPS = 4
};

/* The same for all rows but for what is read, which moves on as the stores do. */
struct epilogue_step {
    enum vector_opcode opcode;
    int side;                              /* the source that is the row */
    int uniform;                           /* the other one, the same in all lanes and rows; or */
    const struct vector_instruction *load; /* what is read beside the first row */
};

struct transposed_epilogue {
    int step_count;                                 /* 0: there is none */
    struct epilogue_step steps[MAX_EPILOGUE_STEPS]; /* the last one is done first */
    int registers;                                  /* that columns need beside their own */
};

/* Where the stores are: before `end`. Nothing since `begin` writes to memory but stores like
 * them. */
struct epilogue_place {
    const struct lives *lives;
    const struct vector_block *block;
    int begin, end;
};

/* Rows with their stores in the order of their addresses, which are next to each other. */
void epilogue_find(const struct epilogue_place *place, struct vector_item *const *stores, int count,
                   struct transposed_epilogue *epilogue);

/* The value that a row has before these steps. */
int epilogue_row(const struct epilogue_place *place, const struct transposed_epilogue *epilogue,
                 int stored);

#endif
