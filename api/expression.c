/* Expressions as handles: text, tensors, indices, values; see dltune/expression.h.
 *
 * A public node is the inner node under another name, so nothing is copied. What building can get
 * wrong is looked at here, where the caller's mistake still has a name; dlt_expression_check looks
 * at the whole. */
#include "api/api.h"

#include "base/plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_INDEX 9007199254740992.0 /* as of text: 2 to the 53rd */

/* Each builder begins with this: control comes back here if memory runs out. */
#define CAN_BUILD(expression)                                                                      \
    ((expression)->failure.status == DLT_OK &&                                                     \
     (!arena_recover(&(expression)->arena) ||                                                      \
      fail(expression, DLT_ERROR_MEMORY, "out of memory")))

/* Keeps the first failure. Answers false. */
__attribute__((format(printf, 3, 4))) static bool fail(dlt_expression *expression,
                                                       dlt_status status, const char *format, ...) {
    va_list arguments;
    expression->arena.recoverable = false;
    if (expression->failure.status != DLT_OK)
        return false;
    va_start(arguments, format);
    plain_format_list(expression->failure.message, sizeof expression->failure.message, format,
                      arguments);
    va_end(arguments);
    expression->failure.status = status;
    handle_fail(&expression->handle, &expression->failure);
    return false;
}

static const void *done(dlt_expression *expression, const void *node) {
    expression->arena.recoverable = false;
    return node;
}

/* ---- whole expressions ---- */

dlt_status dlt_expression_create(dlt_expression **expression) {
    dlt_expression *created = handle_create(sizeof *created);
    *expression = created;
    if (!created)
        return DLT_ERROR_MEMORY;
    arena_initialise(&created->arena);
    if (CAN_BUILD(created))
        created->expression = expression_create(&created->arena);
    created->arena.recoverable = false;
    return created->failure.status;
}

