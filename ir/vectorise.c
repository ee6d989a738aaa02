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

/* Whether a condition without lanes holds; it must be decided. */
static bool is_true(struct vectoriser *v, const struct affine *condition) {
    int64_t lowest, highest;
    affine_range(condition, &lowest, &highest);
    if (lowest < 0 && highest >= 0) {
        struct text text = {0};
        affine_print(&text, condition);
        vectoriser_fail(v, "tile: whether %s >= 0 depends on a loop that is not written out",
                        text_string(&text));
        text_free(&text);
    }
    return lowest >= 0;
}

static bool is_true_in(struct vectoriser *v, const struct affine *condition, int lane) {
    struct binding binding = {&v->lane, affine_constant(v->arena, lane)};
    return is_true(v, affine_substitute(v->arena, condition, &binding, 1));
}

static bool first_lane(const void *context, const struct variable *variable, int64_t *lowest,
                       int64_t *highest) {
    const struct vectoriser *v = context;
    *lowest = *highest = 0;
    return variable == &v->lane;
}

/* A condition that only grows by `step` from lane to lane is looked at once. */
static uint64_t lanes_of_linear(struct vectoriser *v, const struct affine *condition, int64_t step,
                                uint64_t lanes) {
    uint64_t result = 0;
    int64_t lowest, highest;
    affine_range_with(condition, first_lane, v, &lowest, &highest);
    for (int lane = 0; lane < 64 && lanes >> lane; lane++) {
        bool holds = lowest + step * lane >= 0;
        if (lanes >> lane & 1 && !holds && highest + step * lane >= 0)
            holds = is_true_in(v, condition, lane);
        result |= (lanes & UINT64_C(1) << lane) * holds;
    }
    return result;
}

static uint64_t lanes_of_condition(struct vectoriser *v, const struct affine *condition,
                                   uint64_t lanes) {
    uint64_t result = 0;
    int64_t lowest, highest, step;
    affine_range(condition, &lowest, &highest);
    if (lowest >= 0 || highest < 0)
        return lowest >= 0 ? lanes : 0;
    if (!affine_uses(condition, &v->lane))
        return is_true(v, condition) ? lanes : 0;
    if (affine_coefficient(condition, &v->lane, &step))
        return lanes_of_linear(v, condition, step, lanes);
    for (int lane = 0; lane < 64 && lanes >> lane; lane++)
        if (lanes >> lane & 1 && is_true_in(v, condition, lane))
            result |= UINT64_C(1) << lane;
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
uint64_t vectoriser_condition_lanes(struct vectoriser *v, int count,
                                    const struct affine *const *conditions, uint64_t lanes) {
    for (int i = 0; i < count && lanes; i++) {
        int64_t lowest, highest;
        affine_range_with(conditions[i], bound_range, v, &lowest, &highest);
        if (highest < 0)
            return 0;
        if (lowest < 0)
            lanes = lanes_of_condition(v, vectoriser_bind(v, conditions[i]), lanes);
    }
    return lanes;
}

/* The lanes, other than `lanes`, in which the location's content must stay. What it has loaded may
 * be needed in all lanes that exist, even by a later statement of a loop's next trip. */
static uint64_t kept_lanes(const struct vectoriser *v, const struct location *location,
                           uint64_t lanes) {
    return (location->load ? v->active : location->lanes) & ~lanes;
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

/* old combined with the term: into the location itself, where the mask allows. */
static void update(struct vectoriser *v, struct location *location, enum combiner combiner,
                   struct lanes_value term, uint64_t lanes) {
    bool harmless = term.zero_outside && combiner == COMBINE_SUM;
    int mask = VECTOR_NONE;
    if (!harmless && kept_lanes(v, location, lanes))
        mask = vectoriser_mask(v, location->type, lanes);
    combine_into(v, combiner, location->type, location->value, term, mask);
}

static void assign(struct vectoriser *v, struct location *location, int value, uint64_t lanes) {
    struct vector_instruction *move;
    int mask =
        kept_lanes(v, location, lanes) ? vectoriser_mask(v, location->type, lanes) : VECTOR_NONE;
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
                           struct lanes_value term, uint64_t lanes) {
    int64_t chunk = v->numbers[v->lanes_binding] / v->lane.extent;
    bool harmless = term.zero_outside && combiner == COMBINE_SUM;
    int partial, mask = VECTOR_NONE;
    if (location->partial_count && location->partial_combiner != combiner)
        location_settle(v, location);
    partial = location_partial(v, location, combiner, chunk);
    if (!harmless)
        mask = vectoriser_mask(v, location->type, lanes);
    combine_into(v, combiner, location->type, partial, term, mask);
}

static void walk_store(struct vectoriser *v, const struct node *store) {
    enum data_type type = store->buffer->type;
    uint64_t lanes =
        vectoriser_condition_lanes(v, store->condition_count, store->conditions, v->active);
    struct vector_address address;
    struct lanes_value value;
    struct location *location;
    int64_t lane_stride;
    if (!lanes || v->status)
        return;
    value = evaluate_value(v, store->value, lanes);
    if (!vectoriser_address(v, store->buffer, store->offset, &address, &lane_stride))
        return;
    if (v->in_lanes && lane_stride == 0 && lanes == 1 && store->combiner == COMBINE_NONE)
        lane_stride = 1; /* an axis of one element: lane 0, and the others masked out */
    if (v->in_lanes && lane_stride == 0 && store->combiner == COMBINE_NONE) {
        vectoriser_fail(v, "tile: all lanes store to one element of %s", store->buffer->name);
        return;
    }
    location = location_use(v, store->buffer, &address, lane_stride, type, lanes,
                            store->combiner != COMBINE_NONE);
    location->dirty = true;
    if (v->in_lanes && lane_stride == 0) {
        update_partial(v, location, store->combiner, value, lanes);
        return;
    }
    location_settle(v, location);
    if (store->combiner == COMBINE_NONE && store->value->operation == OP_CONSTANT &&
        location->scope == v->block && !kept_lanes(v, location, lanes)) {
        location->has_constant = true;
        location->constant = store->value->constant;
        return;
    }
    location_materialise(v, location);
    if (store->combiner == COMBINE_NONE)
        assign(v, location, value.value, lanes);
    else
        update(v, location, store->combiner, value, lanes);
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

static const char *const *word_names(struct vectoriser *v, int *pointer_words) {
    const char **names = ARENA_ARRAY(v->arena, const char *, v->tile->word_count);
    *pointer_words = 0;
    for (int i = 0; i < v->tile->word_count; i++) {
        const struct tile_word *word = &v->tile->words[i];
        *pointer_words += word->buffer != NULL;
        names[i] = word->buffer ? word->buffer->name
                                : arena_format(v->arena, "%s.%s", word->loop->variable->name,
                                               word->is_end ? "end" : "begin");
    }
    return names;
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
                           .active = 1};
    int pointer_words, bytes = vector_bytes(variant->body, target);
    const char *const *names = word_names(&v, &pointer_words);
    v.vectors = vector_program_create(v.arena, bytes, pointer_words, tile->word_count, names);
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
    variant->vectors = v.vectors->top->first ? v.vectors : NULL;
    if (!variant->vectors)
        variant->body = NULL;
    return v.status;
}
