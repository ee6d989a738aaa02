/* Loop programs: what a schedule says, as loops over stores to buffers.
 *
 * A program has two parts: `pack` runs once when the parameters are known, `run` on every call.
 * Each is a list of nodes:
 *
 *     loop VARIABLE        body repeated for each value of the variable
 *     store BUFFER[offset] = value, or combined with what is there, where all conditions hold
 *     tile                 body that becomes one vector program, or one for each variant
 *
 * Values are those of tensor expressions (te/expression.h) over loop variables, with reads
 * flattened: a read's tensor names the buffer (program_buffer), and it has one subscript, the
 * offset in elements.
 *
 * The passes over it are files of this folder; lower.h names them all in order. */
#ifndef IR_PROGRAM_H
#define IR_PROGRAM_H

#include "schedules/schedule.h"
#include "te/expression.h"

enum buffer_kind {
    BUFFER_INPUT,     /* a variable input: argument `argument` of run */
    BUFFER_PARAMETER, /* a parameter: argument `argument` of pack, only read by pack */
    BUFFER_LITERAL,   /* a literal's numbers, in the code as a constant array; only read by pack */
    BUFFER_OUTPUT,    /* the result: argument `argument` of run */
    BUFFER_PACKED,    /* at `offset` in the packed block: written by pack, read by run */
    BUFFER_SHARED,    /* at `offset` in the workspace */
    BUFFER_PRIVATE,   /* at `offset` in the thread's part of the workspace */
    BUFFER_TILE,      /* lives only within a tile: registers; in plain C a local array */
};

struct buffer {
    const char *name; /* of the tensor; unique */
    enum buffer_kind kind;
    enum data_type type;
    int64_t elements; /* that are there: a caller's tensor may end with its last element */
    int argument;
    int64_t offset; /* bytes, a multiple of 64 */
    const struct tensor *tensor;
};

enum node_kind {
    NODE_LOOP,
    NODE_STORE,
    NODE_TILE,
};

struct tile;

struct node {
    enum node_kind kind;
    struct node *next; /* the next statement of the same body */

    /* NODE_LOOP: for each value of `variable` in its range for which every bound holds. A bound is
     * an index >= 0 in which `variable` is a plain term; the others are variables around the
     * loop. */
    const struct variable *variable;
    enum loop_kind loop;
    int bound_count;
    const struct affine *const *bounds;
    struct node *body; /* of a tile too */

    /* NODE_STORE: buffer[offset] = value, or = combine(buffer[offset], value), where all conditions
     * (each an index >= 0) hold. */
    const struct buffer *buffer;
    const struct affine *offset;
    const struct value *value;
    enum combiner combiner; /* COMBINE_NONE: assignment */
    int condition_count;
    const struct affine *const *conditions;

    /* NODE_TILE */
    struct tile *tile;
};

/* How one tile is called. Before the pass split_boundaries there is one variant, the body.
 * Otherwise, for each selector the class of its index's value says which variant: class = number of
 * thresholds that are <= the index; variant = mixed-radix number of the classes, the first selector
 * the most significant. A variant without body does nothing. */
struct tile_selector {
    const struct affine *index; /* over the loops around the tile */
    int threshold_count;
    const int64_t *thresholds; /* ascending */
};

struct vector_program;

struct tile_variant {
    struct node *body;
    struct vector_program *vectors; /* NULL where loops stay loops */
    int code;                       /* number of the machine code in the compiled kernel; equal
                                       variants share one; the C target has none */
};

/* A word passed to a tile's native code: the address of an element of a buffer, one end of a loop
 * with bounds, or the value of an index. */
struct tile_word {
    const struct buffer *buffer; /* a pointer: &buffer[offset]; or NULL */
    const struct affine *offset; /* without a buffer and a loop the word is this number */
    const struct node *loop;     /* a loop's bound: first value (is_end: one past the last; not less
                                than the first) that fulfils loop->bounds */
    bool is_end;
};

struct tile {
    int number;      /* unique in the program */
    bool prefetches; /* the lines that it writes, at its start */
    int selector_count;
    struct tile_selector *selectors;
    int variant_count;
    struct tile_variant *variants;
    int word_count;
    struct tile_word *words; /* the same for all variants */
};

struct program {
    struct arena *arena;
    const struct expression *expression;
    int buffer_count;
    struct buffer *buffers[2 * MAX_STAGES];
    struct node *pack, *run;
    int tile_count;
    struct tile *tiles[MAX_STAGES * 2];
    int64_t packed_bytes, shared_bytes,
        private_bytes; /* private: for each thread; multiples of 64 */
    int next_variable_id;
};

const struct buffer *program_buffer(const struct program *program, const struct tensor *tensor);
void program_print(struct text *text, const struct program *program);

#endif
