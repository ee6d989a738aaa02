/* Conditions become bounds of the loops around tiles.
 *
 * A condition that all stores inside a loop share, and that constrains this loop and loops around
 * it only, is a bound of the loop: the trips in which it fails are not made at all, and no tile
 * needs a variant for them. The last block of a loop that was split twice is the usual case. */
#include "ir/bounds.h"
#include "ir/passes.h"

bool store_has(const struct node *store, const struct affine *condition) {
    for (int i = 0; i < store->condition_count; i++)
        if (affine_equal(store->conditions[i], condition))
            return true;
    return false;
}

bool every_store_has(const struct node *nodes, const struct affine *condition) {
    for (; nodes; nodes = nodes->next)
        if (nodes->kind == NODE_STORE ? !store_has(nodes, condition)
                                      : !every_store_has(nodes->body, condition))
            return false;
    return true;
}

void remove_condition(struct arena *arena, struct node *nodes, const struct affine *condition) {
    for (; nodes; nodes = nodes->next) {
        const struct affine **kept =
            ARENA_ARRAY(arena, const struct affine *, nodes->condition_count);
        int count = 0;
        for (int i = 0; i < nodes->condition_count; i++)
            if (!affine_equal(nodes->conditions[i], condition))
                kept[count++] = nodes->conditions[i];
        nodes->conditions = kept;
        nodes->condition_count = count;
        remove_condition(arena, nodes->body, condition);
    }
}

const struct node *first_store(const struct node *nodes) {
    while (nodes && nodes->kind != NODE_STORE)
        nodes = nodes->body;
    return nodes;
}

void take_bounds(struct arena *arena, struct node *loop, condition_test *is_bound, void *context) {
    const struct node *store = first_store(loop->body);
    const struct affine **bounds =
        ARENA_ARRAY(arena, const struct affine *, loop->bound_count + store->condition_count);
    int count = 0;
    for (int i = 0; i < loop->bound_count; i++)
        bounds[count++] = loop->bounds[i];
    for (int i = 0; i < store->condition_count; i++)
        if (is_bound(context, store->conditions[i], loop->variable) &&
            every_store_has(loop->body, store->conditions[i]))
            bounds[count++] = store->conditions[i];
    for (int i = loop->bound_count; i < count; i++)
        remove_condition(arena, loop->body, bounds[i]);
    loop->bounds = bounds;
    loop->bound_count = count;
}

/* Loops around the one being looked at. */
struct around {
    struct arena *arena;
    int count;
    const struct variable *variables[MAX_LOOPS * 2];
};

static bool uses_only(const struct around *around, const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        bool known = false;
        for (int j = 0; j < around->count && term->kind == ATOM_VARIABLE; j++)
            known |= around->variables[j] == term->variable;
        if (term->kind != ATOM_VARIABLE)
            known = uses_only(around, term->operand);
        if (!known)
            return false;
    }
    return true;
}

static bool bounds_this(void *context, const struct affine *condition,
                        const struct variable *variable) {
    int64_t coefficient;
    return affine_coefficient(condition, variable, &coefficient) && coefficient != 0 &&
           uses_only(context, condition);
}

static void bound_nodes(struct around *around, struct node *nodes) {
    for (struct node *node = nodes; node; node = node->next) {
        if (node->kind != NODE_LOOP || around->count == MAX_LOOPS * 2)
            continue;
        around->variables[around->count++] = node->variable;
        if (node->loop != LOOP_PARALLEL)
            take_bounds(around->arena, node, bounds_this, around);
        bound_nodes(around, node->body);
        around->count--;
    }
}

dlt_status bound_loops(struct lowering *lowering) {
    struct program *program = lowering->program;
    struct around around = {.arena = program->arena};
    bound_nodes(&around, program->pack);
    bound_nodes(&around, program->run);
    return DLT_OK;
}
