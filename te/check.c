/* Checks of a whole expression; see expression.h.
 *
 * A read is proved in range by intervals. On the way down to it the conditions of the selects
 * around it are collected, and wherever an index, or a part of it, is a multiple of the same sum as
 * a condition, the condition narrows its interval: under 0 <= y + r - 1 < 56 the subscript
 * y + r - 1 is 0 to 55, and (y + r) / 2 is 0 to 28. */
#include "te/affine_private.h"
#include "te/expression.h"

#include <inttypes.h>
#include <string.h>

enum {
    MAX_KNOWN = 256
};

struct checker {
    const struct expression *expression;
    const struct tensor *tensor;
    int position; /* of the tensor in the expression */
    struct error *error;
    struct arena *arena; /* for indices made on the way */
    int known_count;
    const struct affine *known[MAX_KNOWN]; /* hold where the walk is: each >= 0 */
};

/* True if the sums without constants are proportional; b = (b_factor / a_factor) * a then. */
static bool is_proportional(const struct affine *a, const struct affine *b, int64_t *a_factor,
                            int64_t *b_factor) {
    if (a->term_count == 0 || a->term_count != b->term_count)
        return false;
    *a_factor = a->terms[0].coefficient;
    *b_factor = b->terms[0].coefficient;
    for (int i = 0; i < a->term_count; i++) {
        int64_t left, right;
        if (affine_compare_atoms(&a->terms[i], &b->terms[i]) != 0 ||
            __builtin_mul_overflow(a->terms[i].coefficient, *b_factor, &left) ||
            __builtin_mul_overflow(b->terms[i].coefficient, *a_factor, &right) || left != right)
            return false;
    }
    return true;
}

/* What "condition >= 0" says of an index proportional to it. With index = k + a*S and
 * condition = c + b*S: a*S >= -c*a/b where a/b > 0, else a*S <= -c*a/b. */
static void narrow_by(const struct affine *index, const struct affine *condition, int64_t *lowest,
                      int64_t *highest) {
    int64_t a, b, product, bound;
    if (!is_proportional(index, condition, &a, &b) ||
        __builtin_mul_overflow(-condition->constant, b < 0 ? -a : a, &product))
        return;
    b = b < 0 ? -b : b;
    if ((a > 0) == (condition->terms[0].coefficient > 0)) {
        bound = index->constant - floor_divide(-product, b);
        *lowest = bound > *lowest ? bound : *lowest;
    } else {
        bound = index->constant + floor_divide(product, b);
        *highest = bound < *highest ? bound : *highest;
    }
}

static void narrowed_range(const struct checker *checker, const struct affine *index,
                           int64_t *lowest, int64_t *highest);

/* The range of one atom: of its operand first, then of the atom as an index of its own. */
static void narrowed_atom(const struct checker *checker, const struct affine_term *term,
                          int64_t *lowest, int64_t *highest) {
    struct affine *alone = affine_allocate(checker->arena, 1);
    if (term->kind == ATOM_VARIABLE) {
        *lowest = term->variable->minimum;
        *highest = term->variable->minimum + term->variable->extent - 1;
    } else {
        narrowed_range(checker, term->operand, lowest, highest);
    }
    affine_apply_atom(term, lowest, highest);
    alone->term_count = 1;
    alone->terms[0] = *term;
    alone->terms[0].coefficient = 1;
    for (int i = 0; i < checker->known_count; i++)
        narrow_by(alone, checker->known[i], lowest, highest);
}

static void narrowed_range(const struct checker *checker, const struct affine *index,
                           int64_t *lowest, int64_t *highest) {
    *lowest = *highest = index->constant;
    for (int i = 0; i < index->term_count; i++) {
        int64_t coefficient = index->terms[i].coefficient, least, most;
        narrowed_atom(checker, &index->terms[i], &least, &most);
        *lowest += coefficient * (coefficient > 0 ? least : most);
        *highest += coefficient * (coefficient > 0 ? most : least);
    }
    for (int i = 0; i < checker->known_count; i++)
        narrow_by(index, checker->known[i], lowest, highest);
}

static bool is_axis(const struct tensor *tensor, const struct variable *variable) {
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->axes[i] == variable)
            return true;
    for (int i = 0; i < tensor->reduction_rank; i++)
        if (tensor->reduction_axes[i] == variable)
            return true;
    return false;
}

