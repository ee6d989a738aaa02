/* From one variant of a tile to a vector program.
 *
 * The loops of the tile are walked in order. A serial loop becomes a block. An unrolled loop is
 * walked once for each value of its variable, a vectorised one once for each vector of lanes: its
 * variable is then first + lane. At a store all conditions are known for each lane, by the work of
 * the pass before: no lane (nothing is emitted), all, or some, a constant mask.
 *
 * Values are emitted as if nothing were shared; the passes that follow see to that. Only what is
 * stored to is treated here at once (locations.c), since it decides where memory is touched. */
#include "ir/vectoriser.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_INSTRUCTIONS = 12000
};

void vectoriser_fail(struct vectoriser *v, const char *format, ...) {
    char message[256];
    va_list arguments;
    if (v->status)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    v->status = error_set(v->error, DLT_ERROR_REFUSED, "%s", message);
}

struct vector_instruction *vectoriser_emit(struct vectoriser *v, enum vector_opcode opcode,
                                           enum data_type type) {
    if (++v->instructions > MAX_INSTRUCTIONS)
        vectoriser_fail(v, "tile: more than %d vector instructions", MAX_INSTRUCTIONS);
    return vector_append(v->vectors, v->block, opcode, type);
}

int vectoriser_operation(struct vectoriser *v, enum vector_opcode opcode, enum data_type type,
                         int a, int b) {
    struct vector_instruction *instruction = vectoriser_emit(v, opcode, type);
    instruction->destination =
        vector_value_new(v->vectors, vector_operations[opcode].destination_class, false);
    instruction->sources[0] = a;
    instruction->sources[1] = b;
    return instruction->destination;
}

int vectoriser_constant(struct vectoriser *v, enum data_type type, double constant) {
    struct vector_instruction *instruction = vectoriser_emit(v, VECTOR_CONSTANT, type);
    instruction->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    instruction->constant = constant;
    return instruction->destination;
}

uint64_t all_lanes(const struct vectoriser *v, enum data_type type) {
    return (UINT64_C(1) << vector_lanes(v->vectors, type)) - 1;
}

int vectoriser_mask(struct vectoriser *v, enum data_type type, uint64_t lanes) {
    struct vector_instruction *instruction;
    if (lanes == all_lanes(v, type))
        return VECTOR_NONE;
    instruction = vectoriser_emit(v, VECTOR_MASK_CONSTANT, type);
    instruction->destination = vector_value_new(v->vectors, CLASS_MASK, false);
    instruction->immediate = (int64_t)lanes;
    return instruction->destination;
}

const struct affine *vectoriser_bind(struct vectoriser *v, const struct affine *index) {
    return affine_substitute(v->arena, index, v->bindings, v->binding_count);
}

/* What becomes of a condition: known in each lane, or open until a run. */
enum truth {
    NEVER,
    ALWAYS,
    OPEN
};

static enum truth truth_of(int64_t lowest, int64_t highest) {
    return lowest >= 0 ? ALWAYS : highest < 0 ? NEVER : OPEN;
}

static enum truth truth_in(struct vectoriser *v, const struct affine *condition, int lane) {
    struct binding binding = {&v->lane, affine_constant(v->arena, lane)};
    int64_t lowest, highest;
    affine_range(affine_substitute(v->arena, condition, &binding, 1), &lowest, &highest);
    return truth_of(lowest, highest);
}

static bool first_lane(const void *context, const struct variable *variable, int64_t *lowest,
                       int64_t *highest) {
    const struct vectoriser *v = context;
    *lowest = *highest = 0;
    return variable == &v->lane;
}

/* The lanes of `lanes` in which a condition holds or may hold; `is_open` if it may in some. */
static uint64_t lanes_of_condition(struct vectoriser *v, const struct affine *condition,
                                   uint64_t lanes, bool *is_open) {
    uint64_t result = 0;
    int64_t lowest, highest, step;
    bool linear = affine_coefficient(condition, &v->lane, &step);
    if (linear) /* only grows by `step` from lane to lane: looked at once */
        affine_range_with(condition, first_lane, v, &lowest, &highest);
    for (int lane = 0; lane < 64 && lanes >> lane; lane++) {
        enum truth truth = OPEN;
        if (!(lanes >> lane & 1))
            continue;
        if (linear)
            truth = truth_of(lowest + step * lane, highest + step * lane);
        if (truth == OPEN && affine_uses(condition, &v->lane))
            truth = truth_in(v, condition, lane);
        *is_open |= truth == OPEN;
        result |= (uint64_t)(truth != NEVER) << lane;
    }
    return result;
}

