/* Accumulators in registers.
 *
 * An element that a tile stores to is a location: buffer, address, stride between lanes. As long as
 * its address stays the same, through all loops of the tile on which the address does not depend,
 * it lives in a variable of the vector program. It is loaded in front of the outermost such loop if
 * its old content is needed, and stored behind it. Elements of buffers that belong to the tile
 * alone are neither: they never are in memory.
 *
 * What is exact here: two accesses meet in one location or do not overlap. An access to a written
 * buffer that is not exactly a location is refused, and so are locations that may overlap although
 * their addresses follow different loops, at once or from trip to trip. (Those that follow the same
 * loops overlap only where a split was shifted; each then holds the whole result of its
 * elements.) */
#include "ir/vectoriser.h"

#include "base/hash.h"

#include <string.h>

bool is_written(const struct vectoriser *v, const struct buffer *buffer) {
    for (int i = 0; i < v->written_count; i++)
        if (v->written[i] == buffer)
            return true;
    return false;
}

static bool address_equal(const struct vector_address *a, const struct vector_address *b) {
    return a->displacement == b->displacement && vector_same_terms(a, b);
}

static unsigned bucket_of(const struct vector_address *address, int64_t lane_stride) {
    uint64_t hash = hash_combine((uint64_t)address->base, (uint64_t)address->displacement);
    return (unsigned)(hash_combine(hash, (uint64_t)lane_stride) % LOCATION_BUCKETS);
}

struct location *location_find(struct vectoriser *v, const struct buffer *buffer,
                               const struct vector_address *address, int64_t lane_stride) {
    struct location *location = v->buckets[bucket_of(address, lane_stride)];
    while (location && !(location->buffer == buffer && location->lane_stride == lane_stride &&
                         address_equal(&location->address, address)))
        location = location->next;
    return location;
}

static int64_t stride_along(const struct vector_address *address, const struct variable *counter) {
    for (int i = 0; i < address->term_count; i++)
        if (address->terms[i].counter == counter)
            return address->terms[i].stride;
    return 0;
}

static void add_range(int64_t stride, int64_t first, int64_t last, int64_t *lowest,
                      int64_t *highest) {
    *lowest += stride * (stride < 0 ? last : first);
    *highest += stride * (stride < 0 ? first : last);
}

/* Bounds of a's address minus b's, lanes left aside. */
static void difference_range(const struct vector_address *a, const struct vector_address *b,
                             int64_t *lowest, int64_t *highest) {
    *lowest = *highest = a->displacement - b->displacement;
    for (int i = 0; i < a->term_count + b->term_count; i++) {
        bool in_a = i < a->term_count;
        const struct variable *counter =
            in_a ? a->terms[i].counter : b->terms[i - a->term_count].counter;
        if (in_a || !stride_along(a, counter))
            add_range(stride_along(a, counter) - stride_along(b, counter), counter->minimum,
                      counter->minimum + counter->extent - 1, lowest, highest);
    }
}

/* Whether two locations of one buffer may share an element. Lanes i and j are tried as i - j where
 * both stride alike. */
static bool may_overlap(const struct vectoriser *v, const struct location *a,
                        const struct location *b) {
    int64_t bytes = data_types[a->type].bytes, lanes = v->lane.extent - 1;
    int64_t strides[2] = {a->lane_stride * bytes, -b->lane_stride * bytes}, lowest, highest;
    if (a->address.base != b->address.base)
        return true;
    difference_range(&a->address, &b->address, &lowest, &highest);
    if (a->lane_stride == b->lane_stride && a->lane_stride) {
        for (int64_t i = -lanes; i <= lanes; i++)
            if (lowest + i * strides[0] < bytes && highest + i * strides[0] > -bytes)
                return true;
        return false;
    }
    add_range(strides[0], 0, lanes, &lowest, &highest);
    add_range(strides[1], 0, lanes, &lowest, &highest);
    return lowest < bytes && highest > -bytes;
}

/* The registers of two locations that overlap would not know of each other's stores. */
static void refuse_overlap(struct vectoriser *v, const struct location *location) {
    for (const struct location *other = v->locations; other; other = other->next_in_list)
        if (other->buffer == location->buffer &&
            (other->lane_stride != location->lane_stride ||
             !vector_same_terms(&other->address, &location->address)) &&
            may_overlap(v, other, location))
            vectoriser_fail(v, "tile: an element of %s is reached along different loops",
                            location->buffer->name);
}

