/* From a schedule to loops.
 *
 * Each stage becomes one nest: its loops from outermost to innermost around its store. A stage that
 * is attached stands at the start of the body of the loop it is attached at. A reduction becomes
 * two nests, split in front of its first reduction loop: one that stores the identity, one that
 * combines.
 *
 *     y, x:                         loops in front of the first reduction loop
 *         k:      T = 0             the others without reduction loops
 *         c, k:   T += ...
 *
 * Where a tile begins inside reduction loops the initialisation moves into it, under the condition
 * that all reduction loops outside are at their first trip: so a tile's accumulators start from
 * registers, not from memory that another nest cleared.
 *
 * A reduction that accumulates has no initialising nest: it combines with what is there. Wherever a
 * reduction loop is split, each trip adds its share.
 *
 * Loops of one trip vanish here: their variable is zero. */
#include "ir/passes.h"

#include <string.h>

struct builder {
    struct arena *arena;
    const struct schedule *schedule;
    struct program *program;
    struct error *error;
    struct binding *unit_loops; /* variables of loops of one trip: zero */
    int unit_loop_count;
    const struct tensor *copies[MAX_TENSORS]; /* of parameters that run reads as they are */
    bool packing;                             /* building the pack program */
};

static struct stage *stage_of(const struct schedule *schedule, const struct tensor *tensor) {
    for (int i = 0; i < schedule->stage_count; i++)
        if (schedule->stages[i]->tensor == tensor)
            return schedule->stages[i];
    return NULL;
}

static int loop_position(const struct stage *stage, const struct variable *variable) {
    for (int i = 0; i < stage->loop_count; i++)
        if (stage->loops[i].variable == variable)
            return i;
    return -1;
}

/* The first loop position that is inside the stage's tile; loop_count + 1 if it has none. */
static int tile_position(const struct stage *stage) {
    if (!stage->has_tile)
        return stage->loop_count + 1;
    return stage->tile_loop ? loop_position(stage, stage->tile_loop) + 1 : 0;
}

static bool inside_tile(const struct stage *stage) {
    for (; stage->attach == ATTACH_LOOP; stage = stage->consumer)
        if (loop_position(stage->consumer, stage->attach_loop) + 1 >=
            tile_position(stage->consumer))
            return true;
    return false;
}

static const struct stage *root_of(const struct stage *stage) {
    while (stage->attach == ATTACH_LOOP)
        stage = stage->consumer;
    return stage;
}

static bool inside_parallel(const struct stage *stage) {
    for (; stage->attach == ATTACH_LOOP; stage = stage->consumer)
        for (int i = 0; i <= loop_position(stage->consumer, stage->attach_loop); i++)
            if (stage->consumer->loops[i].kind == LOOP_PARALLEL)
                return true;
    return false;
}

/* Buffers. */

static int64_t used_elements(const struct tensor *tensor, const struct layout *layout) {
    int64_t extents[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++)
        extents[i] = tensor->axes[i]->extent;
    return layout_used(layout, extents);
}

static struct buffer *add_buffer(struct builder *b, const struct tensor *tensor,
                                 enum buffer_kind kind, const struct layout *layout) {
    struct program *program = b->program;
    struct buffer *buffer = ARENA_NEW(b->arena, struct buffer);
    buffer->name = tensor->name;
    buffer->kind = kind;
    buffer->type = tensor->type;
    buffer->elements = kind == BUFFER_INPUT || kind == BUFFER_PARAMETER || kind == BUFFER_OUTPUT
                           ? used_elements(tensor, layout)
                           : layout->elements;
    buffer->tensor = tensor;
    program->buffers[program->buffer_count++] = buffer;
    return buffer;
}

const struct buffer *program_buffer(const struct program *program, const struct tensor *tensor) {
    for (int i = 0; i < program->buffer_count; i++)
        if (program->buffers[i]->tensor == tensor)
            return program->buffers[i];
    return NULL;
}

static enum buffer_kind stage_buffer_kind(const struct schedule *schedule,
                                          const struct stage *stage) {
    if (stage == schedule->stages[schedule->stage_count - 1])
        return BUFFER_OUTPUT;
    if (inside_tile(stage))
        return BUFFER_TILE;
    if (root_of(stage)->packs_ahead) /* pack has no workspace, and only one thread */
        return BUFFER_PACKED;
    return inside_parallel(stage) ? BUFFER_PRIVATE : BUFFER_SHARED;
}

