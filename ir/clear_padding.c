/* Zeros for the lanes that a layout adds.
 *
 * An axis of 20 channels in blocks of 16 has 12 lanes more than values: the logical indices from 20
 * up to the 32 that its pieces can hold. They are cleared by a small nest of their own in front of
 * the one that computes, for each axis that has some: that axis runs over those indices, all
 * dimensions of the others over everything. What `:EXTENT` leaves between rows is no lane: it
 * belongs to whoever owns the memory, as the columns beside a matrix within a larger one.
 *
 * The loops are in the order of memory. Where the offset is a plain sum the innermost two are a
 * tile, the last of them vectorised. */
#include "ir/passes.h"

enum {
    WIDEST = 64 /* elements that a trip of the tile clears at most */
};

struct clearing {
    struct program *program;
    struct arena *arena;
    const struct buffer *buffer;
    int loop_count;
    struct variable *loops[MAX_LAYOUT_DIMENSIONS + 1]; /* outermost first */
    const struct affine *offset;                       /* over them */
    int condition_count; /* likewise: of elements that there are (te/expression.h, domain) */
    const struct affine *conditions[MAX_RANK];
};

/* The values of a piece that indices can have; what is beyond was asked for with `:EXTENT`. */
static int64_t needed_extent(const struct layout_dimension *piece, int64_t extent) {
    return piece->modulus ? piece->modulus : (extent + piece->divisor - 1) / piece->divisor;
}

/* How many indices of an axis its pieces can hold. */
static int64_t capacity_of(const struct layout *layout, int axis, int64_t extent) {
    int64_t capacity = 1;
    for (int i = 0; i < layout->dimension_count; i++)
        if (layout->dimensions[i].axis == axis)
            capacity *= needed_extent(&layout->dimensions[i], extent);
    return capacity;
}

static const struct affine *new_loop(struct clearing *c, const char *name, int64_t extent) {
    struct variable *variable = ARENA_NEW(c->arena, struct variable);
    *variable = (struct variable){name, c->program->next_variable_id++, 0, extent};
    if (extent == 1)
        return affine_constant(c->arena, 0);
    c->loops[c->loop_count++] = variable;
    return affine_variable(c->arena, variable);
}

static const struct affine *piece_offset(struct clearing *c, const struct layout_dimension *piece,
                                         const struct affine *index) {
    index = affine_divide(c->arena, index, piece->divisor);
    if (piece->modulus)
        index = affine_remainder(c->arena, index, piece->modulus);
    return affine_scale(c->arena, index, piece->stride);
}

/* Loops over everything but the axis, then over its lanes, and the offset of an element. The lanes
 * come last: they are within a block, and blocks are innermost. */
static void find_loops(struct clearing *c, const struct tensor *tensor, const struct layout *layout,
                       int axis, int64_t capacity) {
    int64_t extent = tensor->axes[axis]->extent;
    const struct affine *lane;
    struct binding whole[MAX_LAYOUT_DIMENSIONS]; /* axes in one piece: those of domains are */
    int whole_count = 0;
    c->loop_count = 0;
    c->offset = affine_constant(c->arena, 0);
    for (int i = 0; i < layout->dimension_count; i++) {
        const struct layout_dimension *piece = &layout->dimensions[i];
        const struct variable *other = tensor->axes[piece->axis];
        const struct affine *index;
        if (piece->axis == axis)
            continue;
        index = new_loop(c, other->name, needed_extent(piece, other->extent));
        c->offset = affine_add(c->arena, c->offset, affine_scale(c->arena, index, piece->stride));
        if (piece->divisor == 1 && piece->modulus == 0)
            whole[whole_count++] = (struct binding){other, index};
    }
    c->condition_count = tensor->domain_count;
    for (int i = 0; i < tensor->domain_count; i++)
        c->conditions[i] = affine_substitute(c->arena, tensor->domain[i], whole, whole_count);
    lane = affine_add_constant(c->arena, new_loop(c, tensor->axes[axis]->name, capacity - extent),
                               extent);
    for (int i = 0; i < layout->dimension_count; i++)
        if (layout->dimensions[i].axis == axis)
            c->offset =
                affine_add(c->arena, c->offset, piece_offset(c, &layout->dimensions[i], lane));
}

