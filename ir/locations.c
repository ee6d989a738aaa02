/* Accumulators in registers.
 *
 * An element that a tile stores to is a location: buffer, address, stride between lanes. As long as
 * its address stays the same, through all loops of the tile on which the address does not depend,
 * it lives in a variable of the vector program. It is loaded in front of the outermost such loop if
 * its old content is needed, and stored behind it. Elements of buffers that belong to the tile
 * alone are neither: they never are in memory.
 *
 * What is exact here: two accesses meet in one location or do not overlap. An access to a written
 * buffer that is not exactly a location is refused. */
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
    if (a->base != b->base || a->displacement != b->displacement || a->term_count != b->term_count)
        return false;
    for (int i = 0; i < a->term_count; i++)
        if (a->terms[i].counter != b->terms[i].counter || a->terms[i].stride != b->terms[i].stride)
            return false;
    return true;
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

static void load_location(struct vectoriser *v, struct location *location) {
    struct vector_instruction *mask = emit_in_scope(v, location, VECTOR_MASK_CONSTANT), *load;
    mask->destination = vector_value_new(v->vectors, CLASS_MASK, false);
    load = emit_in_scope(v, location,
                         location->lane_stride == 0   ? VECTOR_LOAD_BROADCAST
                         : location->lane_stride == 1 ? VECTOR_LOAD
                                                      : VECTOR_LOAD_STRIDED);
    load->address = location->address;
    load->stride = location->lane_stride * data_types[location->type].bytes;
    load->destination = location->value;
    location->load = load;
    location->load_mask = mask; /* which lanes is known when the location's life ends */
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

static void finish_load(struct vectoriser *v, struct location *location) {
    if (!location->load)
        return;
    location->load_mask->immediate = (int64_t)location->lanes;
    if (location->lanes != all_lanes(v, location->type) && location->lane_stride != 0)
        location->load->mask = location->load_mask->destination;
}

static void store_location(struct vectoriser *v, struct location *location) {
    struct vector_instruction *store;
    uint64_t lanes = location->lane_stride == 0 ? 1 : location->lanes;
    int mask = vectoriser_mask(v, location->type, lanes);
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
        if (list->dirty && list->buffer->kind != BUFFER_TILE)
            store_location(v, list);
    }
}
