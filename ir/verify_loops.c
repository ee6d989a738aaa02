/* Verifies a loop program; see verify.h. */
#include "ir/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_AROUND = 256 /* loops around a statement, tiles' own included */
};

enum part {
    PART_PACK,
    PART_RUN
};

struct verifying {
    const struct program *program;
    struct error *error;
    enum part part;
    bool in_tile;
    bool conditional; /* conditions or bounds narrow the ranges around the statement */
    int around_count;
    const struct variable *around[MAX_AROUND];
};

static dlt_status wrong(const struct verifying *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static dlt_status wrong(const struct verifying *v, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set(v->error, DLT_ERROR_ARGUMENT, "%s: %s", v->part == PART_PACK ? "pack" : "run",
                     text);
}

/* In a variant of a tile, a variable may stand for all values of a selector's class, which decide
 * conditions alike (split_boundaries.c). */
static bool is_class(const struct verifying *v, const struct variable *variable) {
    return v->in_tile && strcmp(variable->name, "class") == 0;
}

static bool is_around(const struct verifying *v, const struct variable *variable) {
    for (int i = 0; i < v->around_count; i++)
        if (v->around[i] == variable)
            return true;
    return false;
}

static dlt_status verify_index(const struct verifying *v, const char *what,
                               const struct affine *index) {
    for (int i = 0; i < index->term_count; i++) {
        const struct affine_term *term = &index->terms[i];
        if (term->kind != ATOM_VARIABLE)
            TRY(verify_index(v, what, term->operand));
        else if (!is_around(v, term->variable) && !is_class(v, term->variable))
            return wrong(v, "%s uses %s, which no loop around it has", what, term->variable->name);
    }
    return DLT_OK;
}

/* Where nothing narrows the loops around, an offset's range must be inside the buffer. */
static dlt_status verify_offset(const struct verifying *v, const struct buffer *buffer,
                                const struct affine *offset, bool conditional) {
    int64_t lowest, highest;
    TRY(verify_index(v, buffer->name, offset));
    affine_range(offset, &lowest, &highest);
    if (!conditional && (highest < 0 || lowest >= buffer->elements))
        return wrong(v, "%s[%lld .. %lld] lies outside its %lld elements", buffer->name,
                     (long long)lowest, (long long)highest, (long long)buffer->elements);
    return DLT_OK;
}

static dlt_status verify_read(const struct verifying *v, const struct value *value,
                              bool conditional) {
    const struct buffer *buffer = program_buffer(v->program, value->tensor);
    if (!buffer)
        return wrong(v, "%s is read and has no buffer", value->tensor->name);
    if (v->part == PART_RUN && buffer->kind == BUFFER_PARAMETER)
        return wrong(v, "%s is read, which only pack may", buffer->name);
    return verify_offset(v, buffer, value->subscripts[0], conditional);
}

static dlt_status verify_value(const struct verifying *v, const struct value *value,
                               bool conditional) {
    if (value->operation == OP_READ)
        return verify_read(v, value, conditional);
    if (value->operation == OP_INDEX)
        return verify_index(v, "index()", value->index);
    conditional |= value->operation == OP_SELECT;
    for (int i = 0; i < value->condition_count; i++)
        TRY(verify_index(v, "a condition", value->conditions[i]));
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        TRY(verify_value(v, value->operands[i], conditional));
    return DLT_OK;
}

static dlt_status verify_store(const struct verifying *v, const struct node *store) {
    bool known = false, conditional = v->conditional || store->condition_count > 0;
    for (int i = 0; i < v->program->buffer_count; i++)
        known |= v->program->buffers[i] == store->buffer;
    if (!known)
        return wrong(v, "a store to a buffer that is not the program's");
    if (store->buffer->kind <= BUFFER_LITERAL)
        return wrong(v, "%s is written and is an input", store->buffer->name);
    if (v->part == PART_RUN && store->buffer->kind == BUFFER_PACKED)
        return wrong(v, "%s is written, which only pack may", store->buffer->name);
    for (int i = 0; i < store->condition_count; i++)
        TRY(verify_index(v, "a condition", store->conditions[i]));
    TRY(verify_offset(v, store->buffer, store->offset, conditional));
    return verify_value(v, store->value, conditional);
}

static dlt_status verify_nodes(struct verifying *v, const struct node *nodes);

static dlt_status verify_loop(struct verifying *v, const struct node *loop) {
    bool conditional = v->conditional;
    if (is_around(v, loop->variable))
        return wrong(v, "%s is the variable of two loops in each other", loop->variable->name);
    if (v->around_count == MAX_AROUND)
        return wrong(v, "more than %d loops in each other", MAX_AROUND);
    if (v->in_tile && loop->loop == LOOP_PARALLEL)
        return wrong(v, "%s is shared by threads inside a tile", loop->variable->name);
    v->around[v->around_count++] = loop->variable;
    for (int i = 0; i < loop->bound_count; i++)
        TRY(verify_index(v, loop->variable->name, loop->bounds[i]));
    v->conditional |= loop->bound_count > 0;
    TRY(verify_nodes(v, loop->body));
    v->conditional = conditional;
    v->around_count--;
    return DLT_OK;
}

/* Selectors narrow what a variant sees. */
static dlt_status verify_tile(struct verifying *v, const struct node *node) {
    const struct tile *tile = node->tile;
    bool conditional = v->conditional;
    if (v->in_tile)
        return wrong(v, "tile %d is inside of a tile", tile->number);
    v->conditional |= tile->selector_count > 0;
    for (int i = 0; i < tile->selector_count; i++)
        TRY(verify_index(v, "a selector", tile->selectors[i].index));
    v->in_tile = true;
    for (int i = 0; i < tile->variant_count; i++)
        TRY(verify_nodes(v, tile->variants[i].body));
    v->in_tile = false;
    v->conditional = conditional;
    return DLT_OK;
}

static dlt_status verify_nodes(struct verifying *v, const struct node *nodes) {
    for (const struct node *node = nodes; node; node = node->next)
        switch (node->kind) {
        case NODE_STORE:
            TRY(verify_store(v, node));
            break;
        case NODE_LOOP:
            TRY(verify_loop(v, node));
            break;
        case NODE_TILE:
            TRY(verify_tile(v, node));
            break;
        }
    return DLT_OK;
}

dlt_status verify_loops(const struct program *program, struct error *error) {
    struct verifying v = {.program = program, .error = error, .part = PART_PACK};
    TRY(verify_nodes(&v, program->pack));
    v.part = PART_RUN;
    return verify_nodes(&v, program->run);
}
