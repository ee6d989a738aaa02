/* Building expressions: tensors in topological order, their axes and layouts; see expression.h. */
#include "te/expression.h"

#include "base/plain.h"

#include <string.h>

struct expression *expression_create(struct arena *arena) {
    struct expression *expression = ARENA_NEW(arena, struct expression);
    expression->arena = arena;
    return expression;
}

const struct variable *expression_axis(struct expression *expression, const char *name,
                                       int64_t extent) {
    struct variable *axis = ARENA_NEW(expression->arena, struct variable);
    axis->name = arena_copy(expression->arena, name, strlen(name) + 1);
    axis->id = expression->next_variable_id++;
    axis->extent = extent;
    return axis;
}

static bool is_name(const char *name) {
    size_t length = strlen(name);
    if (length == 0 || length >= MAX_NAME || !(plain_is_letter(name[0]) || name[0] == '_'))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!plain_is_alphanumeric(name[i]) && name[i] != '_' && name[i] != '.')
            return false;
    return true;
}

/* Appends a tensor once what any tensor must obey holds. */
static dlt_status add_tensor(struct expression *expression, const char *name, int rank,
                             const struct variable *const *axes, struct tensor **tensor,
                             struct error *error) {
    int64_t extents[MAX_RANK];
    struct tensor *added;
    if (!is_name(name))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor: '%.60s' is not a name of 1 to %d letters, digits, '_' and '.' "
                         "that starts with a letter",
                         name, MAX_NAME - 1);
    if (expression_find(expression, name))
        return error_set(error, DLT_ERROR_ARGUMENT, "tensor %s: there is one of that name already",
                         name);
    if (expression->tensor_count == MAX_TENSORS)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor %s: an expression has at most %d tensors", name, MAX_TENSORS);
    if (rank < 0 || rank > MAX_RANK)
        return error_set(error, DLT_ERROR_ARGUMENT, "tensor %s: %d axes, at most %d are possible",
                         name, rank, MAX_RANK);
    added = ARENA_NEW(expression->arena, struct tensor);
    added->name = arena_copy(expression->arena, name, strlen(name) + 1);
    added->rank = rank;
    for (int i = 0; i < rank; i++) {
        added->axes[i] = axes[i];
        extents[i] = axes[i]->extent;
        if (extents[i] < 1 || extents[i] > MAX_EXTENT)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "tensor %s: the extent of axis %s is %lld, it may be 1 to %lld", name,
                             axes[i]->name, (long long)extents[i], (long long)MAX_EXTENT);
    }
    if (layout_plain(&added->layout, rank, extents, error))
        return error_prefix(error, "tensor %s", name);
    expression->tensors[expression->tensor_count++] = added;
    *tensor = added;
    return DLT_OK;
}

dlt_status expression_input(struct expression *expression, enum tensor_kind kind, const char *name,
                            enum data_type type, int rank, const struct variable *const *axes,
                            struct tensor **tensor, struct error *error) {
    if (kind == TENSOR_COMPUTED)
        return error_set(error, DLT_ERROR_ARGUMENT, "tensor %s: a computed tensor is not an input",
                         name);
    TRY(add_tensor(expression, name, rank, axes, tensor, error));
    (*tensor)->kind = kind;
    (*tensor)->type = type;
    return DLT_OK;
}

dlt_status expression_computed(struct expression *expression, const char *name, int rank,
                               const struct variable *const *axes, int reduction_rank,
                               const struct variable *const *reduction_axes, enum combiner combiner,
                               const struct value *body, struct tensor **tensor,
                               struct error *error) {
    if (reduction_rank < 0 || reduction_rank > MAX_RANK)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor %s: %d reduction axes, at most %d are possible", name,
                         reduction_rank, MAX_RANK);
    if ((combiner == COMBINE_NONE) != (reduction_rank == 0))
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor %s: a combiner and reduction axes come together, here are %s and "
                         "%d",
                         name, combiners[combiner].name, reduction_rank);
    for (int i = 0; i < reduction_rank; i++)
        if (reduction_axes[i]->extent < 1 || reduction_axes[i]->extent > MAX_EXTENT)
            return error_set(error, DLT_ERROR_ARGUMENT,
                             "tensor %s: the extent of reduction axis %s is %lld, it may be 1 to "
                             "%lld",
                             name, reduction_axes[i]->name, (long long)reduction_axes[i]->extent,
                             (long long)MAX_EXTENT);
    if (body->depth > MAX_VALUE_DEPTH)
        return error_set(error, DLT_ERROR_ARGUMENT,
                         "tensor %s: its body nests %d values, at most %d are possible; part of it "
                         "may be a tensor of its own",
                         name, body->depth, MAX_VALUE_DEPTH);
    TRY(add_tensor(expression, name, rank, axes, tensor, error));
    (*tensor)->kind = TENSOR_COMPUTED;
    (*tensor)->type = body->type;
    (*tensor)->body = body;
    (*tensor)->combiner = combiner;
    (*tensor)->reduction_rank = reduction_rank;
    for (int i = 0; i < reduction_rank; i++)
        (*tensor)->reduction_axes[i] = reduction_axes[i];
    return DLT_OK;
}

dlt_status expression_set_layout(struct expression *expression, struct tensor *tensor,
                                 const char *layout, struct error *error) {
    const char *names[MAX_RANK];
    int64_t extents[MAX_RANK];
    (void)expression;
    for (int i = 0; i < tensor->rank; i++) {
        names[i] = tensor->axes[i]->name;
        extents[i] = tensor->axes[i]->extent;
    }
    if (layout_parse(&tensor->layout, layout, tensor->rank, names, extents, error))
        return error_prefix(error, "layout of %s", tensor->name);
    return DLT_OK;
}

struct tensor *expression_result(const struct expression *expression) {
    return expression->tensor_count ? expression->tensors[expression->tensor_count - 1] : NULL;
}

static bool has_previous(const struct value *value) {
    bool has = value->operation == OP_PREVIOUS;
    for (int i = 0; i < operations[value->operation].operand_count && !has; i++)
        has = has_previous(value->operands[i]);
    return has;
}

bool tensor_accumulates(const struct tensor *tensor) {
    return tensor->kind == TENSOR_COMPUTED && (tensor->accumulate || has_previous(tensor->body));
}

bool expression_accumulates(const struct expression *expression) {
    const struct tensor *result = expression_result(expression);
    return result && tensor_accumulates(result);
}

bool expression_has_parameters(const struct expression *expression) {
    bool has = false;
    for (int i = 0; i < expression->tensor_count; i++)
        has |= expression->tensors[i]->kind == TENSOR_PARAMETER;
    return has;
}

struct tensor *expression_find(const struct expression *expression, const char *name) {
    for (int i = 0; i < expression->tensor_count; i++)
        if (strcmp(expression->tensors[i]->name, name) == 0)
            return expression->tensors[i];
    return NULL;
}
