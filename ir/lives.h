/* Lives: from where to where each value of a vector program needs a register.
 *
 * The program is laid out as one line. A value lives from its definition to its last use; if it
 * comes from outside a loop and is used in it, to the loop's end. Private to the passes that fit a
 * program into registers. */
#ifndef IR_LIVES_H
#define IR_LIVES_H

#include "ir/passes.h"

struct life {
    int begin, end;            /* positions of the definition and of the last use */
    struct vector_block *home; /* block of the definition */
    struct vector_instruction *definition;
    int operands[4]; /* of the definition, as the program named them */
    bool evictable;  /* can be read again, and is used in its own block only */
};

struct lives {
    struct vector_program *program;
    int limits[2]; /* registers of each class */
    bool masks_are_vectors;
    int length;      /* positions */
    struct life *of; /* each value */
    int *fixed[2];   /* at each position: values that live across it and cannot be evicted */
    int position;    /* of whoever walks the program */
};

/* Lives in the program's arena. */
void lives_find(struct lives *lives, struct vector_program *program,
                const struct target_description *target);
/* Whether it is put together from what has been read, so that reading it again takes more registers
 * for a moment: so many. */
int lives_pieces(const struct vector_instruction *instruction);
/* Whether it takes a vector or a mask register. */
int lives_class(const struct lives *lives, int value);
/* Sources and mask of an instruction, VECTOR_NONE where there is none. */
void lives_operands(const struct vector_instruction *instruction, int operands[4]);

/* Vector registers that an instruction needs for itself alone: what it works with, and with that a
 * result that can be in none of those that it reads. */
int lives_temporaries(const struct lives *lives, const struct vector_instruction *instruction);

#endif
