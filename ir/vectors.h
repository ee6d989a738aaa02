/* Vector programs: what a tile becomes before it is machine code.
 *
 * A tile, the innermost part of a loop program, is turned into a vector program: straight lines of
 * vector operations inside counted loops, on values in unlimited virtual registers. Each pass over
 * it is a file of this folder; a target only allocates registers and encodes.
 *
 *     arguments: 64-bit words: pointers first, then run-time loop bounds, lane counts and indices
 *     block (top)
 *       instruction ...
 *       block (loop c = 0 .. 64)
 *         instruction ...
 *         block (loop r = word 4 .. word 5)
 *           instruction ...
 *       instruction ...
 *
 * The native function of a program is `void tile(const int64_t *words)` in the C calling
 * convention.
 *
 * Values. A value is a number, an index into `values`. Most are assigned once; a *variable* (an
 * accumulator) may be assigned again, by an instruction in any block below the one of its first
 * assignment, and keeps its content around loops. Masks are values of their own class.
 *
 * Addresses. A pass before fold_addresses names memory as buffer + displacement + sum of loop
 * counter * stride. fold_addresses gives each block its *inductions*, pointers that follow a
 * loop, and leaves every address as one pointer + displacement.
 *
 *     induction: on entry of its block  pointer = parent + begin * step ; after each trip += step
 *
 * Counted loops with constant bounds run at least once; with run-time bounds perhaps never. */
#ifndef IR_VECTORS_H
#define IR_VECTORS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "te/affine.h"
#include "te/types.h"

enum value_class {
    CLASS_VECTOR,
    CLASS_MASK, /* one bit a lane */
};

/* One row each in vector_operations (ir/vector_operations.c). In the comments d is the destination,
 * a b c the sources. All lanes are independent unless said. */
enum vector_opcode {
    /* memory */
    VECTOR_LOAD,           /* d = consecutive elements; lanes masked out are 0 and not touched */
    VECTOR_LOAD_BROADCAST, /* d = one element in all lanes; those masked out are 0, and the element
                              is not touched if all are */
    VECTOR_LOAD_STRIDED,   /* lane i = element at address + i * stride bytes; masked like a load */
    VECTOR_LOAD_INDEXED,   /* lane i = element at address + lane i of a (s32) elements; likewise */
    VECTOR_STORE,          /* consecutive elements = a; lanes masked out are not touched */
    VECTOR_STORE_STRIDED,  /* element at address + i * stride = lane i of a; masked */
    VECTOR_STORE_STREAM,   /* as VECTOR_STORE, around the caches; aligned address, no mask */
    VECTOR_PREFETCH,       /* asks for the line at address; no destination */
    /* moves and constants */
    VECTOR_CONSTANT, /* d = `constant` in all lanes */
    VECTOR_MOVE,     /* d = a */
    VECTOR_LANES,    /* lane i = i * immediate, as the type's numbers */
    VECTOR_INDEX,    /* d = the address itself, a number of 32 bits, as the type's, in all lanes */
    /* arithmetic of the type's lanes */
    VECTOR_ADD,
    VECTOR_SUBTRACT,
    VECTOR_MULTIPLY,
    VECTOR_DIVIDE,
    VECTOR_MINIMUM,        /* a < b ? a : b, as the x86 instruction does: b if either is NaN */
    VECTOR_MAXIMUM,        /* a > b ? a : b, likewise */
    VECTOR_MINIMUM_OR_NAN, /* NaN if either is, else a < b ? a : b */
    VECTOR_MAXIMUM_OR_NAN, /* likewise */
    VECTOR_SQUARE_ROOT,
    VECTOR_MULTIPLY_ADD,         /* a * b + c, rounded once */
    VECTOR_MULTIPLY_SUBTRACT,    /* a * b - c, rounded once */
    VECTOR_NEGATED_MULTIPLY_ADD, /* c - a * b, rounded once */
    VECTOR_ROUND,                /* to the nearest integer, ties to even, as a float */
    VECTOR_FLOOR,
    VECTOR_FUNCTION, /* of a, enum operation `immediate`: for C only, machine code spells it out */
    /* bits; the type gives only the lane size */
    VECTOR_AND,
    VECTOR_AND_NOT, /* ~a & b */
    VECTOR_OR,
    VECTOR_XOR,
    VECTOR_SHIFT_LEFT,  /* by the number in `immediate` */
    VECTOR_SHIFT_RIGHT, /* logical */
    VECTOR_SHIFT_RIGHT_ARITHMETIC,
    VECTOR_ADD_INTEGER,
    VECTOR_SUBTRACT_INTEGER,
    /* conversions between f32 and s32 lanes */
    VECTOR_TO_INTEGER, /* rounds to nearest even */
    VECTOR_TO_FLOAT,
    /* masks */
    VECTOR_MASK_CONSTANT, /* d = the low bits of `immediate` */
    VECTOR_MASK_COUNT,    /* d = the first n lanes, n = word `immediate` clamped to 0..lanes */
    VECTOR_MASK_LESS,     /* d = a < b; false if either is NaN */
    VECTOR_MASK_EQUAL,    /* d = a == b */
    VECTOR_MASK_AND,
    VECTOR_BLEND, /* lane of a where the mask holds, else of b */
    /* exchanges between lanes; a vector is a row of parts of 16 bytes */
    VECTOR_INTERLEAVE_LOW,  /* in each part: a0 b0 a1 b1 ..., of its lower lanes */
    VECTOR_INTERLEAVE_HIGH, /* likewise of its upper lanes */
    VECTOR_SHUFFLE_PARTS,   /* the lower half of d: parts of a, the upper: of b; `immediate` has the
                               number of each, 2 bits for vectors of 64 bytes, 1 for 32; of 16: a */
    VECTOR_PICK_ALTERNATE,  /* the lower half of d: every second lane of a, the upper: of b; from
                               lane 1 on, not 0, where bit 0 (for a), 1 (for b) of `immediate` is 1
                             */
    /* across lanes: the result in all lanes, combined in a fixed order (halves, then
     * quarters...) */
    VECTOR_REDUCE_ADD,
    VECTOR_REDUCE_MAXIMUM, /* NaN if a lane is */
    VECTOR_REDUCE_MINIMUM,
    VECTOR_REDUCE_MULTIPLY,
    VECTOR_OPCODE_COUNT,
};

