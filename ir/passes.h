/* The passes of lowering, in the order lower() calls them; private to this folder. */
#ifndef IR_PASSES_H
#define IR_PASSES_H

#include "ir/lower.h"

/* Appending to a body. */
struct node_list {
    struct node *first, *last;
};

void node_append(struct node_list *list, struct node *nodes); /* a whole chain */
struct node *node_new(struct arena *arena, enum node_kind kind);

/* Calls `visit` for every node below `nodes`, parents first; into the variants of tiles too. */
typedef void node_visitor(void *context, struct node *node);
void node_visit(struct node *nodes, node_visitor *visit, void *context);

/* A deep copy in which every index has been substituted and every loop variable kept. */
struct node *node_copy(struct arena *arena, const struct node *nodes,
                       const struct binding *bindings, int binding_count);

/* Rewrites indices: a list of them, and every one of a value. */
typedef const struct affine *index_change(void *context, const struct affine *index);
const struct affine *const *map_indices(struct arena *arena, int count,
                                        const struct affine *const *indices, index_change *change,
                                        void *context);
const struct value *value_map_indices(struct arena *arena, const struct value *value,
                                      index_change *change, void *context);

/* Schedule to loops: one nest a stage, attached stages inside their consumers, reductions as an
 * initialising nest and an updating one. */
dlt_status build_nests(struct arena *arena, const struct schedule *schedule,
                       struct program **program, struct error *error);

/* Nests that set the lanes that the layout adds to zero; NULL if it adds none. The tensor's axes
 * are those of the layout. */
struct node *clear_padding(struct program *program, const struct tensor *tensor,
                           const struct layout *layout);
struct node *tile_node(struct program *program, struct node *body); /* a new tile */

/* Selects that make a reduction's term its combiner's identity become conditions of the store. */
void extract_domains(struct program *program);

/* Conditions that always hold go, stores whose conditions never hold go, constants are folded. */
void simplify(struct program *program);

/* Conditions that constrain loops around tiles become those loops' bounds. */
void bound_loops(struct program *program);

/* Loops of tiles over axes that lie in memory in blocks become loops over blocks and within them.
 */
void divide_loops(struct program *program);
/* After how many trips of the loop a block ends; 1 if there are none. */
int64_t loop_period(const struct node *loop);

/* Conditions left on stores inside tiles become loop bounds, variants, or split loops. */
dlt_status split_boundaries(struct program *program, struct error *error);

/* Gives buffers in the packed block and the workspace their offsets. */
void plan_memory(struct program *program);

/* A variant of a tile to a vector program: unrolled, vectorised, accumulators in registers. */
dlt_status vectorise(struct program *program, struct tile *tile, struct tile_variant *variant,
                     const struct target_description *target, struct error *error);

/* Equal values are computed once. */
void number_values(struct vector_program *vectors);

/* What does not change in a loop moves in front of it. */
void hoist_invariants(struct vector_program *vectors);

/* Strided accesses side by side become contiguous ones and transpositions in registers. */
void transpose_accesses(struct vector_program *vectors, const struct target_description *target);

/* Loads of every fourth element become picks of loads of every second. */
void halve_strides(struct vector_program *vectors);

/* Loads of every second element become plain loads and picks. */
void deinterleave_loads(struct vector_program *vectors);

/* Reductions across lanes that are stored side by side become one vector of results. */
void gather_reductions(struct vector_program *vectors, const struct target_description *target);

/* Products and sums become multiply-adds. */
void match_multiply_adds(struct vector_program *vectors);

/* Stores move up to behind what they store. */
void advance_stores(struct vector_program *vectors);

/* Lines that stores behind loops go to are asked for at the start. */
void prefetch_stores(struct vector_program *vectors);

/* Constants that loops have no registers for move into them. */
void sink_constants(struct vector_program *vectors, const struct target_description *target);

/* More live values than registers: loads and constants are read again. */
void relieve_pressure(struct vector_program *vectors, const struct target_description *target);

/* Loads that one operation uses become its operand. */
void match_operands(struct vector_program *vectors);

/* Instructions whose result nobody uses go. */
void remove_dead_code(struct vector_program *vectors);

/* Buffer + sum of counters becomes pointer + displacement. */
void fold_addresses(struct vector_program *vectors);

#endif