/* Every variable of an index must be an axis of the tensor. */
static dlt_status check_variables(const struct checker *checker, const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind != ATOM_VARIABLE)
            TRY(check_variables(checker, term->operand));
        else if (!is_axis(checker->tensor, term->variable))
            return error_set(checker->error, DLT_ERROR_ARGUMENT,
                             "tensor %s: its body uses %s, which is no axis of it",
                             checker->tensor->name, term->variable->name);
    }
    return DLT_OK;
}

/* True if a condition of the selects around never holds. */
static bool is_unreachable(const struct checker *checker) {
    int64_t lowest, highest;
    for (int i = 0; i < checker->known_count; i++) {
        affine_range(checker->known[i], &lowest, &highest);
        if (highest < 0)
            return true;
    }
    return false;
}

static dlt_status check_subscript(const struct checker *checker, const struct value *read,
                                  int axis) {
    const struct affine *subscript = read->subscripts[axis];
    int64_t lowest, highest, extent = read->tensor->axes[axis]->extent;
    struct text text = {0};
    dlt_status status = DLT_OK;
    TRY(check_variables(checker, subscript));
    narrowed_range(checker, subscript, &lowest, &highest);
    if (lowest > highest || (lowest >= 0 && highest < extent) || is_unreachable(checker) ||
        checker->tensor->domain_count > 0) /* proved before its axes were separated */
        return DLT_OK;
    affine_print(&text, subscript);
    status = error_set(checker->error, DLT_ERROR_ARGUMENT,
                       "tensor %s: it reads %s with %.120s for axis %s, which is %" PRId64
                       " to %" PRId64 ", it must be 0 to %" PRId64,
                       checker->tensor->name, read->tensor->name, text_string(&text),
                       read->tensor->axes[axis]->name, lowest, highest, extent - 1);
    text_free(&text);
    return status;
}

static dlt_status check_read(const struct checker *checker, const struct value *read) {
    int position = 0;
    while (position < checker->position && checker->expression->tensors[position] != read->tensor)
        position++;
    if (position == checker->position)
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: it reads %s, which is not before it in the expression",
                         checker->tensor->name, read->tensor->name);
    for (int axis = 0; axis < read->tensor->rank; axis++)
        TRY(check_subscript(checker, read, axis));
    return DLT_OK;
}

static dlt_status same_type(const struct checker *checker, const struct value *value, int a,
                            int b) {
    const struct value *left = value->operands[a], *right = value->operands[b];
    if (left->type == right->type)
        return DLT_OK;
    return error_set(checker->error, DLT_ERROR_ARGUMENT,
                     "tensor %s: operands %d and %d of %s are %s and %s, they must be of one type; "
                     "use convert",
                     checker->tensor->name, a + 1, b + 1, operations[value->operation].name,
                     data_types[left->type].name, data_types[right->type].name);
}

static dlt_status check_types(const struct checker *checker, const struct value *value) {
    switch (value->operation) {
    case OP_SQUARE_ROOT:
    case OP_EXPONENTIAL:
    case OP_LOGARITHM:
    case OP_TANH:
    case OP_ERF:
        if (data_types[value->operands[0]->type].is_float)
            return DLT_OK;
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: the operand of %s is %s, it must be a floating-point type",
                         checker->tensor->name, operations[value->operation].name,
                         data_types[value->operands[0]->type].name);
    case OP_SELECT_LESS:
        TRY(same_type(checker, value, 2, 3));
        return same_type(checker, value, 0, 1);
    default:
        if (operations[value->operation].operand_count == 2)
            return same_type(checker, value, 0, 1);
        return DLT_OK;
    }
}

static dlt_status check_value(struct checker *checker, const struct value *value);

/* Operand 0 is evaluated where all conditions hold; operand 1, of a single condition, where it does
 * not: -c - 1 >= 0. */
static dlt_status check_select(struct checker *checker, const struct value *value) {
    int before = checker->known_count;
    for (int i = 0; i < value->condition_count; i++) {
        TRY(check_variables(checker, value->conditions[i]));
        if (checker->known_count < MAX_KNOWN)
            checker->known[checker->known_count++] = value->conditions[i];
    }
    TRY(check_value(checker, value->operands[0]));
    checker->known_count = before;
    if (value->condition_count == 1 && before < MAX_KNOWN) {
        const struct affine *negated = affine_scale(checker->arena, value->conditions[0], -1);
        checker->known[checker->known_count++] = affine_add_constant(checker->arena, negated, -1);
    }
    TRY(check_value(checker, value->operands[1]));
    checker->known_count = before;
    return DLT_OK;
}

static bool is_result(const struct checker *checker) {
    return checker->position == checker->expression->tensor_count - 1;
}

