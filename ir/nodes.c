/* Building, copying and walking the nodes of loop programs. */
#include "ir/passes.h"

#include <string.h>

struct node *node_new(struct arena *arena, enum node_kind kind) {
    struct node *node = ARENA_NEW(arena, struct node);
    node->kind = kind;
    return node;
}

void node_append(struct node_list *list, struct node *nodes) {
    if (!nodes)
        return;
    if (list->last)
        list->last->next = nodes;
    else
        list->first = nodes;
    while (nodes->next)
        nodes = nodes->next;
    list->last = nodes;
}

void node_visit(struct node *nodes, node_visitor *visit, void *context) {
    for (struct node *node = nodes; node; node = node->next) {
        visit(context, node);
        node_visit(node->body, visit, context);
        if (node->tile)
            for (int i = 0; i < node->tile->variant_count; i++)
                if (node->tile->variants[i].body != node->body)
                    node_visit(node->tile->variants[i].body, visit, context);
    }
}

const struct affine *const *map_indices(struct arena *arena, int count,
                                        const struct affine *const *indices, index_change *change,
                                        void *context) {
    const struct affine **copy = ARENA_ARRAY(arena, const struct affine *, count);
    for (int i = 0; i < count; i++)
        copy[i] = change(context, indices[i]);
    return copy;
}

const struct value *value_map_indices(struct arena *arena, const struct value *value,
                                      index_change *change, void *context) {
    struct value *copy = arena_copy(arena, value, sizeof *value);
    if (value->index)
        copy->index = change(context, value->index);
    if (value->operation == OP_READ && value->tensor->rank > 0) {
        /* A flattened read has one subscript; the slots behind it are empty. */
        int rank = value->tensor->rank;
        const struct affine **subscripts = ARENA_ARRAY(arena, const struct affine *, rank);
        for (int i = 0; i < rank; i++)
            if (value->subscripts[i])
                subscripts[i] = change(context, value->subscripts[i]);
        copy->subscripts = subscripts;
    }
    if (value->condition_count)
        copy->conditions =
            map_indices(arena, value->condition_count, value->conditions, change, context);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        copy->operands[i] = value_map_indices(arena, value->operands[i], change, context);
    return copy;
}

struct substitution {
    struct arena *arena;
    const struct binding *bindings;
    int count;
};

static const struct affine *substitute(void *context, const struct affine *index) {
    const struct substitution *s = context;
    return affine_substitute(s->arena, index, s->bindings, s->count);
}

struct node *node_copy(struct arena *arena, const struct node *nodes,
                       const struct binding *bindings, int binding_count) {
    struct substitution s = {arena, bindings, binding_count};
    struct node_list list = {0};
    for (; nodes; nodes = nodes->next) {
        struct node *copy = arena_copy(arena, nodes, sizeof *nodes);
        copy->next = NULL;
        copy->bounds = map_indices(arena, nodes->bound_count, nodes->bounds, substitute, &s);
        copy->conditions =
            map_indices(arena, nodes->condition_count, nodes->conditions, substitute, &s);
        if (nodes->offset)
            copy->offset = substitute(&s, nodes->offset);
        if (nodes->value)
            copy->value = value_map_indices(arena, nodes->value, substitute, &s);
        copy->body = node_copy(arena, nodes->body, bindings, binding_count);
        node_append(&list, copy);
    }
    return list.first;
}
