/* Loops of tiles over an axis that lies in memory in blocks become two: over blocks, within one.
 *
 * With x in blocks of 16 channels, x[(c / 16) * 480 + c % 16] is no sum that an address could be:
 *
 *     c < 40:                  c.b < 2:                     a rest, if the block does not divide:
 *         x[c / 16 ... ]           c.i < 16:                c.r < 8:
 *                                      x[480*c.b + c.i]         x[960 + c.r]
 *
 * The outermost blocks are divided first, then the loop within a block, if there are blocks in it.
 * Unrolled and vectorised loops need nothing: their variables are numbers where code is made. */
#include "ir/passes.h"

#include "base/divisor.h"

struct dividing {
    struct program *program;
    struct arena *arena;
};

/* ---- which blocks ---- */

/* After how many trips the atoms that hold the variable have gone through a whole number of blocks;
 * 1 if there are none. */
static int64_t period_of(const struct affine *index, const struct variable *variable) {
    int64_t longest = 1;
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        int64_t coefficient, period = 1;
        if (term->kind == ATOM_VARIABLE || !affine_uses(term->operand, variable))
            continue;
        if (term->kind != ATOM_MINIMUM && affine_coefficient(term->operand, variable, &coefficient))
            period = term->constant / greatest_common_divisor(term->constant, coefficient);
        else
            period = period_of(term->operand, variable);
        longest = period > longest ? period : longest;
    }
    return longest;
}

static int64_t period_of_value(const struct value *value, const struct variable *variable) {
    int64_t longest = 1, period;
    if (value->operation == OP_READ && value->tensor->rank > 0)
        longest = period_of(value->subscripts[0], variable);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++) {
        period = period_of_value(value->operands[i], variable);
        longest = period > longest ? period : longest;
    }
    return longest;
}

static int64_t period_of_nodes(const struct node *nodes, const struct variable *variable) {
    int64_t longest = 1;
    for (; nodes; nodes = nodes->next) {
        int64_t periods[] = {1, 1, period_of_nodes(nodes->body, variable)};
        if (nodes->kind == NODE_STORE) {
            periods[0] = period_of(nodes->offset, variable);
            periods[1] = period_of_value(nodes->value, variable);
        }
        for (int i = 0; i < 3; i++)
            longest = periods[i] > longest ? periods[i] : longest;
    }
    return longest;
}

int64_t loop_period(const struct node *loop) {
    return period_of_nodes(loop->body, loop->variable);
}

/* ---- the new loops ---- */

static struct variable *new_variable(struct dividing *d, const struct variable *old,
                                     const char *suffix, int64_t extent) {
    struct variable *variable = ARENA_NEW(d->arena, struct variable);
    *variable = (struct variable){arena_format(d->arena, "%s.%s", old->name, suffix),
                                  d->program->next_variable_id++, 0, extent};
    return variable;
}

static const struct affine *trip_of(struct dividing *d, const struct variable *variable) {
    return variable->extent == 1 ? affine_constant(d->arena, 0)
                                 : affine_variable(d->arena, variable);
}

static struct node *loop_over(struct dividing *d, const struct variable *variable,
                              struct node *body) {
    struct node *loop;
    if (variable->extent == 1)
        return body;
    loop = node_new(d->arena, NODE_LOOP);
    loop->variable = variable;
    loop->body = body;
    return loop;
}

/* index >= 0 if and only if index / period >= 0, which may say nothing of the trip in the block. */
static void loosen(struct dividing *d, struct node *nodes, const struct variable *within,
                   int64_t period) {
    for (; nodes; nodes = nodes->next) {
        const struct affine **conditions =
            ARENA_ARRAY(d->arena, const struct affine *, nodes->condition_count);
        for (int i = 0; i < nodes->condition_count; i++) {
            conditions[i] = nodes->conditions[i];
            if (affine_uses(conditions[i], within)) {
                const struct affine *of_block = affine_divide(d->arena, conditions[i], period);
                if (!affine_uses(of_block, within))
                    conditions[i] = of_block;
            }
        }
        nodes->conditions = conditions;
        loosen(d, nodes->body, within, period);
    }
}

/* `blocks` blocks of `period` trips, behind `first` trips. */
static struct node *blocks_of(struct dividing *d, const struct node *loop, int64_t first,
                              int64_t blocks, int64_t period, const char *suffix) {
    const struct variable *block = new_variable(d, loop->variable, "b", blocks);
    const struct variable *within = new_variable(d, loop->variable, suffix, period);
    const struct affine *trip =
        affine_add(d->arena, affine_scale(d->arena, trip_of(d, block), period), trip_of(d, within));
    struct binding binding = {loop->variable, affine_add_constant(d->arena, trip, first)};
    struct node *body = node_copy(d->arena, loop->body, &binding, 1);
    loosen(d, body, within, period);
    return loop_over(d, block, loop_over(d, within, body));
}

static struct node *divide_nodes(struct dividing *d, struct node *nodes);

static struct node *divide_loop(struct dividing *d, struct node *loop) {
    int64_t extent = loop->variable->extent, period = 1;
    struct node_list list = {0};
    if (loop->loop == LOOP_SERIAL && !loop->bound_count && loop->variable->minimum == 0)
        period = loop_period(loop);
    if (period == 1 || period >= extent) {
        loop->body = divide_nodes(d, loop->body);
        return loop;
    }
    node_append(&list, blocks_of(d, loop, 0, extent / period, period, "i"));
    if (extent % period)
        node_append(&list, blocks_of(d, loop, extent - extent % period, 1, extent % period, "r"));
    return divide_nodes(d, list.first); /* there may be blocks within blocks */
}

static struct node *divide_nodes(struct dividing *d, struct node *nodes) {
    struct node_list list = {0};
    while (nodes) {
        struct node *node = nodes;
        nodes = node->next;
        node->next = NULL;
        node_append(&list, node->kind == NODE_LOOP ? divide_loop(d, node) : node);
    }
    return list.first;
}

static void divide_tile(void *context, struct node *node) {
    if (node->kind != NODE_TILE)
        return;
    node->body = divide_nodes(context, node->body);
    node->tile->variants[0].body = node->body;
}

dlt_status divide_loops(struct lowering *lowering) {
    struct program *program = lowering->program;
    struct dividing d = {program, program->arena};
    node_visit(program->pack, divide_tile, &d);
    node_visit(program->run, divide_tile, &d);
    return DLT_OK;
}
