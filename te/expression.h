/* Tensor expressions: what to compute, and nothing about how.
 *
 * An expression is a list of tensors in topological order; the last is the result. A tensor is an
 * input or computed. A computed tensor says what the element at its axes is: the value of a body,
 * or the body's values over all reduction axes combined by a combiner:
 *
 *     input x[n=1, c=64, h=56, w=56] f32 variable
 *     input weight[k=64, c=64, r=3, s=3] f32 parameter
 *     input bias[k=64] f32 variable
 *     conv[n=1, k=64, y=56, x=56] f32 = sum(c=64, r=3, s=3)
 *         select(0 <= y + r - 1 < 56, 0 <= x + s - 1 < 56, x[n, c, y + r - 1, x + s - 1], 0) *
 *             weight[k, c, r, s]
 *     output[n=1, k=64, y=56, x=56] f32 = max(conv[n, k, y, x] + bias[k], 0)
 *
 * The result may depend on what it held before the call, element by element. If it is a reduction
 * it may be declared to accumulate, and starts from there instead of from the identity:
 *
 *     output[m=8, n=8] f32 accumulate = sum(k=4) a[m, k] * b[k, n]
 *
 * If it is none, its body may name the old element, `previous`. docs/expressions.md has all of it.
 *
 * Everything is immutable once built and owned by the expression's arena. Reading an expression
 * from several threads is safe; building one is not. */
#ifndef TE_EXPRESSION_H
#define TE_EXPRESSION_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "te/affine.h"
#include "te/layout.h"
#include "te/limits.h"
#include "te/types.h"

enum tensor_kind {
    TENSOR_VARIABLE,  /* an input that differs from call to call */
    TENSOR_PARAMETER, /* an input known before the calls: weights */
    TENSOR_LITERAL,   /* numbers known to the compiler */
    TENSOR_COMPUTED,
};

enum combiner {
    COMBINE_NONE, /* no reduction */
    COMBINE_SUM,
    COMBINE_PRODUCT,
    COMBINE_MAXIMUM,
    COMBINE_MINIMUM,
    COMBINER_COUNT,
};

/* The operations of a value. One row each in `operations` (te/operations.c); the order of operands
 * is the order in the text form. */
enum operation {
    OP_CONSTANT, /* a number */
    OP_READ,     /* an element of a tensor */
    OP_INDEX,    /* an index as a number */
    OP_PREVIOUS, /* what this element of the result held before; in the result's body only */
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MINIMUM, /* NaN if either is; of zeros of both signs see docs/numerics.md */
    OP_MAXIMUM, /* likewise */
    OP_NEGATE,
    OP_ABSOLUTE,
    OP_SQUARE_ROOT,
    OP_EXPONENTIAL,
    OP_LOGARITHM,
    OP_TANH,
    OP_ERF,
    OP_SELECT,      /* operand 0 where all conditions hold (each index >= 0), else operand 1 */
    OP_SELECT_LESS, /* operand 0 < operand 1 ? operand 2 : operand 3 */
    OP_CONVERT,     /* to the node's type */
    OPERATION_COUNT,
};

struct operation_info {
    const char *name; /* "max": the word in the text form; or the infix sign, "+" */
    int operand_count;
    bool infix;
    double (*evaluate)(const double *operands); /* in double precision; NULL where it needs more */
};

extern const struct operation_info operations[OPERATION_COUNT];

struct combiner_info {
    const char *name; /* "sum" */
    double identity;
    enum operation operation; /* that combines two values */
};

extern const struct combiner_info combiners[COMBINER_COUNT];

struct tensor;

struct value {
    enum operation operation;
    enum data_type type;
    int depth;                              /* values within each other, this one included */
    double constant;                        /* OP_CONSTANT */
    const struct tensor *tensor;            /* OP_READ */
    const struct affine *const *subscripts; /* OP_READ: one for each axis */
    const struct affine *index;             /* OP_INDEX */
    int condition_count;                    /* OP_SELECT */
    const struct affine *const *conditions; /* OP_SELECT: each means "is >= 0" */
    bool is_inlined; /* OP_SELECT: it was the body of a tensor of its own, so what it gives is an
                        element like any other (te/domain.h) */
    const struct value *operands[MAX_OPERANDS];
};