static void add_buffers(struct builder *b) {
    const struct expression *expression = b->schedule->expression;
    int variables = 0, parameters = 0;
    for (int i = 0; i < expression->tensor_count; i++) {
        const struct tensor *tensor = expression->tensors[i];
        if (tensor->kind == TENSOR_VARIABLE)
            add_buffer(b, tensor, BUFFER_INPUT, &tensor->layout)->argument = variables++;
        else if (tensor->kind == TENSOR_PARAMETER)
            add_buffer(b, tensor, BUFFER_PARAMETER, &tensor->layout)->argument = parameters++;
        else if (tensor->kind == TENSOR_LITERAL)
            add_buffer(b, tensor, BUFFER_LITERAL, &tensor->layout);
    }
    for (int i = 0; i < b->schedule->stage_count; i++) {
        const struct stage *stage = b->schedule->stages[i];
        struct buffer *buffer =
            add_buffer(b, stage->tensor, stage_buffer_kind(b->schedule, stage), &stage->layout);
        if (buffer->kind == BUFFER_OUTPUT)
            buffer->argument = variables;
    }
}

/* run may only read what pack has put into the packed block: a parameter that it reads as it is
 * gets a copy there, made by a nest of one loop. It ends with the last element: memory may too. */
static const struct tensor *copy_of(struct builder *b, const struct tensor *parameter) {
    int slot = 0;
    struct tensor *copy;
    struct variable *variable;
    struct node *loop, *store;
    struct value *read;
    const struct affine **offset;
    while (b->copies[slot] && strcmp(b->copies[slot]->name, parameter->name) != 0)
        slot++;
    if (b->copies[slot])
        return b->copies[slot];
    copy = arena_copy(b->arena, parameter, sizeof *parameter);
    b->copies[slot] = copy;
    variable = ARENA_NEW(b->arena, struct variable);
    *variable = (struct variable){"i", b->program->next_variable_id++, 0,
                                  used_elements(parameter, &parameter->layout)};
    offset = ARENA_ARRAY(b->arena, const struct affine *, parameter->rank ? parameter->rank : 1);
    offset[0] = affine_variable(b->arena, variable);
    read = ARENA_NEW(b->arena, struct value);
    *read = (struct value){.operation = OP_READ,
                           .type = parameter->type,
                           .depth = 1,
                           .tensor = parameter,
                           .subscripts = offset};
    store = node_new(b->arena, NODE_STORE);
    store->buffer = add_buffer(b, copy, BUFFER_PACKED, &parameter->layout);
    store->offset = offset[0];
    store->value = read;
    loop = node_new(b->arena, NODE_LOOP);
    loop->variable = variable;
    loop->body = store;
    loop->next = b->program->pack;
    b->program->pack = loop;
    return copy;
}

/* Values over loop variables, reads flattened. */

static const struct affine *drop_unit_loops(const struct builder *b, const struct affine *index) {
    return affine_substitute(b->arena, index, b->unit_loops, b->unit_loop_count);
}

/* Offset in the tensor's buffer of the element with these subscripts (already over loops). */
static const struct affine *offset_of(struct builder *b, const struct tensor *tensor,
                                      const struct affine *const *subscripts) {
    const struct stage *stage = stage_of(b->schedule, tensor);
    const struct layout *layout = stage ? &stage->layout : &tensor->layout;
    const struct affine *relative[MAX_RANK];
    for (int i = 0; i < tensor->rank; i++) {
        relative[i] = subscripts[i];
        if (stage && stage->attach == ATTACH_LOOP)
            relative[i] = affine_subtract(b->arena, subscripts[i], stage->box_minimum[i]);
        relative[i] = drop_unit_loops(b, relative[i]);
    }
    return drop_unit_loops(b, layout_offset(b->arena, layout, relative));
}

struct flattening {
    struct builder *b;
    const struct stage *stage;
    struct binding bindings[2 * MAX_RANK]; /* the stage's axes */
    int count;
};

static const struct affine *over_loops(void *context, const struct affine *index) {
    struct flattening *f = context;
    index = affine_substitute(f->b->arena, index, f->bindings, f->count);
    return drop_unit_loops(f->b, index);
}

/* The element that the stage is about to write. */
static const struct value *read_previous(struct flattening *f, const struct value *value) {
    struct builder *b = f->b;
    struct value *read = arena_copy(b->arena, value, sizeof *value);
    const struct tensor *tensor = f->stage->tensor;
    const struct affine **offset =
        ARENA_ARRAY(b->arena, const struct affine *, tensor->rank ? tensor->rank : 1);
    offset[0] = offset_of(b, tensor, f->stage->axis_values);
    read->operation = OP_READ;
    read->tensor = tensor;
    read->subscripts = offset;
    return read;
}