static bool bound_range(const void *context, const struct variable *variable, int64_t *lowest,
                        int64_t *highest) {
    const struct vectoriser *v = context;
    int binding = binding_of(v, variable);
    if (binding < 0)
        return false;
    *lowest = v->numbers[binding];
    *highest = *lowest + (v->lanes_binding == binding ? v->lane.extent - 1 : 0);
    return true;
}

/* Most conditions are decided by the ranges alone; only the others are rewritten. */
struct decision vectoriser_decide(struct vectoriser *v, int count,
                                  const struct affine *const *conditions, uint64_t lanes) {
    struct decision decision = {.lanes = lanes};
    for (int i = 0; i < count && decision.lanes; i++) {
        const struct affine *bound;
        int64_t lowest, highest;
        bool is_open = false;
        affine_range_with(conditions[i], bound_range, v, &lowest, &highest);
        if (lowest >= 0)
            continue;
        bound = highest < 0 ? NULL : vectoriser_bind(v, conditions[i]);
        decision.lanes = bound ? lanes_of_condition(v, bound, decision.lanes, &is_open) : 0;
        if (!is_open)
            continue;
        if (!decision.open) {
            decision.open = ARENA_ARRAY(v->arena, const struct affine *, 2 * count);
            decision.unbound = decision.open + count;
        }
        decision.unbound[decision.count] = conditions[i];
        decision.open[decision.count++] = bound;
    }
    return decision;
}

/* The lanes, other than `lanes`, in which the location's content must stay. What it has loaded may
 * be needed in all lanes that exist, even by a later statement of a loop's next trip. */
static uint64_t kept_lanes(const struct vectoriser *v, const struct location *location,
                           uint64_t lanes) {
    return (location->load ? v->active : location->lanes) & ~lanes;
}

/* The lanes in which a store changes its location: a constant mask, and one that a run computes
 * (VECTOR_NONE: all of them). */
static int store_mask(struct vectoriser *v, enum data_type type, bool all_lanes_do, uint64_t lanes,
                      int further) {
    return vectoriser_both(v, all_lanes_do ? VECTOR_NONE : vectoriser_mask(v, type, lanes),
                           further);
}

/* variable = itself combined with the term, in the lanes of the mask. Where one of two is chosen,
 * the term stands first: it is looked at for NaN while the variable is not known yet, and a NaN
 * that the variable holds stays. */
static void combine_into(struct vectoriser *v, enum combiner combiner, enum data_type type,
                         int variable, struct lanes_value term, int mask) {
    bool chooses = combiner == COMBINE_MAXIMUM || combiner == COMBINE_MINIMUM;
    struct vector_instruction *combine = vectoriser_emit(v, combining_opcode(combiner), type);
    combine->sources[chooses] = variable;
    combine->sources[!chooses] = term.value;
    combine->destination = variable;
    if (mask == VECTOR_NONE)
        return;
    if (!chooses && v->target->mask_registers > 0) {
        combine->mask = mask;
        return;
    }
    struct vector_instruction *blend = vectoriser_emit(v, VECTOR_BLEND, type);
    combine->destination = vector_value_new(v->vectors, CLASS_VECTOR, false);
    blend->sources[0] = combine->destination;
    blend->sources[1] = variable;
    blend->mask = mask;
    blend->destination = variable;
}

static bool is_harmless(struct lanes_value term, enum combiner combiner) {
    return term.zero_outside && combiner == COMBINE_SUM;
}

static void update(struct vectoriser *v, struct location *location, enum combiner combiner,
                   struct lanes_value term, uint64_t lanes, int further) {
    int mask = VECTOR_NONE;
    if (!is_harmless(term, combiner))
        mask = store_mask(v, location->type, !kept_lanes(v, location, lanes), lanes, further);
    combine_into(v, combiner, location->type, location->value, term, mask);
}

static void assign(struct vectoriser *v, struct location *location, int value, uint64_t lanes,
                   int further) {
    struct vector_instruction *move;
    int mask = store_mask(v, location->type, !kept_lanes(v, location, lanes), lanes, further);
    move = vectoriser_emit(v, mask == VECTOR_NONE ? VECTOR_MOVE : VECTOR_BLEND, location->type);
    move->sources[0] = value;
    if (mask != VECTOR_NONE) {
        move->sources[1] = location->value;
        move->mask = mask;
    }
    move->destination = location->value;
}

/* All lanes add to one element: into a vector of partial results. Lanes that do not take part are
 * kept as they are. */