static bool is_within(const struct vector_block *block, const struct vector_block *outer) {
    while (block && block != outer)
        block = block->parent;
    return block != NULL;
}

/* The block right inside of the location's scope that is being filled; NULL if it is the scope. */
static const struct vector_block *filled_within_scope(const struct vectoriser *v,
                                                      const struct location *location) {
    const struct vector_block *inner = NULL;
    for (const struct vector_block *block = v->block; block != location->scope;
         block = block->parent)
        inner = block;
    return inner;
}

/* The location's register lives through all trips of a loop in which other locations, complete
 * already, are stored to again: if they overlap, it would not know. */
static void refuse_overlap_in_trips(struct vectoriser *v, const struct location *location) {
    const struct vector_block *loop = filled_within_scope(v, location);
    for (const struct location *other = v->ended; loop && other; other = other->next_ended)
        if (other->buffer == location->buffer && is_within(other->scope, loop) &&
            may_overlap(v, other, location))
            vectoriser_fail(v, "tile: an element of %s is reached along different loops",
                            location->buffer->name);
}

static struct vector_block *scope_of(const struct vectoriser *v,
                                     const struct vector_address *address) {
    struct vector_block *block = v->block;
    for (; block->parent; block = block->parent)
        for (int i = 0; i < address->term_count; i++)
            if (address->terms[i].counter == block->counter)
                return block;
    return block;
}

/* Appends to the location's scope: behind all that is there, but in front of the nested block that
 * is being filled. */
static struct vector_instruction *emit_in_scope(struct vectoriser *v, struct location *location,
                                                enum vector_opcode opcode) {
    struct vector_block *scope = location->scope;
    struct vector_item *inner = scope->last, *before = NULL, *item;
    struct vector_instruction *instruction;
    if (scope == v->block)
        return vectoriser_emit(v, opcode, location->type);
    for (item = scope->first; item != inner; item = item->next)
        before = item;
    instruction = vector_append(v->vectors, scope, opcode, location->type);
    item = scope->last; /* the new one: moves in front of `inner` */
    inner->next = NULL;
    scope->last = inner;
    item->next = inner;
    if (before)
        before->next = item;
    else
        scope->first = item;
    return instruction;
}

/* ---- conditions ---- */

static bool depends_on(const struct affine *offset, const struct affine *condition) {
    for (int i = 0; i < condition->term_count; i++) {
        const struct affine_term *term = &condition->terms[i];
        if (term->kind == ATOM_VARIABLE ? !affine_uses(offset, term->variable)
                                        : !depends_on(offset, term->operand))
            return false;
    }
    return true;
}

/* Whether the statement's open condition number i says which elements there are: it depends on
 * nothing but what the element's place depends on. (A reduction's terms may depend on more.) */
static bool says_which(const struct vectoriser *v, int i) {
    return depends_on(v->store->offset, v->deciding->unbound[i]);
}

static void take_guards(struct vectoriser *v, struct location *location) {
    const struct decision *decision = v->deciding;
    const struct affine **guards = ARENA_ARRAY(v->arena, const struct affine *, decision->count);
    for (int i = 0; i < decision->count; i++)
        if (says_which(v, i))
            guards[location->guard_count++] = decision->open[i];
    location->guards = guards;
}

static bool has_guard(const struct location *location, const struct affine *condition) {
    for (int i = 0; i < location->guard_count; i++)
        if (affine_equal(location->guards[i], condition))
            return true;
    return false;
}

/* The first store to an element of the tile's own defines it. Where the conditions fail there was
 * nothing before that had to stay. */
static bool defines(const struct location *location) {
    return location->buffer->kind == BUFFER_TILE && !location->dirty;
}

int location_conditions(struct vectoriser *v, const struct location *location) {
    const struct decision *decision = v->deciding;
    int mask = VECTOR_NONE, shared = 0;
    if (defines(location))
        return VECTOR_NONE;
    for (int i = 0; i < decision->count; i++)
        if (has_guard(location, decision->open[i]))
            shared++;
        else
            mask = vectoriser_both(v, mask, vectoriser_conditions(v, 1, &decision->open[i]));
    if (shared < location->guard_count)
        vectoriser_fail(v, "tile: elements of %s are stored under different conditions",
                        location->buffer->name);
    return mask;
}

