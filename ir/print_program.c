/* The text of loop programs, for `explain`, golden tests and people. */
#include "ir/program.h"
#include "ir/vectors.h"

static const char *const buffer_kinds[] = {
    [BUFFER_INPUT] = "input",     [BUFFER_PARAMETER] = "parameter", [BUFFER_LITERAL] = "literal",
    [BUFFER_OUTPUT] = "output",   [BUFFER_PACKED] = "packed",       [BUFFER_SHARED] = "shared",
    [BUFFER_PRIVATE] = "private", [BUFFER_TILE] = "tile",
};

static const char *const loop_kinds[] = {
    [LOOP_SERIAL] = "",
    [LOOP_UNROLLED] = " unrolled",
    [LOOP_VECTORISED] = " vectorised",
    [LOOP_PARALLEL] = " parallel",
};

static void print_index(struct text *text, const struct affine *index) {
    affine_print(text, index);
}

static void print_conditions(struct text *text, const char *word, int count,
                             const struct affine *const *conditions) {
    for (int i = 0; i < count; i++) {
        text_append(text, i ? ", " : word);
        print_index(text, conditions[i]);
        text_append(text, " >= 0");
    }
}

static void print_value(struct text *text, const struct value *value) {
    const struct operation_info *operation = &operations[value->operation];
    int count = operation->operand_count;
    switch (value->operation) {
    case OP_CONSTANT:
        text_format(text, "%.9g", value->constant);
        return;
    case OP_INDEX:
        text_append(text, "index(");
        print_index(text, value->index);
        text_append(text, ")");
        return;
    case OP_READ:
        text_format(text, "%s[", value->tensor->name);
        print_index(text, value->subscripts[0]);
        text_append(text, "]");
        return;
    default:
        break;
    }
    text_append(text, operation->infix ? "(" : operation->name);
    if (!operation->infix)
        text_append(text, "(");
    if (value->operation == OP_SELECT) {
        print_conditions(text, "", value->condition_count, value->conditions);
        text_append(text, ", ");
        count = 2;
    }
    for (int i = 0; i < count && value->operands[i]; i++) {
        if (i)
            text_format(text, operation->infix ? " %s " : ", ", operation->name);
        print_value(text, value->operands[i]);
    }
    text_append(text, ")");
}

static void print_nodes(struct text *text, const struct node *nodes, int depth);

static void print_tile(struct text *text, const struct tile *tile, int depth) {
    text_indent(text, depth);
    text_format(text, "tile %d\n", tile->number);
    for (int i = 0; i < tile->word_count; i++) {
        const struct tile_word *word = &tile->words[i];
        text_indent(text, depth + 1);
        text_format(text, "word %d = ", i);
        if (word->buffer) {
            text_format(text, "&%s[", word->buffer->name);
            print_index(text, word->offset);
            text_append(text, "]\n");
        } else if (!word->loop) {
            print_index(text, word->offset);
            text_append(text, "\n");
        } else {
            text_format(text, "%s of %s", word->is_end ? "end" : "begin",
                        word->loop->variable->name);
            print_conditions(text, " where ", word->loop->bound_count, word->loop->bounds);
            text_append(text, "\n");
        }
    }
    for (int i = 0; i < tile->selector_count; i++) {
        text_indent(text, depth + 1);
        text_append(text, "select by ");
        print_index(text, tile->selectors[i].index);
        text_append(text, " at");
        for (int j = 0; j < tile->selectors[i].threshold_count; j++)
            text_format(text, " %lld", (long long)tile->selectors[i].thresholds[j]);
        text_append(text, "\n");
    }
    for (int i = 0; i < tile->variant_count; i++) {
        if (tile->variant_count > 1) {
            text_indent(text, depth + 1);
            text_format(text, "variant %d%s\n", i, tile->variants[i].body ? "" : ": nothing");
        }
        print_nodes(text, tile->variants[i].body, depth + 1 + (tile->variant_count > 1));
    }
}

static void print_nodes(struct text *text, const struct node *nodes, int depth) {
    for (; nodes; nodes = nodes->next) {
        if (nodes->kind == NODE_TILE) {
            print_tile(text, nodes->tile, depth);
            continue;
        }
        text_indent(text, depth);
        if (nodes->kind == NODE_LOOP) {
            text_format(text, "for %s = %lld .. %lld%s", nodes->variable->name,
                        (long long)nodes->variable->minimum,
                        (long long)(nodes->variable->minimum + nodes->variable->extent),
                        loop_kinds[nodes->loop]);
            print_conditions(text, " where ", nodes->bound_count, nodes->bounds);
            text_append(text, "\n");
            print_nodes(text, nodes->body, depth + 1);
            continue;
        }
        text_format(text, "%s[", nodes->buffer->name);
        print_index(text, nodes->offset);
        text_append(text, "] ");
        if (nodes->combiner != COMBINE_NONE)
            text_format(text, "%s", combiners[nodes->combiner].name);
        text_append(text, "= ");
        print_value(text, nodes->value);
        print_conditions(text, " if ", nodes->condition_count, nodes->conditions);
        text_append(text, "\n");
    }
}

void program_print(struct text *text, const struct program *program) {
    for (int i = 0; i < program->buffer_count; i++) {
        const struct buffer *buffer = program->buffers[i];
        text_format(text, "buffer %s: %s %s, %lld elements", buffer->name,
                    data_types[buffer->type].name, buffer_kinds[buffer->kind],
                    (long long)buffer->elements);
        if (buffer->kind >= BUFFER_PACKED && buffer->kind <= BUFFER_PRIVATE)
            text_format(text, " at byte %lld", (long long)buffer->offset);
        text_append(text, "\n");
    }
    if (program->pack)
        text_append(text, "pack\n");
    print_nodes(text, program->pack, 1);
    text_append(text, "run\n");
    print_nodes(text, program->run, 1);
}
