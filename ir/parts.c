/* Dividing indices between a tile and the loops around it; see parts.h. */
#include "ir/parts.h"

#include "base/divisor.h"
#include "ir/passes.h"

static void collect_loop(void *context, struct node *node) {
    struct inner_variables *inner = context;
    if (node->kind == NODE_LOOP && !inner_contains(inner, node->variable) &&
        inner->count < MAX_INNER)
        inner->variables[inner->count++] = node->variable;
}

void inner_collect(struct inner_variables *inner, struct node *nodes) {
    node_visit(nodes, collect_loop, inner);
}

bool inner_contains(const struct inner_variables *inner, const struct variable *variable) {
    for (int i = 0; i < inner->count; i++)
        if (inner->variables[i] == variable)
            return true;
    return false;
}

bool uses_inner(const struct inner_variables *inner, const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind == ATOM_VARIABLE ? inner_contains(inner, term->variable)
                                        : uses_inner(inner, term->operand))
            return true;
    }
    return false;
}

static bool uses_outer(const struct inner_variables *inner, const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind == ATOM_VARIABLE ? !inner_contains(inner, term->variable)
                                        : uses_outer(inner, term->operand))
            return true;
    }
    return false;
}

static const struct affine *one_term(struct arena *arena, const struct affine_term *term) {
    struct affine *index = arena_allocate(arena, sizeof *index + sizeof *term);
    index->term_count = 1;
    index->terms[0] = *term;
    return index;
}

bool divide_index(struct arena *arena, const struct inner_variables *inner,
                  const struct affine *index, const struct affine **outside,
                  const struct affine **inside) {
    const struct affine *parts[2] = {affine_constant(arena, 0),
                                     affine_constant(arena, index->constant)};
    for (int i = 0; i < index->term_count; i++) {
        const struct affine *term = one_term(arena, &index->terms[i]);
        bool is_inside = uses_inner(inner, term);
        if (is_inside && uses_outer(inner, term))
            return false;
        parts[is_inside] = affine_add(arena, parts[is_inside], term);
    }
    *outside = parts[0];
    *inside = parts[1];
    return true;
}

int64_t index_step(const struct affine *index) {
    int64_t step = 0;
    for (int i = 0; i < index->term_count; i++) {
        int64_t coefficient = index->terms[i].coefficient;
        step = greatest_common_divisor(step, coefficient);
    }
    /* A minimum takes the values of its bound too: no common step. */
    for (int i = 0; i < index->term_count; i++)
        if (index->terms[i].kind == ATOM_MINIMUM)
            return 1;
    return step ? step : 1;
}

struct collecting {
    struct program *program;
    struct tile *tile;
    struct inner_variables inner;
    int capacity;
    struct error *error;
    dlt_status status;
};

static void add_word(struct collecting *c, struct tile_word word) {
    if (c->tile->word_count == c->capacity) {
        int capacity = c->capacity ? 2 * c->capacity : 8;
        struct tile_word *words = ARENA_ARRAY(c->program->arena, struct tile_word, capacity);
        for (int i = 0; i < c->tile->word_count; i++)
            words[i] = c->tile->words[i];
        c->tile->words = words;
        c->capacity = capacity;
    }
    c->tile->words[c->tile->word_count++] = word;
}

static void add_pointer(struct collecting *c, const struct buffer *buffer,
                        const struct affine *offset) {
    const struct affine *outside, *inside;
    if (buffer->type != TYPE_F32) { /* vectors and masks are counted in lanes of that size */
        c->status = error_set(c->error, DLT_ERROR_REFUSED,
                              "tile: %s holds %s; machine code is for f32 only", buffer->name,
                              data_types[buffer->type].name);
        return;
    }
    if (buffer->kind == BUFFER_TILE)
        return;
    /* What mixes loops inside and outside is computed when it runs, from words added then. */
    if (divide_index(c->program->arena, &c->inner, offset, &outside, &inside) &&
        find_pointer_word(c->tile, buffer, outside) < 0)
        add_word(c, (struct tile_word){.buffer = buffer, .offset = outside});
}

static void add_pointers_of_reads(struct collecting *c, const struct value *value) {
    if (value->operation == OP_READ)
        add_pointer(c, program_buffer(c->program, value->tensor), value->subscripts[0]);
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        add_pointers_of_reads(c, value->operands[i]);
}

static void collect_pointers(void *context, struct node *node) {
    struct collecting *c = context;
    if (node->kind == NODE_STORE) {
        add_pointers_of_reads(c, node->value);
        add_pointer(c, node->buffer, node->offset);
    }
}

static void collect_bounds(void *context, struct node *node) {
    struct collecting *c = context;
    if (node->kind == NODE_LOOP && node->bound_count && find_bound_word(c->tile, node, false) < 0) {
        add_word(c, (struct tile_word){.loop = node});
        add_word(c, (struct tile_word){.loop = node, .is_end = true});
    }
}

/* Arguments of the kernel come in the kernel's order, so that the words of a tile that is all of a
 * kernel are the list of tensors that the kernel is called with. */
static void sort_by_argument(struct tile *tile) {
    for (int i = 1; i < tile->word_count; i++)
        for (int j = i;
             j > 0 && tile->words[j - 1].buffer->argument > tile->words[j].buffer->argument; j--) {
            struct tile_word word = tile->words[j];
            tile->words[j] = tile->words[j - 1];
            tile->words[j - 1] = word;
        }
}

dlt_status collect_words(struct program *program, struct tile *tile, struct error *error) {
    struct collecting c = {.program = program, .tile = tile, .error = error};
    inner_collect(&c.inner, tile->variants[0].body);
    if (c.inner.count == MAX_INNER)
        return error_set(error, DLT_ERROR_REFUSED, "tile: more than %d loops", MAX_INNER - 1);
    node_visit(tile->variants[0].body, collect_pointers, &c);
    sort_by_argument(tile);
    node_visit(tile->variants[0].body, collect_bounds, &c);
    return c.status;
}

int find_pointer_word(const struct tile *tile, const struct buffer *buffer,
                      const struct affine *outside) {
    for (int i = 0; i < tile->word_count; i++)
        if (!tile->words[i].loop && tile->words[i].buffer == buffer &&
            affine_equal(tile->words[i].offset, outside))
            return i;
    return -1;
}

int require_word(struct program *program, struct tile *tile, const struct buffer *buffer,
                 const struct affine *outside) {
    struct collecting c = {.program = program, .tile = tile, .capacity = tile->word_count};
    int found = find_pointer_word(tile, buffer, outside);
    if (found >= 0)
        return found;
    add_word(&c, (struct tile_word){.buffer = buffer, .offset = outside});
    return tile->word_count - 1;
}

int find_bound_word(const struct tile *tile, const struct node *loop, bool is_end) {
    for (int i = 0; i < tile->word_count; i++) {
        const struct node *other = tile->words[i].loop;
        bool same = other && tile->words[i].is_end == is_end && other->variable == loop->variable &&
                    other->bound_count == loop->bound_count;
        for (int j = 0; same && j < loop->bound_count; j++)
            same = affine_equal(other->bounds[j], loop->bounds[j]);
        if (same)
            return i;
    }
    return -1;
}
