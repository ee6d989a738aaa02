/* Addresses: where an offset in a buffer lies, in the present trip of all unrolled loops.
 *
 * An offset is the sum of a part outside the tile, a pointer that is passed to it, and a part
 * inside. The division is the same for all trips and made once for each offset. If the inner part
 * is a plain sum over loops, an address is read off it: numbers for unrolled loops, a stride for
 * the vectorised one, terms for serial ones. Else the offset is rewritten for the trip, which may
 * simplify it. */
#include "ir/vectoriser.h"

#include "base/hash.h"

struct address_form {
    struct address_form *next; /* of the same hash */
    const struct affine *offset;
    const struct buffer *buffer;
    int base;                    /* the pointer's word, or -1: to be rewritten */
    const struct affine *inside; /* a plain sum */
};

int binding_of(const struct vectoriser *v, const struct variable *variable) {
    for (int i = 0; i < v->binding_count; i++)
        if (v->bindings[i].variable == variable)
            return i;
    return -1;
}

static bool is_counter(const struct vectoriser *v, const struct variable *variable) {
    for (const struct vector_block *block = v->block; block; block = block->parent)
        if (block->counter == variable)
            return true;
    return false;
}

/* Of buffers of the tile's own, whose addresses never reach an instruction. */
enum {
    NO_WORD = 1 << 20
};

/* The pointer's word for a part outside the tile; -1: there is none. */
static int base_of(const struct vectoriser *v, const struct buffer *buffer,
                   const struct affine *outside) {
    if (buffer->kind == BUFFER_TILE)
        return outside->term_count ? -1 : NO_WORD;
    return find_pointer_word(v->tile, buffer, outside);
}

static bool rewritten_address(struct vectoriser *v, const struct buffer *buffer,
                              const struct affine *offset, struct vector_address *address,
                              int64_t *lane_stride) {
    const struct affine *outside, *inside;
    int bytes = data_types[buffer->type].bytes;
    *address = (struct vector_address){0};
    *lane_stride = 0;
    offset = vectoriser_bind(v, offset);
    if (!divide_index(v->arena, &v->inner, offset, &outside, &inside))
        return false;
    address->base = buffer->kind == BUFFER_TILE
                        ? base_of(v, buffer, outside)
                        : require_word(v->program, v->tile, buffer, outside);
    address->displacement = inside->constant * bytes;
    for (int i = 0; i < inside->term_count; i++) {
        const struct affine_term *term = &inside->terms[i];
        if (term->kind == ATOM_VARIABLE && term->variable == &v->lane)
            *lane_stride = term->coefficient;
        else if (term->kind == ATOM_VARIABLE && is_counter(v, term->variable) &&
                 address->term_count < VECTOR_MAX_TERMS)
            address->terms[address->term_count++] =
                (struct vector_address_term){term->variable, term->coefficient * bytes};
        else
            return false;
    }
    return address->base >= 0;
}

static bool is_plain_sum(const struct affine *index) {
    for (int i = 0; i < index->term_count; i++)
        if (index->terms[i].kind != ATOM_VARIABLE)
            return false;
    return true;
}

static const struct address_form *find_form(struct vectoriser *v, const struct buffer *buffer,
                                            const struct affine *offset) {
    struct address_form **bucket =
        &v->forms[hash_mix((uint64_t)(uintptr_t)offset) % LOCATION_BUCKETS];
    struct address_form *form = *bucket;
    const struct affine *outside;
    while (form && !(form->offset == offset && form->buffer == buffer))
        form = form->next;
    if (form)
        return form;
    form = ARENA_NEW(v->arena, struct address_form);
    *form = (struct address_form){*bucket, offset, buffer, -1, NULL};
    *bucket = form;
    if (divide_index(v->arena, &v->inner, offset, &outside, &form->inside) &&
        is_plain_sum(form->inside))
        form->base = base_of(v, buffer, outside);
    return form;
}

/* False if a term is none of those that an address has. */
static bool add_term(const struct vectoriser *v, const struct affine_term *term, int bytes,
                     struct vector_address *address, int64_t *lane_stride) {
    int binding = binding_of(v, term->variable);
    if (binding >= 0) {
        address->displacement += v->numbers[binding] * term->coefficient * bytes;
        if (binding == v->lanes_binding)
            *lane_stride += term->coefficient;
        return true;
    }
    if (!is_counter(v, term->variable) || address->term_count == VECTOR_MAX_TERMS)
        return false;
    address->terms[address->term_count++] =
        (struct vector_address_term){term->variable, term->coefficient * bytes};
    return true;
}

bool vectoriser_address(struct vectoriser *v, const struct buffer *buffer,
                        const struct affine *offset, struct vector_address *address,
                        int64_t *lane_stride) {
    const struct address_form *form = find_form(v, buffer, offset);
    int bytes = data_types[buffer->type].bytes;
    if (form->base < 0)
        return rewritten_address(v, buffer, offset, address, lane_stride);
    *address =
        (struct vector_address){.base = form->base, .displacement = form->inside->constant * bytes};
    *lane_stride = 0;
    for (int i = 0; i < form->inside->term_count; i++)
        if (!add_term(v, &form->inside->terms[i], bytes, address, lane_stride))
            return rewritten_address(v, buffer, offset, address, lane_stride);
    return true;
}
