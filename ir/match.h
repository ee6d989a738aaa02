/* What the passes that match instructions share: two operations that the machine has as one.
 *
 * A pass looks at each instruction of each block with what computes its sources: only what one
 * instruction uses may become part of it. */
#ifndef IR_MATCH_H
#define IR_MATCH_H

#include "ir/passes.h"

struct use {
    int count;
    struct vector_instruction *definition; /* if assigned once, in the block being matched */
};

struct matching {
    struct vector_program *program;
    struct use *uses;
};

/* The instruction of this block that computes source `s`, if nothing else uses it; or NULL. */
struct vector_instruction *match_only_use(const struct matching *m,
                                          const struct vector_instruction *instruction, int s);

/* Calls `match` for each instruction that has a destination, inner blocks first. */
typedef void matcher(struct matching *m, struct vector_instruction *instruction);
void match_program(struct vector_program *vectors, matcher *match);

#endif
