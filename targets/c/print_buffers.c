/* Buffers in C: a nest's buffers as local pointers, a tile's as local arrays, literals as
 * constants. */
#include "targets/c/print_private.h"

#include <inttypes.h>

struct used_buffers {
    const struct program *program;
    bool used[2 * MAX_STAGES];
    struct value_table seen;
};

static void mark(struct used_buffers *used, const struct buffer *buffer) {
    for (int i = 0; i < used->program->buffer_count; i++)
        used->used[i] |= used->program->buffers[i] == buffer;
}

static void mark_value(struct used_buffers *used, const struct value *value) {
    struct value_entry *entry = value_table_entry(&used->seen, value);
    if (entry->uses++ > 0)
        return;
    if (value->operation == OP_READ)
        mark(used, program_buffer(used->program, value->tensor));
    for (int i = 0; i < operations[value->operation].operand_count; i++)
        mark_value(used, value->operands[i]);
}

static void mark_nodes(struct used_buffers *used, const struct node *node);

static void mark_tile(struct used_buffers *used, const struct node *node) {
    const struct tile *tile = node->tile;
    bool vectors = false;
    for (int i = 0; i < tile->variant_count; i++)
        vectors |= tile->variants[i].vectors != NULL;
    for (int i = 0; vectors && i < tile->word_count; i++)
        if (tile->words[i].buffer)
            mark(used, tile->words[i].buffer);
    if (vectors)
        return;
    mark_nodes(used, node->body);
    for (int i = 0; i < tile->variant_count; i++)
        if (tile->variants[i].body != node->body)
            mark_nodes(used, tile->variants[i].body);
}

static void mark_nodes(struct used_buffers *used, const struct node *node) {
    for (; node; node = node->next) {
        if (node->kind == NODE_TILE) {
            mark_tile(used, node);
        } else if (node->kind == NODE_LOOP) {
            mark_nodes(used, node->body);
        } else {
            mark(used, node->buffer);
            mark_value(used, node->value);
        }
    }
}

/* Where a buffer starts, in the names of the function's arguments. */
static void print_address(struct printer *printer, const struct buffer *buffer) {
    struct text *out = printer->out;
    const struct program *program = printer->program;
    switch (buffer->kind) {
    case BUFFER_INPUT:
    case BUFFER_OUTPUT:
        text_format(out, "tensors[%d]", buffer->argument);
        break;
    case BUFFER_PARAMETER:
        text_format(out, "parameters[%d]", buffer->argument);
        break;
    case BUFFER_PACKED:
        text_format(out, "(void *)(packed + %" PRId64 ")", buffer->offset);
        break;
    case BUFFER_SHARED:
        text_format(out, "(void *)(workspace + %" PRId64 ")", buffer->offset);
        break;
    case BUFFER_PRIVATE:
        text_append(out, "(void *)(workspace");
        if (printer->in_parallel)
            text_format(out, " + slot * %" PRId64, program->private_bytes);
        text_format(out, " + %" PRId64 ")", program->shared_bytes + buffer->offset);
        break;
    case BUFFER_LITERAL:
    case BUFFER_TILE:
        break;
    }
}

static bool is_read_only(const struct printer *printer, const struct buffer *buffer) {
    return buffer->kind == BUFFER_INPUT || buffer->kind == BUFFER_PARAMETER ||
           (buffer->kind == BUFFER_PACKED && !printer->in_pack);
}

void print_buffer_pointers(struct printer *printer, const struct node *node) {
    struct used_buffers used = {.program = printer->program, .seen = {.arena = printer->arena}};
    for (; node; node = node->next) {
        bool elsewhere =
            printer->parallel && node->kind == NODE_LOOP && node->loop == LOOP_PARALLEL;
        struct node alone = *node;
        alone.next = NULL;
        if (!elsewhere || printer->in_parallel)
            mark_nodes(&used, &alone);
    }
    for (int i = 0; i < printer->program->buffer_count; i++) {
        const struct buffer *buffer = printer->program->buffers[i];
        printer->literal_used[i] |= used.used[i] && buffer->kind == BUFFER_LITERAL;
        if (!used.used[i] || buffer->kind == BUFFER_LITERAL || buffer->kind == BUFFER_TILE)
            continue;
        print_line(printer, "%s%s *", is_read_only(printer, buffer) ? "const " : "",
                   c_type_name(buffer->type));
        print_buffer(printer, printer->out, buffer);
        text_append(printer->out, " = ");
        print_address(printer, buffer);
        text_append(printer->out, ";\n");
    }
}

void print_tile_buffers(struct printer *printer, const struct node *body) {
    struct used_buffers used = {.program = printer->program, .seen = {.arena = printer->arena}};
    mark_nodes(&used, body);
    for (int i = 0; i < printer->program->buffer_count; i++) {
        const struct buffer *buffer = printer->program->buffers[i];
        if (!used.used[i] || buffer->kind != BUFFER_TILE)
            continue;
        print_line(printer, "%s ", c_type_name(buffer->type));
        print_buffer(printer, printer->out, buffer);
        text_format(printer->out, "[%" PRId64 "];\n", buffer->elements);
    }
}

static void print_literal(struct printer *printer, struct text *out, const struct buffer *buffer) {
    const struct tensor *tensor = buffer->tensor;
    int64_t extents[MAX_RANK];
    double *numbers = ARENA_ARRAY(printer->arena, double, (size_t)tensor->layout.elements);
    for (int i = 0; i < tensor->rank; i++)
        extents[i] = tensor->axes[i]->extent;
    layout_store(&tensor->layout, tensor->rank, extents, (int)sizeof(double), tensor->literal,
                 numbers);
    text_append(out, "static const ");
    if (has_bits(buffer->type))
        print_bits_type(out, buffer->type);
    else
        text_format(out, "%s ", c_type_name(buffer->type));
    print_buffer(printer, out, buffer);
    text_format(out, "[%" PRId64 "] = {", tensor->layout.elements);
    for (int64_t i = 0; i < tensor->layout.elements; i++) {
        text_append(out, i % 8 == 0 ? "\n    " : " ");
        print_literal_number(out, buffer->type, numbers[i]);
        text_append(out, ",");
    }
    text_append(out, "\n};\n\n");
}

void print_literals(struct printer *printer, struct text *out) {
    for (int i = 0; i < printer->program->buffer_count; i++)
        if (printer->literal_used[i])
            print_literal(printer, out, printer->program->buffers[i]);
}
