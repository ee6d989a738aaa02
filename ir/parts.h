/* Dividing indices between a tile and the loops around it; private to this folder. */
#ifndef IR_PARTS_H
#define IR_PARTS_H

#include "ir/program.h"

enum {
    MAX_INNER = 64
};

/* The loop variables inside a tile. */
struct inner_variables {
    int count;
    const struct variable *variables[MAX_INNER];
};

/* Collects the variables of all loops below `nodes`. */
void inner_collect(struct inner_variables *inner, struct node *nodes);
bool inner_contains(const struct inner_variables *inner, const struct variable *variable);
bool uses_inner(const struct inner_variables *inner, const struct affine *index);

/* index = outer + inner with the constant in `inside`. False if a term mixes both. */
bool divide_index(struct arena *arena, const struct inner_variables *inner,
                  const struct affine *index, const struct affine **outside,
                  const struct affine **inside);

/* The greatest step such that all values of the index are lowest + a multiple of it; 1 at least. */
int64_t index_step(const struct affine *index);

/* The words that the tile's native code needs: one for each (buffer, part of an offset outside the
 * tile), then two for each loop with bounds. */
dlt_status collect_words(struct program *program, struct tile *tile, struct error *error);
/* The word of a pointer, or of a number (`buffer` NULL), to or at an index over loops outside;
 * appended if the tile has none yet. */
int require_word(struct program *program, struct tile *tile, const struct buffer *buffer,
                 const struct affine *outside);
int find_pointer_word(const struct tile *tile, const struct buffer *buffer,
                      const struct affine *outside); /* or -1 */
int find_bound_word(const struct tile *tile, const struct node *loop, bool is_end);

#endif