struct tensor {
    const char *name;
    enum tensor_kind kind;
    enum data_type type;
    int rank;
    const struct variable *axes[MAX_RANK]; /* their minimum is 0 */
    struct layout layout;
    int domain_count; /* of a computed tensor: there are elements only where each is >= 0. Users
                         write none; separated axes may end within a step (te/phases.h) */
    const struct affine *domain[MAX_RANK];
    int reduction_rank;
    const struct variable *reduction_axes[MAX_RANK];
    enum combiner combiner;   /* of a computed tensor */
    const struct value *body; /* of a computed tensor */
    bool accumulate;          /* the result, a reduction: combined with what it held before */
    const double *literal;    /* of a literal, in plain order of its axes */
};

struct expression {
    struct arena *arena;
    int tensor_count;
    struct tensor *tensors[MAX_TENSORS]; /* topological order; the last is the result */
    int next_variable_id;
};

/* Building. Names are copied. All allocate from the expression's arena (see base/arena.h on
 * memory); only what can be wrong in the caller's data returns a status. */
struct expression *expression_create(struct arena *arena);
const struct variable *expression_axis(struct expression *expression, const char *name,
                                       int64_t extent);
dlt_status expression_input(struct expression *expression, enum tensor_kind kind, const char *name,
                            enum data_type type, int rank, const struct variable *const *axes,
                            struct tensor **tensor, struct error *error);
dlt_status expression_computed(struct expression *expression, const char *name, int rank,
                               const struct variable *const *axes, int reduction_rank,
                               const struct variable *const *reduction_axes, enum combiner combiner,
                               const struct value *body, struct tensor **tensor,
                               struct error *error);
dlt_status expression_set_layout(struct expression *expression, struct tensor *tensor,
                                 const char *layout, struct error *error);

const struct value *value_constant(struct arena *arena, enum data_type type, double constant);
const struct value *value_index(struct arena *arena, enum data_type type,
                                const struct affine *index);
const struct value *value_read(struct arena *arena, const struct tensor *tensor,
                               const struct affine *const *subscripts);
const struct value *value_previous(struct arena *arena, enum data_type type);
const struct value *value_unary(struct arena *arena, enum operation operation,
                                const struct value *a);
const struct value *value_binary(struct arena *arena, enum operation operation,
                                 const struct value *a, const struct value *b);
const struct value *value_select(struct arena *arena, int condition_count,
                                 const struct affine *const *conditions, const struct value *yes,
                                 const struct value *no);

const struct value *value_select_less(struct arena *arena, const struct value *a,
                                      const struct value *b, const struct value *yes,
                                      const struct value *no);
/* Whether it is a constant, and that is not NaN. */
bool value_is_number(const struct value *value);
/* Which operand of a minimum or maximum stands first: of zeros of both signs the second is given,
 * so a constant stands first. A NaN wins in either place. */
int value_first_operand(const struct value *value);
const struct value *value_convert(struct arena *arena, enum data_type type, const struct value *a);

/* A copy of `value` with each node passed, after its operands, through `change` (which may return
 * its argument). The general rewriting of bodies: inlining, renaming, replacing subscripts. */
typedef const struct value *value_change(void *context, const struct value *value);
const struct value *value_rewrite(struct arena *arena, const struct value *value,
                                  value_change *change, void *context);

/* Checks what building cannot: every read within its tensor wherever it is evaluated (conditions of
 * the selects around it considered), names unique, sizes within te/limits.h, a result that
 * exists. */
dlt_status expression_check(const struct expression *expression, struct error *error);

struct tensor *expression_result(const struct expression *expression);
/* Whether a tensor, or the result, depends on what it held before. */
bool tensor_accumulates(const struct tensor *tensor);
bool expression_accumulates(const struct expression *expression);
/* Whether anything is known before the calls and can be packed: a parameter. */
bool expression_has_parameters(const struct expression *expression);
struct tensor *expression_find(const struct expression *expression, const char *name); /* or NULL */

/* Text form, as above; printing and parsing back give an equal expression. */
void expression_print(struct text *text, const struct expression *expression);
void value_print(struct text *text, const struct value *value);
dlt_status expression_parse(struct arena *arena, const char *text, struct expression **expression,
                            struct error *error);

/* Floating-point operations of the direct form on real elements: an addition and a multiplication
 * count one each, a reduction's combination one, terms that a select's conditions rule out none.
 * `nominal` counts those too. Of one call: tensors that follow from parameters alone are computed
 * ahead, with the packing, and do not count. */
double expression_operations(const struct expression *expression, bool nominal);

#endif
