/* Transposing a matrix that lies in registers, one row in each; private to transpose.c.
 *
 * With p parts of 16 bytes in a vector and e lanes in a part, rows are taken in groups of e:
 *
 *     within parts    interleaves turn each group into e vectors; vector j has in its part i
 *                     column i * e + j of the group's rows
 *     between parts   shuffles put the parts that belong to one column side by side
 *
 * A column of few rows need not start at lane 0: where a vector holds several whole columns, its
 * reader takes each from where it is, which saves shuffles. Every step overwrites what it reads, so
 * that a network needs hardly more registers than its rows. */
#ifndef IR_TRANSPOSE_NETWORK_H
#define IR_TRANSPOSE_NETWORK_H

#include "ir/vectors.h"

enum {
    NETWORK_PARTS = 4,      /* most in a vector */
    NETWORK_PART_LANES = 4, /* most in a part */
    NETWORK_ROWS = NETWORK_PARTS * NETWORK_PART_LANES
};

struct network {
    struct vector_program *program;
    enum data_type type;
    int part_lanes, parts, groups;
    bool halves;                                   /* a part holds two columns of so few rows */
    struct vector_item ***link;                    /* what is emitted goes here; advances */
    int values[NETWORK_PARTS][NETWORK_PART_LANES]; /* of each group after the first step */
};

struct network_column {
    int number, value, first_lane;
};

/* Registers that `rows` rows in registers take while they are transposed. */
int network_registers(const struct vector_program *program, enum data_type type, int rows);

/* Emits an instruction behind what has been emitted. A destination is a new value. */
struct vector_instruction *network_emit(struct network *network, enum vector_opcode opcode,
                                        enum data_type type);

/* Takes up to as many rows as a vector has lanes; emits the first step. */
void network_begin(struct network *network, struct vector_program *program, enum data_type type,
                   struct vector_item ***link, const int *rows, int count);

/* Emits the second step for columns step, step + e, step + 2 * e ...; step is 0 to e - 1. Returns
 * how many columns there are: as many as parts. */
int network_finish(struct network *network, int step, struct network_column *columns);

#endif
