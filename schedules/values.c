/* Walking and rewriting the bodies of stages. See steps.h. */
#include "schedules/steps.h"

void value_visit_reads(const struct value *value, value_visit *visit, void *context) {
    if (value->operation == OP_READ)
        visit(context, value);
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        value_visit_reads(value->operands[i], visit, context);
}

struct count {
    const struct tensor *tensor;
    int reads;
};

static void count_read(void *context, const struct value *read) {
    struct count *count = context;
    count->reads += read->tensor == count->tensor;
}

int value_count_reads(const struct value *value, const struct tensor *tensor) {
    struct count count = {tensor, 0};
    value_visit_reads(value, count_read, &count);
    return count.reads;
}

int value_count_nodes(const struct value *value, int limit) {
    int nodes = 1;
    for (int i = 0; i < operations[value->operation].operand_count && nodes <= limit; i++)
        nodes += value_count_nodes(value->operands[i], limit - nodes);
    return nodes;
}

struct substitution {
    struct arena *arena;
    const struct binding *bindings;
    int count;
};

static const struct affine *const *substitute_all(const struct substitution *substitution,
                                                  const struct affine *const *indices, int count) {
    const struct affine **result =
        ARENA_ARRAY(substitution->arena, const struct affine *, (size_t)count);
    for (int i = 0; i < count; i++)
        result[i] = affine_substitute(substitution->arena, indices[i], substitution->bindings,
                                      substitution->count);
    return result;
}

static const struct value *substitute_node(void *context, const struct value *value) {
    const struct substitution *substitution = context;
    struct arena *arena = substitution->arena;
    struct value *copy;
    switch (value->operation) {
    case OP_READ:
        return value_read(arena, value->tensor,
                          substitute_all(substitution, value->subscripts, value->tensor->rank));
    case OP_INDEX:
        return value_index(
            arena, value->type,
            affine_substitute(arena, value->index, substitution->bindings, substitution->count));
    case OP_SELECT:
        copy = arena_copy(arena, value, sizeof *value); /* what a mark says of it stays true */
        copy->conditions = substitute_all(substitution, value->conditions, value->condition_count);
        return copy;
    default:
        return value;
    }
}

const struct value *value_substitute(struct arena *arena, const struct value *value,
                                     const struct binding *bindings, int count) {
    struct substitution substitution = {arena, bindings, count};
    return value_rewrite(arena, value, substitute_node, &substitution);
}

struct renaming {
    struct arena *arena;
    const struct tensor *from, *to;
};

static const struct value *rename_read(void *context, const struct value *value) {
    const struct renaming *renaming = context;
    if (value->operation != OP_READ || value->tensor != renaming->from)
        return value;
    return value_read(renaming->arena, renaming->to, value->subscripts);
}

const struct value *value_rename(struct arena *arena, const struct value *value,
                                 const struct tensor *from, const struct tensor *to) {
    struct renaming renaming = {arena, from, to};
    return value_rewrite(arena, value, rename_read, &renaming);
}
