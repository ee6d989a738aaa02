/* Verifies a vector program; see verify.h.
 *
 * The program is walked in the order in which it is written. A value is visible from its first
 * assignment to the end of that block, inner blocks included: a loop may not run at all. */
#include "ir/verify.h"

#include <stdarg.h>
#include <stdio.h>

struct seen_value {
    const struct vector_block *home; /* block of the first assignment; NULL: none yet */
    int lane_bytes;                  /* of the type that it was assigned with; 0: any */
};

struct verifying {
    const struct vector_program *program;
    struct seen_value *values;
    const struct vector_block **advanced_by;      /* each induction */
    const struct vector_instruction *instruction; /* being looked at, for messages */
    struct error *error;
};

/* "v7 = add.f32: " and the rest. */
static dlt_status wrong(const struct verifying *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static dlt_status wrong(const struct verifying *v, const char *format, ...) {
    const struct vector_instruction *at = v->instruction;
    char text[256], name[64] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (at && vector_operations[at->opcode].has_destination)
        snprintf(name, sizeof name, "value %d = ", at->destination);
    return error_set(v->error, DLT_ERROR_ARGUMENT, "%s%s%s%s", name,
                     at ? vector_operations[at->opcode].name : "", at ? ": " : "", text);
}

static bool is_inside(const struct vector_block *block, const struct vector_block *around) {
    for (; block; block = block->parent)
        if (block == around)
            return true;
    return false;
}

static bool is_pointer(const struct vector_program *program, int64_t word) {
    return word >= 0 && word < program->pointer_words;
}

/* ---- values ---- */

/* Exchanges take bits as they are, in units of any size: rows of four bytes are transposed by
 * moving eight at a time. */
static bool exchanges_lanes(enum vector_opcode opcode) {
    return opcode >= VECTOR_INTERLEAVE_LOW && opcode <= VECTOR_PICK_ALTERNATE;
}

static int lane_bytes_of(const struct vector_instruction *instruction) {
    return exchanges_lanes(instruction->opcode) ? 0 : data_types[instruction->type].bytes;
}

static dlt_status verify_use(const struct verifying *v, const struct vector_block *block, int value,
                             enum value_class wanted, int lane_bytes) {
    const struct seen_value *seen;
    if (value < 0 || value >= v->program->value_count)
        return wrong(v, "%d is not one of the %d values", value, v->program->value_count);
    seen = &v->values[value];
    if (v->program->values[value].value_class != wanted)
        return wrong(v, "value %d is a %s, not a %s", value,
                     wanted == CLASS_MASK ? "vector" : "mask",
                     wanted == CLASS_MASK ? "mask" : "vector");
    if (!seen->home)
        return wrong(v, "value %d is used before it is defined", value);
    if (!is_inside(block, seen->home))
        return wrong(v, "value %d is defined in a loop that is not around it", value);
    if (seen->lane_bytes && lane_bytes && seen->lane_bytes != lane_bytes)
        return wrong(v, "value %d has lanes of %d bytes, not %d", value, seen->lane_bytes,
                     lane_bytes);
    return DLT_OK;
}

static dlt_status verify_definition(const struct verifying *v, const struct vector_block *block) {
    const struct vector_operation_info *info = &vector_operations[v->instruction->opcode];
    int value = v->instruction->destination, bytes = lane_bytes_of(v->instruction);
    struct seen_value *seen;
    if (!info->has_destination)
        return value == VECTOR_NONE ? DLT_OK : wrong(v, "it has a destination, %d", value);
    if (value < 0 || value >= v->program->value_count)
        return wrong(v, "%d is not one of the %d values", value, v->program->value_count);
    if (v->program->values[value].value_class != info->destination_class)
        return wrong(v, "its destination is of the other class");
    seen = &v->values[value];
    if (seen->home && !v->program->values[value].is_variable)
        return wrong(v, "it is assigned a second time and is no variable");
    if (seen->home && !is_inside(block, seen->home))
        return wrong(v, "it was first assigned in a loop that is not around this one");
    if (seen->home && seen->lane_bytes && bytes && seen->lane_bytes != bytes)
        return wrong(v, "it was assigned with lanes of %d bytes before", seen->lane_bytes);
    if (!seen->home)
        *seen = (struct seen_value){block, bytes};
    return DLT_OK;
}

/* ---- addresses ---- */

static bool counts_around(const struct vector_block *block, const struct variable *counter) {
    for (; block; block = block->parent)
        if (block->counter && block->counter == counter)
            return true;
    return false;
}

static dlt_status verify_address(const struct verifying *v, const struct vector_block *block) {
    const struct vector_address *address = &v->instruction->address;
    if (v->program->is_folded) {
        if (address->term_count)
            return wrong(v, "its address is not folded");
        if (address->base < 0)
            return is_pointer(v->program, -1 - (int64_t)address->base)
                       ? DLT_OK
                       : wrong(v, "its address starts from word %d, which is no pointer",
                               -1 - address->base);
        if (address->base >= v->program->induction_count)
            return wrong(v, "%d is not one of the %d inductions", address->base,
                         v->program->induction_count);
        return is_inside(block, v->advanced_by[address->base])
                   ? DLT_OK
                   : wrong(v, "induction %d belongs to a loop that is not around it",
                           address->base);
    }
    if (!is_pointer(v->program, address->base))
        return wrong(v, "its address starts from word %d, which is no pointer", address->base);
    for (int i = 0; i < address->term_count; i++)
        if (!counts_around(block, address->terms[i].counter))
            return wrong(v, "its address follows %s, no loop around it",
                         address->terms[i].counter->name);
    return DLT_OK;
}

/* ---- instructions ---- */

static uint64_t lanes_beyond(const struct vector_program *program, enum data_type type) {
    int lanes = vector_lanes(program, type);
    return lanes >= 64 ? 0 : ~UINT64_C(0) << lanes;
}

static dlt_status verify_mask(const struct verifying *v, const struct vector_block *block) {
    const struct vector_instruction *instruction = v->instruction;
    enum mask_rule rule = vector_operations[instruction->opcode].mask;
    if (instruction->mask == VECTOR_NONE)
        return rule == MASK_NEEDED ? wrong(v, "it has no mask") : DLT_OK;
    if (rule == MASK_NONE)
        return wrong(v, "it has a mask");
    if (rule == MASK_KEEPS && !v->program->values[instruction->destination].is_variable)
        return wrong(v, "it has a mask, and its other lanes have nothing to keep");
    return verify_use(v, block, instruction->mask, CLASS_MASK, data_types[instruction->type].bytes);
}

static dlt_status verify_sources(const struct verifying *v, const struct vector_block *block) {
    const struct vector_instruction *instruction = v->instruction;
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    enum value_class class = instruction->opcode == VECTOR_MASK_AND ? CLASS_MASK : CLASS_VECTOR;
    for (int i = 0; i < 3; i++) {
        bool is_memory = i == instruction->memory_source;
        if (i < info->sources && !is_memory)
            TRY(verify_use(v, block, instruction->sources[i], class, lane_bytes_of(instruction)));
        else if (instruction->sources[i] != VECTOR_NONE)
            return wrong(v, "source %d is %d, it should be none", i, instruction->sources[i]);
    }
    if (instruction->memory_source >= info->sources)
        return wrong(v, "source %d, read from memory, does not exist", instruction->memory_source);
    return DLT_OK;
}

static dlt_status verify_instruction(const struct verifying *v, const struct vector_block *block) {
    const struct vector_instruction *instruction = v->instruction;
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    TRY(verify_sources(v, block));
    TRY(verify_mask(v, block));
    if (info->reads_memory || info->writes_memory || instruction->opcode == VECTOR_PREFETCH ||
        instruction->memory_source != VECTOR_NONE)
        TRY(verify_address(v, block));
    if (instruction->opcode == VECTOR_MASK_CONSTANT &&
        ((uint64_t)instruction->immediate & lanes_beyond(v->program, instruction->type)))
        return wrong(v, "0x%llx has lanes beyond the %d there are",
                     (unsigned long long)instruction->immediate,
                     vector_lanes(v->program, instruction->type));
    if (instruction->opcode == VECTOR_MASK_COUNT &&
        (instruction->immediate < 0 || instruction->immediate >= v->program->word_count))
        return wrong(v, "%lld is not one of the %d words", (long long)instruction->immediate,
                     v->program->word_count);
    return verify_definition(v, block);
}

/* ---- blocks ---- */

static dlt_status verify_bound(const struct verifying *v, const struct vector_bound *bound) {
    if (bound->is_word && (bound->value < 0 || bound->value >= v->program->word_count))
        return wrong(v, "loop: %lld is not one of the %d words", (long long)bound->value,
                     v->program->word_count);
    return DLT_OK;
}

static dlt_status verify_loop(const struct verifying *v, const struct vector_block *block) {
    if (!block->counter)
        return wrong(v, "loop: it has no counter");
    if (counts_around(block->parent, block->counter))
        return wrong(v, "loop: %s is counted by a loop around it", block->counter->name);
    TRY(verify_bound(v, &block->begin));
    TRY(verify_bound(v, &block->end));
    if (!block->begin.is_word && !block->end.is_word && block->begin.value >= block->end.value)
        return wrong(v, "loop: from %lld to %lld it has no trips", (long long)block->begin.value,
                     (long long)block->end.value);
    return DLT_OK;
}

static dlt_status verify_inductions(const struct verifying *v, const struct vector_block *block) {
    for (int i = 0; i < block->induction_count; i++) {
        int number = block->inductions[i], parent;
        if (number < 0 || number >= v->program->induction_count)
            return wrong(v, "loop: %d is not one of the %d inductions", number,
                         v->program->induction_count);
        if (v->advanced_by[number])
            return wrong(v, "induction %d is advanced by two loops", number);
        v->advanced_by[number] = block;
        parent = v->program->inductions[number].parent;
        if (parent < 0 && !is_pointer(v->program, -1 - (int64_t)parent))
            return wrong(v, "induction %d starts from word %d, which is no pointer", number,
                         -1 - parent);
        if (parent >= 0 && (parent >= v->program->induction_count || !v->advanced_by[parent] ||
                            !is_inside(block->parent, v->advanced_by[parent])))
            return wrong(v, "induction %d starts from %d, which no loop around it advances", number,
                         parent);
    }
    return DLT_OK;
}

static dlt_status verify_block(struct verifying *v, const struct vector_block *block) {
    const struct vector_item *last = NULL;
    v->instruction = NULL;
    TRY(verify_inductions(v, block));
    for (const struct vector_item *item = block->first; item; item = item->next) {
        last = item;
        if (!item->block == !item->instruction)
            return wrong(v, "an item is neither an instruction nor a block, or both");
        if (item->block) {
            v->instruction = NULL;
            if (item->block->parent != block)
                return wrong(v, "loop: its parent is another block");
            TRY(verify_loop(v, item->block));
            TRY(verify_block(v, item->block));
            continue;
        }
        v->instruction = item->instruction;
        TRY(verify_instruction(v, block));
    }
    v->instruction = NULL;
    return last == block->last ? DLT_OK : wrong(v, "a block's last item is not the last");
}

dlt_status verify_vectors(const struct vector_program *vectors, struct error *error) {
    struct verifying v = {.program = vectors, .error = error};
    v.values = ARENA_ARRAY(vectors->arena, struct seen_value, (size_t)vectors->value_count + 1);
    v.advanced_by = ARENA_ARRAY(vectors->arena, const struct vector_block *,
                                (size_t)vectors->induction_count + 1);
    if (vectors->pointer_words < 0 || vectors->pointer_words > vectors->word_count)
        return wrong(&v, "%d pointers among %d words", vectors->pointer_words, vectors->word_count);
    if (vectors->top->counter || vectors->top->parent)
        return wrong(&v, "the top is a loop");
    return verify_block(&v, vectors->top);
}