static void update_partial(struct vectoriser *v, struct location *location, enum combiner combiner,
                           struct lanes_value term, uint64_t lanes, int further) {
    int64_t chunk = v->numbers[v->lanes_binding] / v->lane.extent;
    int partial, mask = VECTOR_NONE;
    if (location->partial_count && location->partial_combiner != combiner)
        location_settle(v, location);
    partial = location_partial(v, location, combiner, chunk);
    if (!is_harmless(term, combiner))
        mask = store_mask(v, location->type, false, lanes, further);
    combine_into(v, combiner, location->type, partial, term, mask);
}

/* The store's place; false after a failure. */
static bool find_place(struct vectoriser *v, const struct node *store, uint64_t lanes,
                       struct vector_address *address, int64_t *lane_stride) {
    if (!vectoriser_address(v, store->buffer, store->offset, address, lane_stride)) {
        vectoriser_fail(v, "tile: lanes or loops meet in an offset of %s that is not linear",
                        store->buffer->name);
        return false;
    }
    if (v->in_lanes && *lane_stride == 0 && lanes == 1 && store->combiner == COMBINE_NONE)
        *lane_stride = 1; /* an axis of one element: lane 0, and the others masked out */
    if (v->in_lanes && *lane_stride == 0 && store->combiner == COMBINE_NONE) {
        vectoriser_fail(v, "tile: all lanes store to one element of %s", store->buffer->name);
        return false;
    }
    return true;
}

/* The location takes the value, where only `further` conditions are left. */
static void change_location(struct vectoriser *v, const struct node *store,
                            struct location *location, struct lanes_value value, uint64_t lanes,
                            int further) {
    location->dirty = true;
    if (v->in_lanes && location->lane_stride == 0) {
        update_partial(v, location, store->combiner, value, lanes, further);
        return;
    }
    location_settle(v, location);
    if (store->combiner == COMBINE_NONE && store->value->operation == OP_CONSTANT &&
        location->scope == v->block && !kept_lanes(v, location, lanes) && further == VECTOR_NONE) {
        location->has_constant = true;
        location->constant = store->value->constant;
        return;
    }
    location_materialise(v, location);
    if (store->combiner == COMBINE_NONE)
        assign(v, location, value.value, lanes, further);
    else
        update(v, location, store->combiner, value, lanes, further);
}

static void walk_store(struct vectoriser *v, const struct node *store) {
    struct decision decision =
        vectoriser_decide(v, store->condition_count, store->conditions, v->active);
    struct vector_address address;
    struct lanes_value value;
    struct location *location;
    int64_t lane_stride;
    int further;
    if (!decision.lanes || v->status)
        return;
    v->store = store;
    v->deciding = &decision;
    v->guard = vectoriser_conditions(v, decision.count, decision.open);
    value = evaluate_value(v, store->value, decision.lanes);
    v->guard = VECTOR_NONE;
    if (v->status || !find_place(v, store, decision.lanes, &address, &lane_stride))
        return;
    location = location_use(v, store->buffer, &address, lane_stride, store->buffer->type,
                            decision.lanes, store->combiner != COMBINE_NONE);
    further = location_conditions(v, location);
    change_location(v, store, location, value, decision.lanes, further);
}

static void walk(struct vectoriser *v, const struct node *nodes);

static void walk_serial(struct vectoriser *v, const struct node *loop) {
    struct vector_bound begin = {false, loop->variable->minimum};
    struct vector_bound end = {false, loop->variable->minimum + loop->variable->extent};
    if (loop->bound_count) {
        begin = (struct vector_bound){true, find_bound_word(v->tile, loop, false)};
        end = (struct vector_bound){true, find_bound_word(v->tile, loop, true)};
    }
    v->block = vector_block_append(v->vectors, v->block, loop->variable, begin, end);
    walk(v, loop->body);
    locations_leave(v, v->block);
    v->block = v->block->parent;
}

static void walk_unrolled(struct vectoriser *v, const struct node *loop) {
    struct binding *binding = &v->bindings[v->binding_count++];
    binding->variable = loop->variable;
    for (int64_t i = 0; i < loop->variable->extent && !v->status; i++) {
        v->numbers[v->binding_count - 1] = loop->variable->minimum + i;
        binding->replacement = affine_constant(v->arena, loop->variable->minimum + i);
        walk(v, loop->body);
    }
    v->binding_count--;
}