static int64_t stride_of(const struct clearing *c, int loop) {
    int64_t stride = 0;
    affine_coefficient(c->offset, c->loops[loop], &stride);
    return stride;
}

/* True if the offset is a plain sum; the loop of the nearest neighbours is then the last. */
static bool order_loops(struct clearing *c) {
    int64_t unused;
    for (int i = 0; i < c->loop_count; i++)
        if (!affine_coefficient(c->offset, c->loops[i], &unused))
            return false;
    for (int i = 0; i + 1 < c->loop_count; i++)
        if (stride_of(c, i) < stride_of(c, i + 1)) {
            struct variable *nearer = c->loops[i];
            c->loops[i] = c->loops[i + 1];
            c->loops[i + 1] = nearer;
            i = -1;
        }
    return true;
}

/* ---- nodes ---- */

static struct node *store(struct clearing *c, const struct affine *offset) {
    struct node *node = node_new(c->arena, NODE_STORE);
    node->buffer = c->buffer;
    node->offset = offset;
    node->value = value_constant(c->arena, c->buffer->type, 0);
    node->condition_count = c->condition_count;
    node->conditions = arena_copy(c->arena, c->conditions, sizeof c->conditions);
    return node;
}

static struct node *loop(struct clearing *c, const struct variable *variable, enum loop_kind kind,
                         struct node *body) {
    struct node *node;
    if (variable->extent == 1)
        return body;
    node = node_new(c->arena, NODE_LOOP);
    node->variable = variable;
    node->loop = kind;
    node->body = body;
    return node;
}

/* `count` elements in a row, from `first` on, as vectors: in steps of `width`. */
static struct node *row(struct clearing *c, const struct variable *along, int64_t first,
                        int64_t count, int64_t width) {
    struct clearing steps = *c; /* for two more loops */
    const struct affine *index, *offset;
    struct binding binding = {along, NULL};
    struct node *body;
    steps.loop_count = 0;
    index = affine_scale(c->arena, new_loop(&steps, along->name, count / width), width);
    index = affine_add(c->arena, index, new_loop(&steps, along->name, width));
    binding.replacement = affine_add_constant(c->arena, index, first);
    offset = affine_substitute(c->arena, c->offset, &binding, 1);
    for (int i = 0; i < c->condition_count; i++)
        steps.conditions[i] = affine_substitute(c->arena, c->conditions[i], &binding, 1);
    body = store(&steps, offset);
    for (int i = steps.loop_count - 1; i >= 0; i--)
        body = loop(c, steps.loops[i],
                    i == steps.loop_count - 1 && width > 1 ? LOOP_VECTORISED : LOOP_SERIAL, body);
    return body;
}

static struct node *tile_body(struct clearing *c) {
    const struct variable *last = c->loops[c->loop_count - 1];
    int64_t rest = last->extent % WIDEST;
    struct node_list rows = {0};
    if (last->extent >= WIDEST)
        node_append(&rows, row(c, last, 0, last->extent - rest, WIDEST));
    if (rest)
        node_append(&rows, row(c, last, last->extent - rest, rest, rest));
    if (c->loop_count > 1)
        return loop(c, c->loops[c->loop_count - 2], LOOP_SERIAL, rows.first);
    return rows.first;
}

static struct node *nest(struct clearing *c) {
    struct node *body;
    int inside = 0;
    if (order_loops(c) && c->loop_count && c->program->tile_count < MAX_STAGES) {
        body = tile_node(c->program, tile_body(c));
        inside = c->loop_count > 1 ? 2 : 1;
    } else {
        body = store(c, c->offset);
    }
    for (int i = c->loop_count - 1 - inside; i >= 0; i--)
        body = loop(c, c->loops[i], LOOP_SERIAL, body);
    return body;
}

struct node *clear_padding(struct program *program, const struct tensor *tensor,
                           const struct layout *layout) {
    struct clearing c = {
        .program = program, .arena = program->arena, .buffer = program_buffer(program, tensor)};
    struct node_list nests = {0};
    for (int axis = 0; axis < tensor->rank; axis++) {
        int64_t extent = tensor->axes[axis]->extent;
        int64_t capacity = capacity_of(layout, axis, extent);
        if (capacity == extent)
            continue;
        find_loops(&c, tensor, layout, axis, capacity);
        node_append(&nests, nest(&c));
    }
    return nests.first;
}