enum mask_rule {
    MASK_NONE,    /* acts on all lanes */
    MASK_ALLOWED, /* or on those of a mask */
    MASK_KEEPS,   /* likewise if the destination is a variable: other lanes keep what it held */
    MASK_NEEDED,
};

struct vector_operation_info {
    const char *name; /* in dumps: "multiply_add" */
    int sources;
    bool reads_memory, writes_memory;
    bool has_destination;
    bool commutes; /* a and b may be exchanged */
    enum value_class destination_class;
    enum mask_rule mask;
};

extern const struct vector_operation_info vector_operations[VECTOR_OPCODE_COUNT];

enum {
    VECTOR_MAX_TERMS = 8,
    VECTOR_NONE = -1
};

struct vector_address {
    int base; /* before folding: a pointer argument's word; after: an induction's number,
                 or a word as -1 - word if it follows no loop */
    int64_t displacement; /* bytes */
    int term_count;       /* 0 after folding */
    struct vector_address_term {
        const struct variable *counter; /* of an enclosing block */
        int64_t stride;                 /* bytes */
    } terms[VECTOR_MAX_TERMS];
};

struct vector_instruction {
    enum vector_opcode opcode;
    enum data_type type;
    int destination;   /* value, or VECTOR_NONE */
    int sources[3];    /* values; the one that memory_source names is VECTOR_NONE */
    int mask;          /* value of CLASS_MASK, or VECTOR_NONE for all lanes */
    int memory_source; /* after match_instructions: which source is read from `address` (consecutive
                          lanes, unmasked), or VECTOR_NONE. Never set on loads and stores. */
    bool memory_broadcast; /* that source is one element in all lanes */
    struct vector_address address;
    int64_t stride;  /* of strided forms, bytes */
    double constant; /* VECTOR_CONSTANT */
    int64_t immediate;
};

/* A loop bound: a constant, or a word that the code around the tile computes. */
struct vector_bound {
    bool is_word;
    int64_t value; /* the constant, or the number of the word */
};

struct vector_induction {
    int parent;   /* another induction of an enclosing block, or a word as -1 - word */
    int64_t step; /* bytes a trip */
};

struct vector_block;

struct vector_item {
    struct vector_item *next;
    struct vector_instruction *instruction; /* or NULL: then a block */
    struct vector_block *block;
};

struct vector_block {
    const struct variable *counter; /* NULL for the top */
    struct vector_bound begin, end; /* of the counter; the step is 1 */
    struct vector_block *parent;
    struct vector_item *first, *last;
    int induction_count;
    int *inductions; /* numbers into the program's list: those that this loop advances */
};

struct vector_value {
    enum value_class value_class;
    bool is_variable; /* assigned more than once */
};

struct vector_program {
    struct arena *arena;
    int vector_bytes;              /* 64, 32 or 16: all vector values of the program */
    int pointer_words;             /* the first words are pointers */
    const bool *later_pointers;    /* of all words: those behind them that are; NULL: none */
    int word_count;                /* all arguments */
    const char *const *word_names; /* for dumps: "x", "weight", "r.begin" */
    int value_count, value_capacity;
    struct vector_value *values;
    int induction_count, induction_capacity;
    struct vector_induction *inductions;
    bool is_folded; /* fold_addresses has run: addresses are one pointer + displacement */
    struct vector_block *top;
};

/* Building, by the passes of this folder and by tests. Memory is the arena's. */
struct vector_program *vector_program_create(struct arena *arena, int vector_bytes,
                                             int pointer_words, int word_count,
                                             const char *const *word_names);
int vector_value_new(struct vector_program *program, enum value_class value_class,
                     bool is_variable);
struct vector_block *vector_block_append(struct vector_program *program,
                                         struct vector_block *parent,
                                         const struct variable *counter, struct vector_bound begin,
                                         struct vector_bound end);
/* Appends an instruction with all fields "none"; the caller fills in the rest. */
struct vector_instruction *vector_append(struct vector_program *program, struct vector_block *block,
                                         enum vector_opcode opcode, enum data_type type);
/* A new induction that `block` advances; its number. The parent is as in struct
 * vector_induction. */
int vector_induction_new(struct vector_program *program, struct vector_block *block, int parent,
                         int64_t step);
int vector_lanes(const struct vector_program *program, enum data_type type);

/* Whether a word is a pointer: what else there is are numbers. */
bool vector_word_is_pointer(const struct vector_program *program, int64_t word);

/* Whether the instruction has an address: of memory, or of VECTOR_INDEX, which is a number. */
bool vector_has_address(const struct vector_instruction *instruction);

/* Whether two addresses differ by a constant only. */
bool vector_same_terms(const struct vector_address *a, const struct vector_address *b);
/* Takes out the items whose instruction a pass has set to NULL. */
void vector_remove_empty_items(struct vector_block *block);

void vector_program_print(struct text *text, const struct vector_program *program);

#endif
