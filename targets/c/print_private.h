/* What the files of the printer of C share. */
#ifndef TARGETS_C_PRINT_PRIVATE_H
#define TARGETS_C_PRINT_PRIVATE_H

#include "targets/c/print_c.h"

/* Functions that a unit defines for itself, each only if something calls it (print_functions.c). */
enum support_function {
    SUPPORT_EXPONENTIAL,
    SUPPORT_LOGARITHM,
    SUPPORT_SQUARE_ROOT,
    SUPPORT_TANH,
    SUPPORT_ERF,
    SUPPORT_FROM_BF16,
    SUPPORT_TO_BF16,
    SUPPORT_FUNCTION_COUNT,
};

/* A floating constant of the unit, told by its bits. */
struct used_constant {
    struct used_constant *next;
    enum data_type type; /* f32 or f64 */
    uint64_t bits;
};

struct printer {
    struct arena *arena;
    const struct program *program;
    const struct print_c_options *options;
    struct text *out;     /* the function being printed */
    struct text function; /* of a parallel loop, while it is printed */
    struct text finished; /* functions that come before the rest of the unit */
    int depth;            /* of indentation */
    bool in_pack;
    bool in_parallel; /* inside the body of a parallel loop: `slot` exists */
    bool parallel;    /* parallel loops may be printed: in run, outside of other loops */
    int body_count;   /* functions of parallel loops so far */
    int temporaries;  /* numbered through the unit */
    unsigned support; /* bit set of enum support_function */
    bool literal_used[2 * MAX_STAGES];
    struct used_constant *constants;
};

/* Starts a line of the current function. */
void print_line(struct printer *printer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* print_names.c: names of the unit's variables. A variable's ends with its id, a buffer's with b
 * and its number, so no two are ever equal. */
const char *c_type_name(enum data_type type); /* of an element in memory */
void print_variable(struct text *text, const struct variable *variable);
void print_buffer(struct printer *printer, struct text *text, const struct buffer *buffer);

/* print_index.c: an index as an expression of type long. `print_index_operand` encloses it unless
 * it is one name or number. */
void print_index(struct text *text, const struct affine *index);
void print_index_operand(struct text *text, const struct affine *index);
/* "a >= 0 && b >= 0"; "1" if there is none. */
void print_conditions(struct text *text, const struct affine *const *conditions, int count);

/* print_number.c: a number as a constant of a type; the declarations of the constants that the unit
 * uses; and what literals are made of: elements with a member `number` where `has_bits`. */
void print_number(struct printer *printer, enum data_type type, double number);
void print_constants(struct printer *printer, struct text *out);
bool has_bits(enum data_type type);
void print_bits_type(struct text *text, enum data_type type);
void print_literal_number(struct text *text, enum data_type type, double number);

/* value_table.c: what a traversal knows of each node of values that share parts. */
struct value_entry {
    const struct value *value;
    int uses;        /* by how many operands and roots */
    bool named;      /* needs a temporary: used twice, or where an expression may not be repeated */
    bool checked;    /* `statements` is known */
    bool statements; /* it or a part of it needs a temporary */
    int temporary;   /* its number in the scope being printed, or -1 */
    int scope;       /* of the temporary */
};
struct value_table {
    struct arena *arena;
    int count, capacity; /* a power of two; 0 at first */
    struct value_entry **entries;
};
/* The entry of a value, made if it is new: then its uses are 0. */
struct value_entry *value_table_entry(struct value_table *table, const struct value *value);

/* print_value.c: the statements of a store. */
void print_store(struct printer *printer, const struct node *node);

/* print_loop.c: the range of a loop with bounds, as the variables NAME_begin and NAME_end. */
void print_loop_range(struct printer *printer, const struct node *loop, const char *begin,
                      const char *end);
void print_nodes(struct printer *printer, const struct node *node);

/* print_tile.c */
void print_tile(struct printer *printer, const struct node *node);
void print_tile_code(struct printer *printer, struct text *out);

/* print_straight.c: a tile's vector program of one lane; `words` holds its arguments. */
void print_straight(struct printer *printer, const struct vector_program *program);

/* print_buffers.c: the buffers that a nest uses, as local pointers; and literals as arrays. */
void print_buffer_pointers(struct printer *printer, const struct node *node);
void print_tile_buffers(struct printer *printer, const struct node *body);
void print_literals(struct printer *printer, struct text *out);

/* print_functions.c */
void print_support_functions(struct text *out, const char *prefix, unsigned support);
const char *support_function_name(enum support_function function);

#endif