static void walk_vectorised(struct vectoriser *v, const struct node *loop) {
    struct binding *binding = &v->bindings[v->binding_count++];
    int64_t extent = loop->variable->extent;
    if (v->in_lanes) {
        vectoriser_fail(v, "tile: loop %s is vectorised inside another", loop->variable->name);
        v->binding_count--;
        return;
    }
    binding->variable = loop->variable;
    v->in_lanes = true;
    v->lanes_binding = v->binding_count - 1;
    for (int64_t first = 0; first < extent && !v->status; first += v->lane.extent) {
        int64_t lanes = extent - first < v->lane.extent ? extent - first : v->lane.extent;
        binding->replacement =
            affine_add_constant(v->arena, affine_variable(v->arena, &v->lane), first);
        v->numbers[v->lanes_binding] = first;
        v->active = (UINT64_C(1) << lanes) - 1;
        walk(v, loop->body);
    }
    v->active = 1;
    v->in_lanes = false;
    v->lanes_binding = -1;
    v->binding_count--;
}

static void walk(struct vectoriser *v, const struct node *nodes) {
    for (; nodes && !v->status; nodes = nodes->next) {
        if (nodes->kind == NODE_STORE)
            walk_store(v, nodes);
        else if (nodes->kind != NODE_LOOP)
            vectoriser_fail(v, "tile: a tile inside a tile");
        else if (nodes->loop == LOOP_UNROLLED)
            walk_unrolled(v, nodes);
        else if (nodes->loop == LOOP_VECTORISED)
            walk_vectorised(v, nodes);
        else
            walk_serial(v, nodes);
    }
}

static void find_written(void *context, struct node *node) {
    struct vectoriser *v = context;
    if (node->kind == NODE_STORE && !is_written(v, node->buffer) && v->written_count < MAX_STAGES)
        v->written[v->written_count++] = node->buffer;
}

static void find_widest(void *context, struct node *node) {
    int64_t *widest = context, extent, period;
    if (node->kind != NODE_LOOP || node->loop != LOOP_VECTORISED)
        return;
    extent = node->variable->extent;
    period = loop_period(node);
    if (period > 1 && period < extent)
        extent = period;
    if (extent > *widest)
        *widest = extent;
}

/* Vectors no wider than the widest vectorised loop needs: half-empty ones cost as much as full. Nor
 * than the blocks it goes through, since lanes are one stretch of memory. */
static int vector_bytes(struct node *body, const struct target_description *target) {
    int64_t widest = 1;
    int bytes = target->vector_bytes;
    node_visit(body, find_widest, &widest);
    while (bytes > 16 && widest * data_types[TYPE_F32].bytes <= bytes / 2)
        bytes /= 2;
    return bytes;
}

/* The words, once it is known which there are. */
static void name_words(struct vectoriser *v) {
    const char **names = ARENA_ARRAY(v->arena, const char *, v->tile->word_count);
    bool *later = ARENA_ARRAY(v->arena, bool, v->tile->word_count), pointers = true;
    for (int i = 0; i < v->tile->word_count; i++) {
        const struct tile_word *word = &v->tile->words[i];
        pointers &= word->buffer != NULL;
        v->vectors->pointer_words += pointers;
        later[i] = word->buffer != NULL;
        if (word->buffer)
            names[i] = word->buffer->name;
        else if (!word->loop)
            names[i] = arena_format(v->arena, "index%d", i);
        else
            names[i] = arena_format(v->arena, "%s.%s", word->loop->variable->name,
                                    word->is_end ? "end" : "begin");
    }
    v->vectors->word_count = v->tile->word_count;
    v->vectors->later_pointers = later;
    v->vectors->word_names = names;
}

dlt_status vectorise(struct lowering *lowering) {
    struct program *program = lowering->program;
    struct tile *tile = lowering->tile;
    struct tile_variant *variant = lowering->variant;
    const struct target_description *target = lowering->target;
    struct error *error = lowering->error;
    struct vectoriser v = {.arena = program->arena,
                           .program = program,
                           .tile = tile,
                           .target = target,
                           .error = error,
                           .lanes_binding = -1,
                           .guard = VECTOR_NONE,
                           .active = 1};
    int bytes = vector_bytes(variant->body, target);
    v.vectors = vector_program_create(v.arena, bytes, 0, 0, NULL);
    v.lane = (struct variable){"lane", program->next_variable_id++, 0,
                               vector_lanes(v.vectors, TYPE_F32)};
    inner_collect(&v.inner, variant->body);
    if (v.inner.count == MAX_INNER) /* splitting loops made more of them */
        return error_set(error, DLT_ERROR_REFUSED, "tile: more than %d loops", MAX_INNER - 1);
    v.inner.variables[v.inner.count++] = &v.lane;
    node_visit(variant->body, find_written, &v);
    v.block = v.vectors->top;
    walk(&v, variant->body);
    locations_leave(&v, v.vectors->top);
    name_words(&v);
    variant->vectors = v.vectors->top->first ? v.vectors : NULL;
    if (!variant->vectors)
        variant->body = NULL;
    return v.status;
}
