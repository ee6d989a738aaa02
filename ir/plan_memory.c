/* Where buffers lie: offsets in the packed block and in the workspace.
 *
 * Root stages run one after the other, so a shared buffer is live from the root nest that first
 * writes it to the last that reads it; buffers that are never live together may share memory. Each
 * buffer takes the lowest place that no buffer placed before it occupies during its life. */
#include "ir/passes.h"

enum {
    ALIGNMENT = 64
};

struct life {
    int first, last; /* root nests, by number */
};

struct planning {
    struct program *program;
    struct life lives[2 * MAX_STAGES];
    int nest; /* the root nest being walked */
};

static void touch(struct planning *p, const struct buffer *buffer) {
    for (int i = 0; i < p->program->buffer_count; i++)
        if (p->program->buffers[i] == buffer) {
            if (p->lives[i].first < 0)
                p->lives[i].first = p->nest;
            p->lives[i].last = p->nest;
        }
}

static void touch_reads(struct planning *p, const struct value *value) {
    if (value->operation == OP_READ)
        touch(p, program_buffer(p->program, value->tensor));
    for (int i = 0; i < MAX_OPERANDS && value->operands[i]; i++)
        touch_reads(p, value->operands[i]);
}

static void touch_node(void *context, struct node *node) {
    struct planning *p = context;
    if (node->kind == NODE_STORE) {
        touch(p, node->buffer);
        touch_reads(p, node->value);
    }
}

static int64_t bytes_of(const struct buffer *buffer) {
    int64_t bytes = buffer->elements * data_types[buffer->type].bytes;
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* The lowest offset at which buffer `i` meets none of the earlier ones of its kind that live when
 * it does: try behind each of them. */
static int64_t lowest_offset(const struct planning *p, int i) {
    int64_t offset = 0;
    bool moved;
    do {
        moved = false;
        for (int j = 0; j < i; j++) {
            const struct buffer *a = p->program->buffers[i], *b = p->program->buffers[j];
            bool together =
                p->lives[i].first <= p->lives[j].last && p->lives[j].first <= p->lives[i].last;
            if (a->kind == b->kind && together && offset < b->offset + bytes_of(b) &&
                b->offset < offset + bytes_of(a)) {
                offset = b->offset + bytes_of(b);
                moved = true;
            }
        }
    } while (moved);
    return offset;
}

dlt_status plan_memory(struct lowering *lowering) {
    struct program *program = lowering->program;
    struct planning p = {.program = program};
    int64_t *const ends[] = {
        [BUFFER_PACKED] = &program->packed_bytes,
        [BUFFER_SHARED] = &program->shared_bytes,
        [BUFFER_PRIVATE] = &program->private_bytes,
    };
    for (int i = 0; i < program->buffer_count; i++)
        p.lives[i].first = p.lives[i].last = -1;
    for (struct node *node = program->run; node; node = node->next, p.nest++) {
        struct node *next = node->next;
        node->next = NULL;
        node_visit(node, touch_node, &p);
        node->next = next;
    }
    for (int i = 0; i < program->buffer_count; i++) {
        struct buffer *buffer = program->buffers[i];
        int64_t end;
        if (buffer->kind < BUFFER_PACKED || buffer->kind > BUFFER_PRIVATE)
            continue;
        if (buffer->kind == BUFFER_PACKED)
            p.lives[i] = (struct life){0, p.nest}; /* lives between calls */
        buffer->offset = lowest_offset(&p, i);
        end = buffer->offset + bytes_of(buffer);
        if (end > *ends[buffer->kind])
            *ends[buffer->kind] = end;
    }
    return DLT_OK;
}
