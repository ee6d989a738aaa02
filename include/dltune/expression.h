/* Tensor expressions: what to compute, and nothing about how.
 *
 * An expression is a list of tensors, each an input or computed; the last is the result. A computed
 * tensor says what its element at some subscripts is: the value of a body, or the body's values
 * over all reduction axes combined by a combiner. Expressions are written as text,
 *
 *     input a[m=4, k=3] f32 variable
 *     input b[k=3, n=5] f32 parameter
 *     c[m=4, n=5] f32 = sum(k=3) a[m, k] * b[k, n]
 *     d[m=4, n=5] f32 = max(c[m, n], 0)
 *
 * (docs/expressions.md, installed in share/doc/dltune, is about the text), or built by calls, which
 * give the same. Link with libdltune-tune.
 *
 * Building by calls. Axes, indices, values and tensors are nodes that belong to their expression
 * and live as long. A call that cannot make its node answers NULL, and so does a call that is given
 * NULL; the first failure is kept, and everything after it fails with it. So a program may build
 * without looking at each answer and ask dlt_expression_check once.
 *
 * An expression belongs to one thread at a time. */
#ifndef DLTUNE_EXPRESSION_H
#define DLTUNE_EXPRESSION_H

#include "dltune/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlt_expression dlt_expression;
typedef struct dlt_axis dlt_axis;     /* a name and an extent; of one tensor, or one reduction */
typedef struct dlt_index dlt_index;   /* integer arithmetic on axes: a subscript */
typedef struct dlt_value dlt_value;   /* what stands in a body */
typedef struct dlt_tensor dlt_tensor; /* an input or a computed tensor */

typedef enum dlt_type {
    DLT_F32,
    DLT_F64,
    DLT_S32,
    DLT_S8,
    DLT_U8,
    DLT_BF16
} dlt_type;

typedef enum dlt_input {
    DLT_VARIABLE,  /* differs from call to call */
    DLT_PARAMETER, /* known before the calls: weights, which are packed ahead */
} dlt_input;

typedef enum dlt_combiner {
    DLT_NONE, /* no reduction */
    DLT_SUM,
    DLT_PRODUCT,
    DLT_MAXIMUM,
    DLT_MINIMUM,
} dlt_combiner;

/* ---- Whole expressions ---- */

/* An empty expression, to be built by calls. The handle is set in case of failure too. */
DLT_API dlt_status dlt_expression_create(dlt_expression **expression);

/* Reads the text form. DLT_ERROR_ARGUMENT: dlt_error says line, column and what was expected there.
 * The handle is set in case of failure too, so that dlt_error can be asked; free it in any case. */
DLT_API dlt_status dlt_expression_parse(const char *text, dlt_expression **expression);

/* NULL is allowed. Tasks made from the expression do not need it any more. */
DLT_API void dlt_expression_free(dlt_expression *expression);

/* Whether the expression is complete and every read is within its tensor wherever it is evaluated;
 * answers the first failure of building, if there was one. */
DLT_API dlt_status dlt_expression_check(dlt_expression *expression);

/* The text form, which parses back to an equal expression. Valid until the next call on the
 * expression; NULL if memory ran out. */
DLT_API const char *dlt_expression_text(dlt_expression *expression);

/* ---- Tensors ---- */

/* An axis with the values 0 .. extent - 1, to be passed to dlt_make_input or dlt_make_computed.
 * `name` is letters, digits, '_' and '.', and starts with a letter; extent is from 1. */
DLT_API const dlt_axis *dlt_make_axis(dlt_expression *expression, const char *name, int64_t extent);

/* An input with those axes, outermost first. */
DLT_API const dlt_tensor *dlt_make_input(dlt_expression *expression, dlt_input kind,
                                         const char *name, dlt_type type, int rank,
                                         const dlt_axis *const *axes);

/* A computed tensor. With reduction axes its element is `body` combined over all of them, and
 * `combiner` is not DLT_NONE. `body` uses axes and reduction axes of this tensor only. */
DLT_API const dlt_tensor *dlt_make_computed(dlt_expression *expression, const char *name, int rank,
                                            const dlt_axis *const *axes, dlt_combiner combiner,
                                            int reduction_rank,
                                            const dlt_axis *const *reduction_axes,
                                            const dlt_value *body);

/* Declares that the result, a reduction, is combined with what its elements held before the
 * call. */
DLT_API dlt_status dlt_set_accumulate(dlt_expression *expression, const dlt_tensor *tensor);

/* How a tensor lies in memory, as text: "n h w c", "n c/16 h w c%16". Row-major unless told. */
DLT_API dlt_status dlt_set_layout(dlt_expression *expression, const dlt_tensor *tensor,
                                  const char *layout);

/* ---- Indices ---- */

DLT_API const dlt_index *dlt_index_axis(dlt_expression *expression, const dlt_axis *axis);
DLT_API const dlt_index *dlt_index_constant(dlt_expression *expression, int64_t constant);
DLT_API const dlt_index *dlt_index_add(dlt_expression *expression, const dlt_index *a,
                                       const dlt_index *b);
DLT_API const dlt_index *dlt_index_subtract(dlt_expression *expression, const dlt_index *a,
                                            const dlt_index *b);
DLT_API const dlt_index *dlt_index_scale(dlt_expression *expression, const dlt_index *a,
                                         int64_t factor);
/* Floor division and its remainder, which is never negative; `divisor` is from 1. */
DLT_API const dlt_index *dlt_index_divide(dlt_expression *expression, const dlt_index *a,
                                          int64_t divisor);
DLT_API const dlt_index *dlt_index_remainder(dlt_expression *expression, const dlt_index *a,
                                             int64_t divisor);

/* ---- Values ---- */

/* The element of a tensor: one subscript for each of its axes. */
DLT_API const dlt_value *dlt_read(dlt_expression *expression, const dlt_tensor *tensor, int count,
                                  const dlt_index *const *subscripts);
/* A number of the type. It is printed with the fewest digits that mean it: of f32 both 0.1 and 0.1f
 * are 0.1. Infinities, NaN and -0 are numbers too; text has inf, nan and -0 for them. */
DLT_API const dlt_value *dlt_constant(dlt_expression *expression, dlt_type type, double constant);
DLT_API const dlt_value *dlt_index_value(dlt_expression *expression, dlt_type type,
                                         const dlt_index *index);

/* What the element held before the call: in the body of a result that is no reduction. `type` is
 * the result's. */
DLT_API const dlt_value *dlt_previous(dlt_expression *expression, dlt_type type);

/* An operation on values of one type, by its name in the text form: "+" "-" "*" "/" "min" "max"
 * "negate" "abs" "sqrt" "exp" "log" "tanh" "erf", and "select_less", which is
 * operand 0 < operand 1 ? operand 2 : operand 3. */
DLT_API const dlt_value *dlt_apply(dlt_expression *expression, const char *operation, int count,
                                   const dlt_value *const *operands);

/* `yes` where every condition is >= 0, else `no`, which is all that is evaluated there: so `yes`
 * may read where only the conditions make sure that the tensor has an element. */
DLT_API const dlt_value *dlt_select(dlt_expression *expression, int count,
                                    const dlt_index *const *conditions, const dlt_value *yes,
                                    const dlt_value *no);
DLT_API const dlt_value *dlt_convert(dlt_expression *expression, dlt_type type,
                                     const dlt_value *value);

#ifdef __cplusplus
}
#endif
#endif
