/* What a case computes, in a form of the test's own.
 *
 * A definition is a list of tensors; the last one is the result. It is made by the test's own
 * generators (draw.h), evaluated by its own evaluator (evaluate.h), and told to dltune as text
 * only: of a workload, or of an expression (definition_text). Nothing of dltune's is included here,
 * so that a mistake in how dltune reads, simplifies or computes cannot be made twice.
 *
 * Nodes belong to their definition and are never changed once they are built. */
#ifndef DIFFERENTIAL_DEFINITION_H
#define DIFFERENTIAL_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MOST_AXES = 8, /* axes and reduction axes of one tensor together: twice that */
    MOST_SLOTS = 2 * MOST_AXES,
    MOST_TENSORS = 24,
    MOST_CONDITIONS = 12,
    MOST_OPERANDS = 4,
    MOST_DIMENSIONS = 12, /* of a layout */
    MOST_NAME = 16,
    MOST_TEXT = 16384,
};

/* ---- indices ---- */

enum index_kind {
    INDEX_CONSTANT,
    INDEX_AXIS,      /* of the tensor whose body it stands in: its axes, then its reduction axes */
    INDEX_SUM,       /* a + b */
    INDEX_SCALED,    /* a * constant */
    INDEX_DIVIDED,   /* a / constant, rounded down */
    INDEX_REMAINDER, /* a % constant, never negative */
    INDEX_MINIMUM,   /* min(a, constant) */
};

struct index {
    enum index_kind kind;
    int64_t constant;
    int axis;
    const struct index *a, *b;
};

/* lowest <= index <= highest */
struct condition {
    const struct index *index;
    int64_t lowest, highest;
};

/* ---- values ---- */

enum operation {
    VALUE_CONSTANT,
    VALUE_READ,
    VALUE_INDEX,
    VALUE_PREVIOUS, /* what the element held before the call */
    VALUE_ADD,
    VALUE_SUBTRACT,
    VALUE_MULTIPLY,
    VALUE_DIVIDE,
    VALUE_MINIMUM,
    VALUE_MAXIMUM,
    VALUE_NEGATE,
    VALUE_ABSOLUTE,
    VALUE_SQUARE_ROOT,
    VALUE_EXPONENTIAL,
    VALUE_LOGARITHM,
    VALUE_TANH,
    VALUE_ERF,
    VALUE_SELECT,      /* operand 0 where all conditions hold, else operand 1 */
    VALUE_SELECT_LESS, /* operand 0 < operand 1 ? operand 2 : operand 3 */
    /* Activations of workloads, which expressions have to spell out. */
    VALUE_SIGMOID,
    VALUE_GELU,
    VALUE_HARDSWISH,
    VALUE_COUNT,
};

struct value {
    enum operation operation;
    float constant;
    int tensor;                      /* VALUE_READ: its place in the definition */
    const struct index **subscripts; /* VALUE_READ: one for each axis */
    const struct index *index;       /* VALUE_INDEX */
    int condition_count;
    const struct condition *conditions;
    const struct value *operands[MOST_OPERANDS];
};

/* ---- layouts ---- */

/* A piece of an axis: (axis / divisor) % modulus. */
struct dimension {
    int axis;
    int64_t divisor, modulus; /* modulus 0: none */
    int64_t needed, extent;   /* extent is larger where rows are apart */
    int64_t stride;
};

struct layout {
    int count;
    struct dimension dimensions[MOST_DIMENSIONS];
    int64_t elements;
};

/* What a place in memory is. */
enum place {
    PLACE_ELEMENT,
    PLACE_LANE, /* added by a block: holds zero */
    PLACE_GAP,  /* between rows: nobody's business */
};

/* ---- tensors ---- */

enum kind {
    KIND_VARIABLE,
    KIND_PARAMETER,
    KIND_LITERAL,
    KIND_COMPUTED,
};

