/* Building of vector programs: lists that grow in the program's arena. */
#include "ir/vectors.h"

#include <string.h>

struct vector_program *vector_program_create(struct arena *arena, int vector_bytes,
                                             int pointer_words, int word_count,
                                             const char *const *word_names) {
    struct vector_program *program = ARENA_NEW(arena, struct vector_program);
    program->arena = arena;
    program->vector_bytes = vector_bytes;
    program->pointer_words = pointer_words;
    program->word_count = word_count;
    program->word_names = word_names;
    program->top = ARENA_NEW(arena, struct vector_block);
    return program;
}

/* Room for one more entry: doubles the list, the old one stays behind in the arena. */
static void *grow(struct arena *arena, void *list, int count, int *capacity, size_t entry_bytes) {
    void *larger;
    if (count < *capacity)
        return list;
    *capacity = *capacity ? 2 * *capacity : 32;
    larger = arena_allocate_array(arena, (size_t)*capacity, entry_bytes);
    if (count)
        memcpy(larger, list, (size_t)count * entry_bytes);
    return larger;
}

int vector_value_new(struct vector_program *program, enum value_class value_class,
                     bool is_variable) {
    program->values = grow(program->arena, program->values, program->value_count,
                           &program->value_capacity, sizeof *program->values);
    program->values[program->value_count] = (struct vector_value){value_class, is_variable};
    return program->value_count++;
}

int vector_induction_new(struct vector_program *program, struct vector_block *block, int parent,
                         int64_t step) {
    int *numbers = ARENA_ARRAY(program->arena, int, (size_t)block->induction_count + 1);
    program->inductions = grow(program->arena, program->inductions, program->induction_count,
                               &program->induction_capacity, sizeof *program->inductions);
    program->inductions[program->induction_count] = (struct vector_induction){parent, step};
    if (block->induction_count)
        memcpy(numbers, block->inductions, (size_t)block->induction_count * sizeof *numbers);
    numbers[block->induction_count++] = program->induction_count;
    block->inductions = numbers;
    return program->induction_count++;
}

static struct vector_item *append_item(struct vector_program *program, struct vector_block *block) {
    struct vector_item *item = ARENA_NEW(program->arena, struct vector_item);
    if (block->last)
        block->last->next = item;
    else
        block->first = item;
    block->last = item;
    return item;
}

struct vector_block *vector_block_append(struct vector_program *program,
                                         struct vector_block *parent,
                                         const struct variable *counter, struct vector_bound begin,
                                         struct vector_bound end) {
    struct vector_block *block = ARENA_NEW(program->arena, struct vector_block);
    block->counter = counter;
    block->begin = begin;
    block->end = end;
    block->parent = parent;
    append_item(program, parent)->block = block;
    return block;
}

struct vector_instruction *vector_append(struct vector_program *program, struct vector_block *block,
                                         enum vector_opcode opcode, enum data_type type) {
    struct vector_instruction *instruction = ARENA_NEW(program->arena, struct vector_instruction);
    instruction->opcode = opcode;
    instruction->type = type;
    instruction->destination = VECTOR_NONE;
    for (int i = 0; i < 3; i++)
        instruction->sources[i] = VECTOR_NONE;
    instruction->mask = VECTOR_NONE;
    instruction->memory_source = VECTOR_NONE;
    append_item(program, block)->instruction = instruction;
    return instruction;
}

int vector_lanes(const struct vector_program *program, enum data_type type) {
    return program->vector_bytes / data_types[type].bytes;
}

bool vector_word_is_pointer(const struct vector_program *program, int64_t word) {
    if (word < 0 || word >= program->word_count)
        return false;
    return word < program->pointer_words ||
           (program->later_pointers && program->later_pointers[word]);
}

bool vector_has_address(const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    return info->reads_memory || info->writes_memory || instruction->opcode == VECTOR_PREFETCH ||
           instruction->opcode == VECTOR_INDEX || instruction->memory_source != VECTOR_NONE;
}

bool vector_same_terms(const struct vector_address *a, const struct vector_address *b) {
    if (a->base != b->base || a->term_count != b->term_count)
        return false;
    for (int i = 0; i < a->term_count; i++)
        if (a->terms[i].counter != b->terms[i].counter || a->terms[i].stride != b->terms[i].stride)
            return false;
    return true;
}

void vector_remove_empty_items(struct vector_block *block) {
    struct vector_item **link = &block->first;
    block->last = NULL;
    while (*link) {
        if ((*link)->instruction || (*link)->block) {
            block->last = *link;
            link = &(*link)->next;
        } else {
            *link = (*link)->next;
        }
    }
}