static const struct value *flatten_read(void *context, const struct value *value) {
    struct flattening *f = context;
    struct builder *b = f->b;
    struct value *read;
    const struct affine **offset;
    const struct tensor *tensor = value->tensor;
    if (value->operation == OP_PREVIOUS)
        return read_previous(f, value);
    if (value->operation != OP_READ)
        return value;
    offset = ARENA_ARRAY(b->arena, const struct affine *, tensor->rank ? tensor->rank : 1);
    offset[0] = offset_of(b, tensor, value->subscripts);
    read = arena_copy(b->arena, value, sizeof *value);
    read->subscripts = offset;
    if (!b->packing && tensor->kind == TENSOR_PARAMETER)
        read->tensor = copy_of(b, tensor);
    return read;
}

static const struct value *flatten(struct builder *b, const struct stage *stage) {
    struct flattening f = {.b = b, .stage = stage};
    const struct tensor *tensor = stage->tensor;
    for (int i = 0; i < tensor->rank; i++)
        f.bindings[f.count++] = (struct binding){tensor->axes[i], stage->axis_values[i]};
    for (int i = 0; i < tensor->reduction_rank; i++)
        f.bindings[f.count++] =
            (struct binding){tensor->reduction_axes[i], stage->reduction_values[i]};
    return value_rewrite(b->arena, value_map_indices(b->arena, stage->body, over_loops, &f),
                         flatten_read, &f);
}

/* Nests. */

static bool is_reduction(const struct stage *stage) {
    return stage->tensor->combiner != COMBINE_NONE;
}

static bool uses_reduction(const struct stage *stage, const struct affine *index) {
    for (int i = 0; i < stage->loop_count; i++)
        if (stage->loops[i].is_reduction && affine_uses(index, stage->loops[i].variable))
            return true;
    return false;
}

/* Where the nest of a reduction divides: see the head of this file. */
static int initial_position(const struct stage *stage) {
    int tile = tile_position(stage);
    for (int i = tile <= stage->loop_count ? tile : 0; i < stage->loop_count; i++)
        if (stage->loops[i].is_reduction)
            return i;
    return stage->loop_count;
}

/* True if the index uses no loop of the stage inside position `last`. */
static bool is_outside(const struct stage *stage, const struct affine *index, int last) {
    for (int i = last + 1; i < stage->loop_count; i++)
        if (affine_uses(index, stage->loops[i].variable))
            return false;
    return true;
}

/* An attached stage is needed only in those trips of the loops around it that its consumer makes:
 * constraints of the consumer on these loops are constraints of the stage. */
static int inherited_conditions(struct builder *b, const struct stage *stage,
                                const struct affine **conditions, int capacity) {
    int count = 0;
    for (; stage->attach == ATTACH_LOOP; stage = stage->consumer) {
        int last = loop_position(stage->consumer, stage->attach_loop);
        for (int i = 0; i < stage->consumer->constraint_count && count < capacity; i++)
            if (is_outside(stage->consumer, stage->consumer->constraints[i], last))
                conditions[count++] = drop_unit_loops(b, stage->consumer->constraints[i]);
    }
    return count;
}

static struct node *store_node(struct builder *b, const struct stage *stage, bool initial) {
    struct node *store = node_new(b->arena, NODE_STORE);
    const struct affine **conditions =
        ARENA_ARRAY(b->arena, const struct affine *, 2 * MAX_CONSTRAINTS + MAX_LOOPS);
    int count = inherited_conditions(b, stage, conditions, MAX_CONSTRAINTS);
    for (int i = 0; i < stage->constraint_count; i++)
        if (!initial || !uses_reduction(stage, stage->constraints[i]))
            conditions[count++] = drop_unit_loops(b, stage->constraints[i]);
    if (initial)
        for (int i = 0; i < initial_position(stage); i++)
            if (stage->loops[i].is_reduction && stage->loops[i].variable->extent > 1)
                conditions[count++] =
                    affine_scale(b->arena, affine_variable(b->arena, stage->loops[i].variable), -1);
    store->conditions = conditions;
    store->condition_count = count;
    store->buffer = program_buffer(b->program, stage->tensor);
    store->offset = offset_of(b, stage->tensor, stage->axis_values);
    if (initial) {
        store->value = value_constant(b->arena, stage->tensor->type,
                                      combiners[stage->tensor->combiner].identity);
    } else {
        store->value = flatten(b, stage);
        store->combiner = stage->tensor->combiner;
    }
    return store;
}

static struct node *loop_node(struct builder *b, const struct loop *loop, struct node *body) {
    struct node *node;
    if (loop->variable->extent == 1)
        return body;
    node = node_new(b->arena, NODE_LOOP);
    node->variable = loop->variable;
    node->loop = loop->kind;
    node->body = body;
    return node;
}