static dlt_status check_previous(const struct checker *checker, const struct value *value) {
    const struct tensor *tensor = checker->tensor;
    if (!is_result(checker))
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: its body uses previous, which only the result's may",
                         tensor->name);
    if (tensor->combiner != COMBINE_NONE)
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: previous is inside of a reduction; declare the tensor "
                         "accumulate instead",
                         tensor->name);
    if (value->type != tensor->type)
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: previous is %s, the tensor %s; use convert", tensor->name,
                         data_types[value->type].name, data_types[tensor->type].name);
    return DLT_OK;
}

/* What held before is the caller's: only the result has it, and only a reduction adds to it. */
static dlt_status check_accumulate(const struct checker *checker) {
    const struct tensor *tensor = checker->tensor;
    if (tensor->accumulate && !is_result(checker))
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: accumulate is for the result only, %s", tensor->name,
                         expression_result(checker->expression)->name);
    if (tensor->accumulate && tensor->combiner == COMBINE_NONE)
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: accumulate is for a reduction; use previous in its body",
                         tensor->name);
    return DLT_OK;
}

static dlt_status check_value(struct checker *checker, const struct value *value) {
    TRY(check_types(checker, value));
    if (value->operation == OP_SELECT)
        return check_select(checker, value);
    if (value->operation == OP_READ)
        return check_read(checker, value);
    if (value->operation == OP_INDEX)
        return check_variables(checker, value->index);
    if (value->operation == OP_PREVIOUS)
        return check_previous(checker, value);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        TRY(check_value(checker, value->operands[i]));
    return DLT_OK;
}

/* Axes of one tensor need different names, and start at 0. */
static dlt_status check_axes(const struct tensor *tensor, struct error *error) {
    const struct variable *axes[2 * MAX_RANK];
    int count = 0;
    for (int i = 0; i < tensor->rank; i++)
        axes[count++] = tensor->axes[i];
    for (int i = 0; i < tensor->reduction_rank; i++)
        axes[count++] = tensor->reduction_axes[i];
    for (int i = 0; i < count; i++) {
        if (axes[i]->minimum != 0)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "tensor %s: axis %s starts at %" PRId64 ", it must start at 0",
                             tensor->name, axes[i]->name, axes[i]->minimum);
        for (int j = 0; j < i; j++)
            if (strcmp(axes[i]->name, axes[j]->name) == 0)
                return error_set(error, DLT_ERROR_ARGUMENT,
                                 "tensor %s: two of its axes are named %s", tensor->name,
                                 axes[i]->name);
    }
    return DLT_OK;
}

static double terms_of(const struct tensor *tensor) {
    double terms = 1;
    for (int i = 0; i < tensor->rank; i++)
        terms *= (double)tensor->axes[i]->extent;
    for (int i = 0; i < tensor->reduction_rank; i++)
        terms *= (double)tensor->reduction_axes[i]->extent;
    return terms;
}

static dlt_status check_tensor(struct checker *checker) {
    const struct tensor *tensor = checker->tensor;
    TRY(check_axes(tensor, checker->error));
    for (int i = 0; i < checker->position; i++)
        if (strcmp(checker->expression->tensors[i]->name, tensor->name) == 0)
            return error_set(checker->error, DLT_ERROR_ARGUMENT, "two tensors are named %s",
                             tensor->name);
    if (tensor->kind == TENSOR_LITERAL && !tensor->literal)
        return error_set(checker->error, DLT_ERROR_ARGUMENT, "literal %s has no numbers",
                         tensor->name);
    if (tensor->kind != TENSOR_COMPUTED)
        return DLT_OK;
    if (terms_of(tensor) > 0x1p53)
        return error_set(checker->error, DLT_ERROR_ARGUMENT,
                         "tensor %s: %.3g terms, at most 2^53 are possible", tensor->name,
                         terms_of(tensor));
    TRY(check_accumulate(checker));
    return check_value(checker, tensor->body);
}

dlt_status expression_check(const struct expression *expression, struct error *error) {
    const struct tensor *result = expression_result(expression);
    dlt_status status = DLT_OK;
    struct arena arena;
    if (!result || result->kind != TENSOR_COMPUTED)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "the expression has no result: its last tensor must be a computed one");
    arena_initialise(&arena);
    if (arena_recover(&arena)) {
        arena_free(&arena);
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    }
    struct checker checker = {.expression = expression, .error = error, .arena = &arena};
    for (int i = 0; i < expression->tensor_count && !status; i++) {
        checker.tensor = expression->tensors[i];
        checker.position = i;
        status = check_tensor(&checker);
    }
    arena_free(&arena);
    return status;
}