enum combiner {
    COMBINE_NONE,
    COMBINE_SUM,
    COMBINE_PRODUCT,
    COMBINE_MAXIMUM,
    COMBINE_MINIMUM,
};

struct axis {
    char name[MOST_NAME];
    int64_t extent;
};

struct tensor {
    char name[MOST_NAME];
    enum kind kind;
    int rank, reduction_rank;
    struct axis axes[MOST_SLOTS]; /* the axes, then the reduction axes */
    enum combiner combiner;
    bool accumulate;
    const struct value *body;
    const float *literal; /* in plain order */
    bool has_layout;      /* its text is written */
    struct layout layout;
};

struct definition {
    int tensor_count;
    struct tensor tensors[MOST_TENSORS];
    bool uses_previous;
    char workload[MOST_TEXT]; /* what dltune is given */
    char *pool;
    size_t pool_used, pool_size;
};

/* The pool's memory is kept and used again by definition_clear. */
void definition_initialise(struct definition *definition);
void definition_clear(struct definition *definition);
void definition_free(struct definition *definition);
void *definition_allocate(struct definition *definition, size_t bytes);

const struct tensor *definition_result(const struct definition *definition);
bool definition_accumulates(const struct definition *definition);
int64_t tensor_elements(const struct tensor *tensor);
double tensor_terms(const struct tensor *tensor); /* elements times the reduction's terms */
double definition_terms(const struct definition *definition);

/* Adds a tensor with a plain layout; answers its place. Names are copied. */
int add_tensor(struct definition *definition, enum kind kind, const char *name, int rank,
               const struct axis *axes);
struct axis make_axis(const char *name, int64_t extent);

const struct index *index_constant(struct definition *d, int64_t constant);
const struct index *index_axis(struct definition *d, int axis);
const struct index *index_sum(struct definition *d, const struct index *a, const struct index *b);
const struct index *index_add(struct definition *d, const struct index *a, int64_t constant);
const struct index *index_with(struct definition *d, enum index_kind kind, const struct index *a,
                               int64_t constant);
int64_t index_evaluate(const struct index *index, const int64_t *slots);
void index_range(const struct index *index, const struct tensor *tensor, int64_t *lowest,
                 int64_t *highest);

const struct value *value_constant(struct definition *d, float constant);
const struct value *value_index(struct definition *d, const struct index *index);
const struct value *value_read(struct definition *d, int tensor,
                               const struct index *const *subscripts);
const struct value *value_apply(struct definition *d, enum operation operation,
                                const struct value *a, const struct value *b);
const struct value *value_select(struct definition *d, int count,
                                 const struct condition *conditions, const struct value *yes,
                                 const struct value *no);
const struct value *value_select_less(struct definition *d, const struct value *a,
                                      const struct value *b, const struct value *yes,
                                      const struct value *no);

/* ---- layouts (layout.c) ---- */

void layout_plain(struct layout *layout, const struct tensor *tensor);
/* Appends a piece and, when all are there, finishes. `extent` 0: what is needed. */
void layout_append(struct layout *layout, const struct tensor *tensor, int axis, int64_t divisor,
                   int64_t modulus, int64_t extent);
void layout_finish(struct layout *layout);
int64_t layout_offset(const struct layout *layout, const int64_t *subscripts);
enum place layout_place(const struct layout *layout, const struct tensor *tensor, int64_t offset);
/* One place behind the last element: what lies behind it is a gap. */
int64_t layout_end(const struct layout *layout, const struct tensor *tensor);
/* "n c/16 h w c%16", with `separator` between the pieces. */
int layout_text(char *text, size_t size, const struct layout *layout, const struct tensor *tensor,
                const char *separator);

/* ---- text (text.c) ---- */

/* The tensors in the language of expressions, with `separator` between them: "\n" or "; ". False if
 * it does not fit. */
bool definition_text(const struct definition *definition, const char *separator, char *text,
                     size_t size);

#endif