static dlt_status parse(dlt_expression *expression, const char *text, struct error *error) {
    if (arena_recover(&expression->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(expression_parse(&expression->arena, text, &expression->expression, error));
    return expression_check(expression->expression, error);
}

dlt_status dlt_expression_parse(const char *text, dlt_expression **expression) {
    struct error error;
    dlt_status status;
    TRY(dlt_expression_create(expression));
    status = text ? parse(*expression, text, &error)
                  : error_set(&error, DLT_ERROR_ARGUMENT, "text: is NULL");
    (*expression)->arena.recoverable = false;
    if (status != DLT_OK)
        fail(*expression, status, "%s", error.message);
    return status;
}

void dlt_expression_free(dlt_expression *expression) {
    if (!expression)
        return;
    arena_free(&expression->arena);
    text_free(&expression->text);
    messages_free(&expression->messages);
    free(expression);
}

static dlt_status check(dlt_expression *expression, struct error *error) {
    if (arena_recover(&expression->arena))
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    return expression_check(expression->expression, error);
}

dlt_status dlt_expression_check(dlt_expression *expression) {
    struct error error;
    if (expression->failure.status != DLT_OK)
        return handle_fail(&expression->handle, &expression->failure);
    dlt_status status = check(expression, &error);
    expression->arena.recoverable = false;
    return status == DLT_OK ? DLT_OK : handle_fail(&expression->handle, &error);
}

const char *dlt_expression_text(dlt_expression *expression) {
    text_clear(&expression->text);
    if (expression->expression)
        expression_print(&expression->text, expression->expression);
    return expression->text.failed ? NULL : text_string(&expression->text);
}

/* ---- tensors ---- */

static bool check_type(dlt_expression *expression, dlt_type type) {
    return ((int)type >= 0 && (int)type < TYPE_COUNT) ||
           fail(expression, DLT_ERROR_ARGUMENT, "type: %d is not one of dlt_type", (int)type);
}

/* Nodes that could not be made are NULL; so what they were for fails too. */
static bool all_there(dlt_expression *expression, const char *what, int count,
                      const void *const *nodes) {
    if (count < 0 || (count && !nodes))
        return fail(expression, DLT_ERROR_ARGUMENT, "%s: %d of them, in an array that is %s", what,
                    count, nodes ? "there" : "NULL");
    for (int i = 0; i < count; i++)
        if (!nodes[i])
            return fail(expression, DLT_ERROR_ARGUMENT, "%s: number %d is NULL", what, i);
    return true;
}

static bool owns(dlt_expression *expression, const struct tensor *tensor) {
    for (int i = 0; i < expression->expression->tensor_count; i++)
        if (expression->expression->tensors[i] == tensor)
            return true;
    return fail(expression, DLT_ERROR_ARGUMENT, "tensor: is NULL or of another expression");
}

const dlt_axis *dlt_make_axis(dlt_expression *expression, const char *name, int64_t extent) {
    if (!CAN_BUILD(expression))
        return NULL;
    if (!name || !*name || strlen(name) >= MAX_NAME) {
        fail(expression, DLT_ERROR_ARGUMENT, "axis: its name is not of 1 to %d characters",
             MAX_NAME - 1);
        return NULL;
    }
    return done(expression, expression_axis(expression->expression, name, extent));
}

const dlt_tensor *dlt_make_input(dlt_expression *expression, dlt_input kind, const char *name,
                                 dlt_type type, int rank, const dlt_axis *const *axes) {
    struct tensor *tensor = NULL;
    struct error error;
    if (!CAN_BUILD(expression) || !check_type(expression, type) ||
        !all_there(expression, "axes", rank, (const void *const *)axes))
        return NULL;
    if (expression_input(expression->expression,
                         kind == DLT_PARAMETER ? TENSOR_PARAMETER : TENSOR_VARIABLE,
                         name ? name : "", (enum data_type)type, rank,
                         (const struct variable *const *)axes, &tensor, &error) != DLT_OK) {
        fail(expression, error.status, "%s", error.message);
        return NULL;
    }
    return done(expression, tensor);
}

const dlt_tensor *dlt_make_computed(dlt_expression *expression, const char *name, int rank,
                                    const dlt_axis *const *axes, dlt_combiner combiner,
                                    int reduction_rank, const dlt_axis *const *reduction_axes,
                                    const dlt_value *body) {
    struct tensor *tensor = NULL;
    struct error error;
    if (!CAN_BUILD(expression) || !all_there(expression, "axes", rank, (const void *const *)axes) ||
        !all_there(expression, "reduction axes", reduction_rank,
                   (const void *const *)reduction_axes) ||
        !all_there(expression, "body", 1, (const void *const *)&body))
        return NULL;
    if ((int)combiner < 0 || (int)combiner >= COMBINER_COUNT) {
        fail(expression, DLT_ERROR_ARGUMENT, "combiner: %d is not one of dlt_combiner",
             (int)combiner);
        return NULL;
    }
    if (expression_computed(expression->expression, name ? name : "", rank,
                            (const struct variable *const *)axes, reduction_rank,
                            (const struct variable *const *)reduction_axes, (enum combiner)combiner,
                            (const struct value *)body, &tensor, &error) != DLT_OK) {
        fail(expression, error.status, "%s", error.message);
        return NULL;
    }
    return done(expression, tensor);
}

dlt_status dlt_set_accumulate(dlt_expression *expression, const dlt_tensor *tensor) {
    struct tensor *inner = (struct tensor *)tensor;
    if (CAN_BUILD(expression) && owns(expression, inner))
        inner->accumulate = true; /* that it may is checked with the whole */
    expression->arena.recoverable = false;
    return expression->failure.status;
}

dlt_status dlt_set_layout(dlt_expression *expression, const dlt_tensor *tensor,
                          const char *layout) {
    struct tensor *inner = (struct tensor *)tensor;
    struct error error;
    if (CAN_BUILD(expression) && owns(expression, inner) &&
        expression_set_layout(expression->expression, inner, layout ? layout : "", &error) !=
            DLT_OK)
        fail(expression, error.status, "%s", error.message);
    expression->arena.recoverable = false;
    return expression->failure.status;
}

/* ---- indices ---- */

static bool check_index(dlt_expression *expression, double magnitude) {
    return magnitude <= LARGEST_INDEX ||
           fail(expression, DLT_ERROR_ARGUMENT, "index: grows beyond 2^53");
}

static double magnitude_of(const dlt_index *index) {
    return affine_magnitude((const struct affine *)index);
}

static bool is_index(dlt_expression *expression, const dlt_index *index) {
    return all_there(expression, "index", 1, (const void *const *)&index) &&
           (affine_depth((const struct affine *)index) < MAX_INDEX_DEPTH ||
            fail(expression, DLT_ERROR_ARGUMENT, "index: nests more than %d indices",
                 MAX_INDEX_DEPTH));
}

static bool is_positive(dlt_expression *expression, int64_t divisor) {
    return divisor >= 1 || fail(expression, DLT_ERROR_ARGUMENT,
                                "divisor: %lld is not a number from 1", (long long)divisor);
}

const dlt_index *dlt_index_axis(dlt_expression *expression, const dlt_axis *axis) {
    if (!CAN_BUILD(expression) || !all_there(expression, "axis", 1, (const void *const *)&axis))
        return NULL;
    return done(expression, affine_variable(&expression->arena, (const struct variable *)axis));
}

const dlt_index *dlt_index_constant(dlt_expression *expression, int64_t constant) {
    if (!CAN_BUILD(expression) ||
        !check_index(expression, constant < 0 ? -(double)constant : (double)constant))
        return NULL;
    return done(expression, affine_constant(&expression->arena, constant));
}

const dlt_index *dlt_index_add(dlt_expression *expression, const dlt_index *a, const dlt_index *b) {
    if (!CAN_BUILD(expression) || !is_index(expression, a) || !is_index(expression, b) ||
        !check_index(expression, magnitude_of(a) + magnitude_of(b)))
        return NULL;
    return done(expression,
                affine_add(&expression->arena, (const struct affine *)a, (const struct affine *)b));
}

const dlt_index *dlt_index_subtract(dlt_expression *expression, const dlt_index *a,
                                    const dlt_index *b) {
    if (!CAN_BUILD(expression) || !is_index(expression, a) || !is_index(expression, b) ||
        !check_index(expression, magnitude_of(a) + magnitude_of(b)))
        return NULL;
    return done(expression, affine_subtract(&expression->arena, (const struct affine *)a,
                                            (const struct affine *)b));
}

const dlt_index *dlt_index_scale(dlt_expression *expression, const dlt_index *a, int64_t factor) {
    double size = factor < 0 ? -(double)factor : (double)factor;
    if (!CAN_BUILD(expression) || !is_index(expression, a) ||
        !check_index(expression, size > 1 ? magnitude_of(a) * size + size : size))
        return NULL;
    return done(expression, affine_scale(&expression->arena, (const struct affine *)a, factor));
}

const dlt_index *dlt_index_divide(dlt_expression *expression, const dlt_index *a, int64_t divisor) {
    if (!CAN_BUILD(expression) || !is_index(expression, a) || !is_positive(expression, divisor))
        return NULL;
    return done(expression, affine_divide(&expression->arena, (const struct affine *)a, divisor));
}

const dlt_index *dlt_index_remainder(dlt_expression *expression, const dlt_index *a,
                                     int64_t divisor) {
    if (!CAN_BUILD(expression) || !is_index(expression, a) || !is_positive(expression, divisor))
        return NULL;
    return done(expression,
                affine_remainder(&expression->arena, (const struct affine *)a, divisor));
}

/* ---- values ---- */

static bool is_value(dlt_expression *expression, const dlt_value *value) {
    return all_there(expression, "value", 1, (const void *const *)&value);
}

const dlt_value *dlt_read(dlt_expression *expression, const dlt_tensor *tensor, int count,
                          const dlt_index *const *subscripts) {
    const struct tensor *inner = (const struct tensor *)tensor;
    if (!CAN_BUILD(expression) || !owns(expression, inner) ||
        !all_there(expression, "subscripts", count, (const void *const *)subscripts))
        return NULL;
    if (count != inner->rank) {
        fail(expression, DLT_ERROR_ARGUMENT, "tensor %s: %d subscripts, it has %d axes",
             inner->name, count, inner->rank);
        return NULL;
    }
    return done(expression,
                value_read(&expression->arena, inner, (const struct affine *const *)subscripts));
}

const dlt_value *dlt_constant(dlt_expression *expression, dlt_type type, double constant) {
    if (!CAN_BUILD(expression) || !check_type(expression, type))
        return NULL;
    constant = data_type_constant((enum data_type)type, constant);
    return done(expression, value_constant(&expression->arena, (enum data_type)type, constant));
}

const dlt_value *dlt_previous(dlt_expression *expression, dlt_type type) {
    if (!CAN_BUILD(expression) || !check_type(expression, type))
        return NULL;
    return done(expression, value_previous(&expression->arena, (enum data_type)type));
}

const dlt_value *dlt_index_value(dlt_expression *expression, dlt_type type,
                                 const dlt_index *index) {
    if (!CAN_BUILD(expression) || !check_type(expression, type) || !is_index(expression, index))
        return NULL;
    return done(expression, value_index(&expression->arena, (enum data_type)type,
                                        (const struct affine *)index));
}

/* Those that are only operands and their names; the others have calls of their own. */
static enum operation find_operation(const char *name) {
    for (int i = 0; name && i < OPERATION_COUNT; i++)
        if (operations[i].evaluate && strcmp(operations[i].name, name) == 0)
            return (enum operation)i;
    return OPERATION_COUNT;
}

static bool check_operands(dlt_expression *expression, const char *name, int wanted, int count,
                           const struct value *const *operands) {
    if (count != wanted)
        return fail(expression, DLT_ERROR_ARGUMENT, "%s: %d operands, it takes %d", name, count,
                    wanted);
    for (int i = 1; i < count; i++)
        if (operands[i]->type != operands[0]->type)
            return fail(expression, DLT_ERROR_ARGUMENT, "%s: operands of types %s and %s", name,
                        data_types[operands[0]->type].name, data_types[operands[i]->type].name);
    return true;
}

const dlt_value *dlt_apply(dlt_expression *expression, const char *operation, int count,
                           const dlt_value *const *operands) {
    const struct value *const *inner = (const struct value *const *)operands;
    struct arena *arena = &expression->arena;
    enum operation found;
    if (!CAN_BUILD(expression) ||
        !all_there(expression, "operands", count, (const void *const *)operands))
        return NULL;
    found = find_operation(operation);
    if (found == OPERATION_COUNT) {
        fail(expression, DLT_ERROR_ARGUMENT, "operation: '%.40s' is unknown",
             operation ? operation : "NULL");
        return NULL;
    }
    if (!check_operands(expression, operation, operations[found].operand_count, count, inner))
        return NULL;
    if (found == OP_SELECT_LESS)
        return done(expression, value_select_less(arena, inner[0], inner[1], inner[2], inner[3]));
    if (count == 1)
        return done(expression, value_unary(arena, found, inner[0]));
    return done(expression, value_binary(arena, found, inner[0], inner[1]));
}

const dlt_value *dlt_select(dlt_expression *expression, int count,
                            const dlt_index *const *conditions, const dlt_value *yes,
                            const dlt_value *no) {
    const struct value *const operands[] = {(const struct value *)yes, (const struct value *)no};
    if (!CAN_BUILD(expression) || !is_value(expression, yes) || !is_value(expression, no) ||
        !all_there(expression, "conditions", count, (const void *const *)conditions) ||
        !check_operands(expression, "select", 2, 2, operands))
        return NULL;
    if (count < 1) {
        fail(expression, DLT_ERROR_ARGUMENT, "conditions: there is none");
        return NULL;
    }
    return done(expression,
                value_select(&expression->arena, count, (const struct affine *const *)conditions,
                             operands[0], operands[1]));
}

const dlt_value *dlt_convert(dlt_expression *expression, dlt_type type, const dlt_value *value) {
    if (!CAN_BUILD(expression) || !check_type(expression, type) || !is_value(expression, value))
        return NULL;
    return done(expression, value_convert(&expression->arena, (enum data_type)type,
                                          (const struct value *)value));
}