/* Whether the present statement leaves out some of the new location's elements. */
static bool leaves_out(const struct vectoriser *v) {
    for (int i = 0; i < v->deciding->count; i++)
        if (!says_which(v, i))
            return true;
    return false;
}

/* ---- locations ---- */

static void load_into(struct vectoriser *v, struct location *location) {
    struct vector_instruction *mask = vectoriser_emit(v, VECTOR_MASK_CONSTANT, location->type);
    struct vector_instruction *load;
    int both;
    mask->destination = vector_value_new(v->vectors, CLASS_MASK, false);
    both = vectoriser_both(v, vectoriser_conditions(v, location->guard_count, location->guards),
                           mask->destination);
    load = vectoriser_emit(v,
                           location->lane_stride == 0   ? VECTOR_LOAD_BROADCAST
                           : location->lane_stride == 1 ? VECTOR_LOAD
                                                        : VECTOR_LOAD_STRIDED,
                           location->type);
    load->address = location->address;
    load->stride = location->lane_stride * data_types[location->type].bytes;
    load->destination = location->value;
    load->mask = location->guard_count ? both : VECTOR_NONE;
    location->load = load;
    location->load_mask = mask; /* which lanes is known when the location's life ends */
}

/* The load stands in the location's scope: behind all that is there, but in front of the nested
 * block that is being filled. */
static void load_location(struct vectoriser *v, struct location *location) {
    struct vector_block *scope = location->scope, *filled = v->block, ahead = *scope;
    struct vector_item *inner = scope->last, **link = &scope->first;
    if (scope == v->block) {
        load_into(v, location);
        return;
    }
    ahead.first = ahead.last = NULL;
    v->block = &ahead;
    load_into(v, location);
    v->block = filled;
    while (*link != inner)
        link = &(*link)->next;
    *link = ahead.first;
    ahead.last->next = inner;
}

struct location *location_use(struct vectoriser *v, const struct buffer *buffer,
                              const struct vector_address *address, int64_t lane_stride,
                              enum data_type type, uint64_t lanes, bool reads) {
    struct location *location = location_find(v, buffer, address, lane_stride);
    if (!location) {
        unsigned bucket = bucket_of(address, lane_stride);
        location = ARENA_NEW(v->arena, struct location);
        location->buffer = buffer;
        location->address = *address;
        location->lane_stride = lane_stride;
        location->type = type;
        location->value = vector_value_new(v->vectors, CLASS_VECTOR, true);
        location->scope = scope_of(v, address);
        take_guards(v, location);
        reads |= buffer->kind != BUFFER_TILE && leaves_out(v);
        refuse_overlap(v, location);
        refuse_overlap_in_trips(v, location);
        location->next = v->buckets[bucket];
        v->buckets[bucket] = location;
        location->next_in_list = v->locations;
        v->locations = location;
        /* Inside a loop that might make no trip the old content is needed for what follows. */
        if (buffer->kind == BUFFER_TILE && (reads || location->scope != v->block))
            vectoriser_fail(v, "tile: an element of %s is used before it is computed",
                            buffer->name);
        else if (reads || location->scope != v->block)
            load_location(v, location);
    }
    location->lanes |= lanes;
    return location;
}

/* Vectorised reductions.
 *
 * All lanes of a reduction loop belong to one element. They are combined into vectors of partial
 * results first, several where the loop has several vectors so that no operation waits for the one
 * before; when the element is needed these are combined with each other, then across their
 * lanes. */

enum vector_opcode combining_opcode(enum combiner combiner) {
    static const enum vector_opcode opcodes[COMBINER_COUNT] = {
        [COMBINE_SUM] = VECTOR_ADD,
        [COMBINE_PRODUCT] = VECTOR_MULTIPLY,
        [COMBINE_MAXIMUM] = VECTOR_MAXIMUM_OR_NAN,
        [COMBINE_MINIMUM] = VECTOR_MINIMUM_OR_NAN,
    };
    return opcodes[combiner];
}

