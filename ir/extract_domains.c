/* Padding becomes a matter of domains.
 *
 * A padded convolution multiplies a select, "the element if it exists, else 0", by a weight. A term
 * that is zero need not be added: where the select's condition fails, the statement need not run.
 * So a condition under which a reduction's term is its combiner's identity becomes a condition of
 * the store, and all that is known about ragged splits serves for padding too. */
#include "ir/passes.h"

struct extraction {
    struct arena *arena;
    int count, capacity;
    const struct affine **conditions;
};

static bool is_constant(const struct value *value, double constant) {
    return value->operation == OP_CONSTANT && value->constant == constant;
}

static void add_conditions(struct extraction *e, const struct value *select) {
    if (e->count + select->condition_count > e->capacity) {
        int capacity = 2 * (e->count + select->condition_count);
        const struct affine **more = ARENA_ARRAY(e->arena, const struct affine *, capacity);
        for (int i = 0; i < e->count; i++)
            more[i] = e->conditions[i];
        e->conditions = more;
        e->capacity = capacity;
    }
    for (int i = 0; i < select->condition_count; i++)
        e->conditions[e->count++] = select->conditions[i];
}

/* The value without the selects that make all of it `identity`. Only a zero passes through the
 * operations that keep it zero. */
static const struct value *extract(struct extraction *e, const struct value *value,
                                   double identity) {
    struct value *copy;
    if (value->operation == OP_SELECT && is_constant(value->operands[1], identity)) {
        add_conditions(e, value);
        return extract(e, value->operands[0], identity);
    }
    if (identity != 0)
        return value;
    if (value->operation != OP_MULTIPLY && value->operation != OP_NEGATE &&
        value->operation != OP_DIVIDE)
        return value;
    copy = arena_copy(e->arena, value, sizeof *value);
    copy->operands[0] = extract(e, value->operands[0], identity);
    if (value->operation == OP_MULTIPLY)
        copy->operands[1] = extract(e, value->operands[1], identity);
    return copy;
}

static void extract_store(void *context, struct node *node) {
    struct program *program = context;
    struct extraction e = {.arena = program->arena};
    if (node->kind != NODE_STORE || node->combiner == COMBINE_NONE)
        return;
    e.count = e.capacity = node->condition_count;
    e.conditions = arena_copy(e.arena, node->conditions, sizeof *e.conditions * (size_t)e.count);
    node->value = extract(&e, node->value, combiners[node->combiner].identity);
    node->conditions = e.conditions;
    node->condition_count = e.count;
}

dlt_status extract_domains(struct lowering *lowering) {
    struct program *program = lowering->program;
    node_visit(program->pack, extract_store, program);
    node_visit(program->run, extract_store, program);
    return DLT_OK;
}
