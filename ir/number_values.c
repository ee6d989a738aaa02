/* Value numbering: what is computed twice is computed once.
 *
 * Walks the program with a table of the operations seen so far; those of a block are forgotten
 * where the block ends. Everything but stores and prefetches is pure: buffers that a tile reads
 * from memory are not written by it. Variables change, so what reads or writes one is left alone; a
 * variable that turns out to be assigned once is an ordinary value, and moves of those vanish. */
#include "ir/passes.h"

#include "base/hash.h"

#include <string.h>

enum {
    BUCKETS = 512
};

struct entry {
    struct entry *next;
    const struct vector_instruction *instruction;
};

struct numbering {
    struct vector_program *program;
    int *replacement; /* of each value: itself, or an equal value computed before */
    struct entry *buckets[BUCKETS];
};

static bool is_pure(const struct vector_instruction *instruction) {
    return vector_operations[instruction->opcode].has_destination &&
           !vector_operations[instruction->opcode].writes_memory;
}

static uint64_t hash_instruction(const struct vector_instruction *i) {
    uint64_t constant, hash;
    memcpy(&constant, &i->constant, sizeof constant);
    hash = hash_combine((uint64_t)i->opcode << 8 | (uint64_t)i->type, constant);
    for (int s = 0; s < 3; s++)
        hash = hash_combine(hash, (uint64_t)i->sources[s]);
    hash = hash_combine(hash, (uint64_t)i->mask);
    hash = hash_combine(hash, (uint64_t)i->immediate);
    hash = hash_combine(hash, (uint64_t)i->address.base);
    return hash_combine(hash, (uint64_t)i->address.displacement);
}

static bool same_operation(const struct vector_instruction *a, const struct vector_instruction *b) {
    if (a->opcode != b->opcode || a->type != b->type || a->mask != b->mask ||
        a->immediate != b->immediate || a->stride != b->stride ||
        memcmp(&a->constant, &b->constant, sizeof a->constant) != 0 ||
        memcmp(a->sources, b->sources, sizeof a->sources) != 0 ||
        a->address.base != b->address.base || a->address.displacement != b->address.displacement ||
        a->address.term_count != b->address.term_count)
        return false;
    for (int i = 0; i < a->address.term_count; i++)
        if (a->address.terms[i].counter != b->address.terms[i].counter ||
            a->address.terms[i].stride != b->address.terms[i].stride)
            return false;
    return true;
}

static void replace_sources(const struct numbering *n, struct vector_instruction *i) {
    for (int s = 0; s < 3; s++)
        if (i->sources[s] != VECTOR_NONE)
            i->sources[s] = n->replacement[i->sources[s]];
    if (i->mask != VECTOR_NONE)
        i->mask = n->replacement[i->mask];
    if (vector_operations[i->opcode].commutes && i->sources[0] > i->sources[1] &&
        i->sources[1] != VECTOR_NONE) {
        int first = i->sources[0];
        i->sources[0] = i->sources[1];
        i->sources[1] = first;
    }
}

static bool touches_variable(const struct numbering *n, const struct vector_instruction *i) {
    const struct vector_value *values = n->program->values;
    for (int s = 0; s < 3; s++)
        if (i->sources[s] != VECTOR_NONE && values[i->sources[s]].is_variable)
            return true;
    return (i->mask != VECTOR_NONE && values[i->mask].is_variable) ||
           values[i->destination].is_variable;
}

/* True if the instruction is not needed: its destination has a replacement. */
static bool number_instruction(struct numbering *n, struct vector_instruction *instruction) {
    struct entry **bucket, *entry;
    replace_sources(n, instruction);
    if (!is_pure(instruction) || touches_variable(n, instruction))
        return false;
    if (instruction->opcode == VECTOR_MOVE) {
        n->replacement[instruction->destination] = instruction->sources[0];
        return true;
    }
    bucket = &n->buckets[hash_instruction(instruction) % BUCKETS];
    for (entry = *bucket; entry; entry = entry->next)
        if (same_operation(entry->instruction, instruction)) {
            n->replacement[instruction->destination] = entry->instruction->destination;
            return true;
        }
    entry = ARENA_NEW(n->program->arena, struct entry);
    entry->instruction = instruction;
    entry->next = *bucket;
    *bucket = entry;
    return false;
}

static void number_block(struct numbering *n, struct vector_block *block) {
    struct entry *before[BUCKETS];
    struct vector_item **link = &block->first, *item;
    memcpy(before, n->buckets, sizeof before);
    block->last = NULL;
    while ((item = *link)) {
        if (item->block) {
            number_block(n, item->block);
        } else if (number_instruction(n, item->instruction)) {
            *link = item->next;
            continue;
        }
        block->last = item;
        link = &item->next;
    }
    memcpy(n->buckets, before, sizeof before);
}

static void count_definitions(const struct vector_block *block, int *counts) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        if (item->block)
            count_definitions(item->block, counts);
        else if (item->instruction->destination != VECTOR_NONE)
            counts[item->instruction->destination]++;
    }
}

dlt_status number_values(struct lowering *lowering) {
    struct vector_program *vectors = lowering->vectors;
    struct numbering n = {.program = vectors};
    int *definitions = ARENA_ARRAY(vectors->arena, int, vectors->value_count);
    n.replacement = ARENA_ARRAY(vectors->arena, int, vectors->value_count);
    count_definitions(vectors->top, definitions);
    for (int i = 0; i < vectors->value_count; i++) {
        n.replacement[i] = i;
        vectors->values[i].is_variable = definitions[i] > 1;
    }
    number_block(&n, vectors->top);
    return DLT_OK;
}