int location_partial(struct vectoriser *v, struct location *location, enum combiner combiner,
                     int64_t chunk) {
    int number = (int)(chunk % MAX_PARTIALS);
    location->partial_combiner = combiner;
    while (location->partial_count <= number) {
        struct vector_instruction *identity = emit_in_scope(v, location, VECTOR_CONSTANT);
        identity->constant = combiners[combiner].identity;
        identity->destination = vector_value_new(v->vectors, CLASS_VECTOR, true);
        location->partials[location->partial_count++] = identity->destination;
    }
    return location->partials[number];
}

/* A constant that a location starts from takes no register before it is needed: a vectorised
 * reduction that starts from its identity never needs it. */
void location_materialise(struct vectoriser *v, struct location *location) {
    struct vector_instruction *constant;
    if (!location->has_constant)
        return;
    location->has_constant = false;
    constant = emit_in_scope(v, location, VECTOR_CONSTANT);
    constant->constant = location->constant;
    constant->destination = location->value;
}

void location_settle(struct vectoriser *v, struct location *location) {
    static const enum vector_opcode across[COMBINER_COUNT] = {
        [COMBINE_SUM] = VECTOR_REDUCE_ADD,
        [COMBINE_PRODUCT] = VECTOR_REDUCE_MULTIPLY,
        [COMBINE_MAXIMUM] = VECTOR_REDUCE_MAXIMUM,
        [COMBINE_MINIMUM] = VECTOR_REDUCE_MINIMUM,
    };
    enum combiner combiner = location->partial_combiner;
    struct vector_instruction *last;
    int total;
    if (location->partial_count == 0)
        return;
    if (location->scope != v->block) {
        vectoriser_fail(v, "tile: an element of %s is needed while lanes still add to it",
                        location->buffer->name);
        return;
    }
    for (int step = 1; step < location->partial_count; step *= 2)
        for (int i = 0; i + step < location->partial_count; i += 2 * step)
            location->partials[i] =
                vectoriser_operation(v, combining_opcode(combiner), location->type,
                                     location->partials[i], location->partials[i + step]);
    total = vectoriser_operation(v, across[combiner], location->type, location->partials[0],
                                 VECTOR_NONE);
    if (location->has_constant && location->constant == combiners[combiner].identity) {
        location->has_constant = false;
        last = vectoriser_emit(v, VECTOR_MOVE, location->type);
        last->sources[0] = total;
    } else {
        location_materialise(v, location);
        last = vectoriser_emit(v, combining_opcode(combiner), location->type);
        last->sources[0] = location->value;
        last->sources[1] = total;
    }
    last->destination = location->value;
    location->partial_count = 0;
}

static void finish_load(struct vectoriser *v, struct location *location) {
    if (!location->load)
        return;
    location->load_mask->immediate =
        (int64_t)(location->lane_stride ? location->lanes : all_lanes(v, location->type));
    if (location->guard_count == 0 && location->lanes != all_lanes(v, location->type) &&
        location->lane_stride != 0)
        location->load->mask = location->load_mask->destination;
}

static void store_location(struct vectoriser *v, struct location *location) {
    struct vector_instruction *store;
    uint64_t lanes = location->lane_stride == 0 ? 1 : location->lanes;
    int mask = vectoriser_both(v, vectoriser_mask(v, location->type, lanes),
                               vectoriser_conditions(v, location->guard_count, location->guards));
    store = vectoriser_emit(v,
                            location->lane_stride <= 1 && location->lane_stride >= 0
                                ? VECTOR_STORE
                                : VECTOR_STORE_STRIDED,
                            location->type);
    store->address = location->address;
    store->stride = location->lane_stride * data_types[location->type].bytes;
    store->sources[0] = location->value;
    store->mask = mask;
}

void locations_leave(struct vectoriser *v, struct vector_block *block) {
    struct location *list = NULL, *location, **link = &v->locations;
    while ((location = *link)) {
        if (location->scope != block) {
            link = &location->next_in_list;
            continue;
        }
        *link = location->next_in_list;
        location->next_in_list = list; /* turns the order round: oldest first */
        list = location;
    }
    for (; list; list = list->next_in_list) {
        struct location **bucket = &v->buckets[bucket_of(&list->address, list->lane_stride)];
        while (*bucket != list)
            bucket = &(*bucket)->next;
        *bucket = list->next;
        finish_load(v, list);
        location_settle(v, list);
        location_materialise(v, list);
        if (list->dirty && list->buffer->kind != BUFFER_TILE)
            store_location(v, list);
        list->next_ended = v->ended;
        v->ended = list;
    }
}
