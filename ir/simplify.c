/* What ranges prove: conditions that always hold, stores that never happen, loops around nothing;
 * and constants folded in values. */
#include "ir/passes.h"

enum truth {
    NEVER,
    SOMETIMES,
    ALWAYS
};

static enum truth holds(const struct affine *condition) {
    int64_t lowest, highest;
    affine_range(condition, &lowest, &highest);
    return lowest >= 0 ? ALWAYS : highest < 0 ? NEVER : SOMETIMES;
}

/* Keeps what is undecided; false if one never holds. */
static bool prune(struct arena *arena, int *count, const struct affine *const **conditions) {
    const struct affine **kept = ARENA_ARRAY(arena, const struct affine *, *count);
    int kept_count = 0;
    for (int i = 0; i < *count; i++) {
        enum truth truth = holds((*conditions)[i]);
        bool known = truth == ALWAYS;
        if (truth == NEVER)
            return false;
        for (int j = 0; j < kept_count && !known; j++)
            known = affine_equal(kept[j], (*conditions)[i]);
        if (!known)
            kept[kept_count++] = (*conditions)[i];
    }
    *count = kept_count;
    *conditions = kept;
    return true;
}

static const struct value *fold(void *context, const struct value *value) {
    struct arena *arena = context;
    double operands[MAX_OPERANDS];
    int count = operations[value->operation].operand_count;
    if (value->operation == OP_SELECT) {
        struct value *copy = arena_copy(arena, value, sizeof *value);
        if (!prune(arena, &copy->condition_count, &copy->conditions))
            return value->operands[1];
        return copy->condition_count ? copy : value->operands[0];
    }
    if (count == 0 || !operations[value->operation].evaluate || value->type != TYPE_F64)
        return value; /* f32 constants are left to be rounded by the machine, as the others are */
    for (int i = 0; i < count; i++) {
        if (value->operands[i]->operation != OP_CONSTANT)
            return value;
        operands[i] = value->operands[i]->constant;
    }
    return value_constant(arena, value->type, operations[value->operation].evaluate(operands));
}

static struct node *simplify_nodes(struct arena *arena, struct node *nodes) {
    struct node_list list = {0};
    while (nodes) {
        struct node *node = nodes;
        bool keep = true;
        nodes = node->next;
        node->next = NULL;
        if (node->kind == NODE_STORE) {
            keep = prune(arena, &node->condition_count, &node->conditions);
            node->value = value_rewrite(arena, node->value, fold, arena);
        } else {
            node->body = simplify_nodes(arena, node->body);
            keep = node->body != NULL;
            if (node->kind == NODE_TILE)
                node->tile->variants[0].body = node->body;
            if (node->kind == NODE_LOOP && keep)
                keep = prune(arena, &node->bound_count, &node->bounds);
        }
        if (keep)
            node_append(&list, node);
    }
    return list.first;
}

dlt_status simplify(struct lowering *lowering) {
    struct program *program = lowering->program;
    program->pack = simplify_nodes(program->arena, program->pack);
    program->run = simplify_nodes(program->arena, program->run);
    return DLT_OK;
}
