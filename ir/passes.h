/* The passes of lowering; private to this folder and its tests. Each is the function of the file
 * named alike, and a row of the table in lower.c, which has their order. */
#ifndef IR_PASSES_H
#define IR_PASSES_H

#include "ir/program.h"
#include "ir/vectors.h"
#include "machine/description.h"

/* What passes work on. A pass over loops changes `program`. A pass over vectors is called for each
 * variant of each tile and changes `vectors`; it may look at the rest. */
struct lowering {
    struct arena *arena;
    const struct schedule *schedule;
    const struct target_description *target;
    struct program *program; /* what build_nests makes */
    struct tile *tile;       /* for passes over vectors: the tile, */
    struct tile_variant *variant;
    struct vector_program *vectors; /* and what vectorise makes of the variant */
    struct error *error;
};

/* DLT_ERROR_REFUSED, with what would be legal, where this schedule cannot be lowered. */
typedef dlt_status lowering_pass(struct lowering *lowering);

/* Over loops. */
lowering_pass build_nests;      /* schedule to loops: one nest a stage, attached stages inside their
                                   consumers, reductions as an initialising and an updating nest */
lowering_pass extract_domains;  /* selects that make a reduction's term its combiner's identity
                                   become conditions of the store */
lowering_pass simplify;         /* what ranges prove: conditions that always hold go, stores whose
                                   conditions never hold go, constants are folded */
lowering_pass bound_loops;      /* conditions on loops around tiles become those loops' bounds */
lowering_pass plan_memory;      /* buffers in the packed block and the workspace get offsets */
lowering_pass divide_loops;     /* a tile's loops over axes that lie in memory in blocks become
                                   loops over blocks and within them */
lowering_pass split_boundaries; /* conditions left inside tiles become loop bounds, variants, or
                                   split loops */

/* Over vectors. */
lowering_pass vectorise;     /* a variant becomes a vector program: unrolled, accumulators in
                                registers */
lowering_pass number_values; /* value numbering: equal values are computed once */
lowering_pass halve_strides; /* loads of every fourth element: picks of loads of every second */
lowering_pass deinterleave_loads;  /* loads of every second element: plain loads and picks */
lowering_pass hoist_invariants;    /* what does not change in a loop moves in front of it */
lowering_pass transpose_accesses;  /* strided accesses side by side: contiguous ones, and a matrix
                                      transposed in registers */
lowering_pass gather_reductions;   /* reductions across lanes that are stored side by side: one
                                      vector of results */
lowering_pass match_multiply_adds; /* products and sums become multiply-adds */
lowering_pass remove_dead_code;    /* instructions whose result nobody uses go */
lowering_pass advance_stores;      /* stores move up to behind what they store */
lowering_pass prefetch_stores;     /* where the schedule says so, lines that stores behind loops go
                                      to are asked for at the start */
lowering_pass sink_constants;      /* constants that loops have no registers for move into them */
lowering_pass relieve_pressure;    /* rematerialisation: where more values live than there are
                                      registers, loads and constants are read again */
lowering_pass match_operands;      /* loads that one operation uses become its operand */
lowering_pass fold_addresses;      /* buffer + sum of counters becomes pointer + displacement */

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

/* Nests that set the lanes that the layout adds to zero; NULL if it adds none. The tensor's axes
 * are those of the layout. */
struct node *clear_padding(struct program *program, const struct tensor *tensor,
                           const struct layout *layout);
struct node *tile_node(struct program *program, struct node *body); /* a new tile */

/* After how many trips of the loop a block ends; 1 if there are none. */
int64_t loop_period(const struct node *loop);

#endif