static struct node *initial_nest(struct builder *b, const struct stage *stage, int position) {
    if (position == stage->loop_count)
        return store_node(b, stage, true);
    if (stage->loops[position].is_reduction)
        return initial_nest(b, stage, position + 1);
    return loop_node(b, &stage->loops[position], initial_nest(b, stage, position + 1));
}

struct node *tile_node(struct program *program, struct node *body) {
    struct node *node = node_new(program->arena, NODE_TILE);
    struct tile *tile = ARENA_NEW(program->arena, struct tile);
    tile->number = program->tile_count;
    tile->variant_count = 1;
    tile->variants = ARENA_ARRAY(program->arena, struct tile_variant, 1);
    tile->variants[0].body = body;
    node->tile = tile;
    node->body = body;
    program->tiles[program->tile_count++] = tile;
    return node;
}

static struct node *nest(struct builder *b, const struct stage *stage, int position, bool in_tile);

static struct node *attached_nests(struct builder *b, const struct stage *consumer,
                                   const struct variable *loop, bool in_tile) {
    struct node_list list = {0};
    for (int i = 0; i < b->schedule->stage_count; i++) {
        const struct stage *stage = b->schedule->stages[i];
        if (stage->attach == ATTACH_LOOP && stage->consumer == consumer &&
            stage->attach_loop == loop)
            node_append(&list, nest(b, stage, 0, in_tile));
    }
    return list.first;
}

/* The nest from the loop at `position` inwards. */
static struct node *nest(struct builder *b, const struct stage *stage, int position, bool in_tile) {
    struct node_list list = {0};
    bool begins_tile = !in_tile && stage->has_tile && position == tile_position(stage);
    in_tile |= begins_tile;
    if (position > 0)
        node_append(&list, attached_nests(b, stage, stage->loops[position - 1].variable, in_tile));
    if (is_reduction(stage) && !stage->tensor->accumulate && position == initial_position(stage))
        node_append(&list, initial_nest(b, stage, position));
    if (position == stage->loop_count)
        node_append(&list, store_node(b, stage, false));
    else
        node_append(&list,
                    loop_node(b, &stage->loops[position], nest(b, stage, position + 1, in_tile)));
    if (!begins_tile)
        return list.first;
    struct node *node = tile_node(b->program, list.first);
    node->tile->prefetches = stage->prefetches;
    return node;
}

/* The lanes that a layout adds hold zero in what others than the kernel may read; what only the
 * kernel reads it reads without them. */
static struct node *zero_lanes(const struct builder *b, const struct stage *stage) {
    const struct schedule *schedule = b->schedule;
    if (!stage->packs_ahead && stage != schedule->stages[schedule->stage_count - 1])
        return NULL;
    return clear_padding(b->program, stage->tensor, &stage->layout);
}

static void find_unit_loops(struct builder *b) {
    const struct schedule *schedule = b->schedule;
    int loops = 0;
    for (int i = 0; i < schedule->stage_count; i++)
        loops += schedule->stages[i]->loop_count;
    b->unit_loops = ARENA_ARRAY(b->arena, struct binding, loops);
    for (int i = 0; i < schedule->stage_count; i++)
        for (int j = 0; j < schedule->stages[i]->loop_count; j++) {
            const struct variable *variable = schedule->stages[i]->loops[j].variable;
            if (variable->extent == 1)
                b->unit_loops[b->unit_loop_count++] =
                    (struct binding){variable, affine_constant(b->arena, 0)};
        }
}

dlt_status build_nests(struct lowering *lowering) {
    const struct schedule *schedule = lowering->schedule;
    struct arena *arena = lowering->arena;
    struct builder b = {.arena = arena, .schedule = schedule, .error = lowering->error};
    struct node_list parts[2] = {{0}};
    b.program = ARENA_NEW(arena, struct program);
    b.program->arena = arena;
    b.program->expression = schedule->expression;
    b.program->next_variable_id = schedule->next_variable_id;
    find_unit_loops(&b);
    add_buffers(&b);
    for (int i = 0; i < schedule->stage_count; i++) {
        const struct stage *stage = schedule->stages[i];
        if (stage->attach != ATTACH_ROOT)
            continue;
        b.packing = stage->packs_ahead;
        node_append(&parts[stage->packs_ahead], zero_lanes(&b, stage));
        node_append(&parts[stage->packs_ahead], nest(&b, stage, 0, false));
    }
    b.program->run = parts[0].first;
    node_append(&parts[1], b.program->pack); /* the copies that nests asked for */
    b.program->pack = parts[1].first;
    lowering->program = b.program;
    return DLT_OK;
}
