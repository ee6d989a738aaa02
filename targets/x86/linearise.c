/* A vector program as a list of lines, and from where to where each thing needs a register.
 *
 * The blocks are written down in order; a loop has a line at its begin and one at its end. What is
 * defined outside a loop and used inside is needed until the loop's last line, since the next trip
 * uses it again. That makes every life one interval of lines, without holes. */
#include "targets/x86/x86.h"

#include <string.h>

static struct x86_line *new_line(struct x86_allocation *allocation, struct arena *arena) {
    if (allocation->line_count == allocation->line_capacity) {
        struct x86_line *larger;
        allocation->line_capacity = allocation->line_capacity ? 2 * allocation->line_capacity : 128;
        larger = ARENA_ARRAY(arena, struct x86_line, (size_t)allocation->line_capacity);
        if (allocation->line_count)
            memcpy(larger, allocation->lines, (size_t)allocation->line_count * sizeof *larger);
        allocation->lines = larger;
    }
    return &allocation->lines[allocation->line_count++];
}

static int new_loop(struct x86_allocation *allocation, struct arena *arena,
                    const struct vector_block *block, int parent) {
    struct x86_loop *loop;
    if (allocation->loop_count == allocation->loop_capacity) {
        struct x86_loop *larger;
        allocation->loop_capacity = allocation->loop_capacity ? 2 * allocation->loop_capacity : 8;
        larger = ARENA_ARRAY(arena, struct x86_loop, (size_t)allocation->loop_capacity);
        if (allocation->loop_count)
            memcpy(larger, allocation->loops, (size_t)allocation->loop_count * sizeof *larger);
        allocation->loops = larger;
    }
    loop = &allocation->loops[allocation->loop_count];
    loop->block = block;
    loop->parent = parent;
    loop->outermost = parent < 0 ? allocation->loop_count : allocation->loops[parent].outermost;
    loop->innermost = true;
    loop->constant = !block->begin.is_word && !block->end.is_word;
    loop->trips = loop->constant ? block->end.value - block->begin.value : 0;
    loop->slot = -1;
    if (parent >= 0)
        allocation->loops[parent].innermost = false;
    return allocation->loop_count++;
}

static void write_lines(struct x86_allocation *allocation, struct arena *arena,
                        const struct vector_block *block, int loop) {
    for (const struct vector_item *item = block->first; item; item = item->next) {
        int inner;
        if (item->instruction) {
            struct x86_line *line = new_line(allocation, arena);
            line->kind = X86_INSTRUCTION;
            line->loop = loop;
            line->instruction = item->instruction;
            continue;
        }
        inner = new_loop(allocation, arena, item->block, loop);
        allocation->loops[inner].first_line = allocation->line_count;
        *new_line(allocation, arena) = (struct x86_line){.kind = X86_LOOP_BEGIN, .loop = inner};
        write_lines(allocation, arena, item->block, inner);
        allocation->loops[inner].last_line = allocation->line_count;
        *new_line(allocation, arena) = (struct x86_line){.kind = X86_LOOP_END, .loop = inner};
    }
}

/* The thing is defined or used at a line; `loop` is the innermost around it, or -1. */
static void touch(struct x86_allocation *allocation, int number, int line, int loop) {
    struct x86_interval *interval = &allocation->intervals[number];
    int end = line;
    if (interval->end < 0)
        interval->start = line;
    for (; loop >= 0 && allocation->loops[loop].first_line > interval->start;
         loop = allocation->loops[loop].parent)
        end = allocation->loops[loop].last_line;
    if (end > interval->end)
        interval->end = end;
}

/* A word, or the words' address, is used at a line. It is fetched outside all loops. */
static void touch_word(struct x86_allocation *allocation, int number, int line, int loop) {
    struct x86_interval *interval = &allocation->intervals[number];
    const struct x86_loop *outermost =
        loop < 0 ? NULL : &allocation->loops[allocation->loops[loop].outermost];
    int start = outermost ? outermost->first_line : line;
    int end = outermost ? outermost->last_line : line;
    if (interval->end < 0 && number != allocation->words) {
        interval->start = start;
        allocation->lines[start].loads_words = true;
        touch_word(allocation, allocation->words, start, -1);
    }
    if (end > interval->end)
        interval->end = end;
}

static void touch_base(struct x86_allocation *allocation, int base, int line, int loop) {
    if (base < 0)
        touch_word(allocation, allocation->pointer - 1 - base, line, loop);
    else
        touch(allocation, allocation->induction + base, line, loop);
}

static void touch_instruction(struct x86_allocation *allocation, int line) {
    const struct vector_instruction *instruction = allocation->lines[line].instruction;
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    int loop = allocation->lines[line].loop;
    for (int i = 0; i < info->sources; i++)
        if (i != instruction->memory_source)
            touch(allocation, instruction->sources[i], line, loop);
    if (instruction->mask != VECTOR_NONE)
        touch(allocation, instruction->mask, line, loop);
    if (info->has_destination)
        touch(allocation, instruction->destination, line, loop);
    if (info->reads_memory || info->writes_memory || instruction->opcode == VECTOR_PREFETCH ||
        instruction->memory_source != VECTOR_NONE)
        touch_base(allocation, instruction->address.base, line, loop);
    if (instruction->opcode == VECTOR_MASK_COUNT)
        touch_word(allocation, allocation->words, line, loop);
}

static void touch_loop(struct x86_allocation *allocation, int number) {
    const struct x86_loop *loop = &allocation->loops[number];
    const struct vector_block *block = loop->block;
    if (!loop->constant)
        touch_word(allocation, allocation->words, loop->first_line, loop->parent);
    for (int i = 0; i < block->induction_count; i++) {
        int induction = block->inductions[i];
        int parent = allocation->program->inductions[induction].parent;
        if (parent < 0)
            touch_word(allocation, allocation->words, loop->first_line, loop->parent);
        else
            touch(allocation, allocation->induction + parent, loop->first_line, loop->parent);
        touch(allocation, allocation->induction + induction, loop->first_line, number);
        touch(allocation, allocation->induction + induction, loop->last_line, number);
    }
    if (!loop->constant || loop->trips > 1) {
        touch(allocation, allocation->counter + number, loop->first_line, number);
        touch(allocation, allocation->counter + number, loop->last_line, number);
    }
}

static void number_intervals(struct x86_allocation *allocation, struct arena *arena) {
    const struct vector_program *program = allocation->program;
    allocation->words = program->value_count;
    allocation->pointer = allocation->words + 1;
    allocation->induction = allocation->pointer + program->word_count;
    allocation->counter = allocation->induction + program->induction_count;
    allocation->interval_count = allocation->counter + allocation->loop_count;
    allocation->intervals =
        ARENA_ARRAY(arena, struct x86_interval, (size_t)allocation->interval_count);
    for (int i = 0; i < allocation->interval_count; i++) {
        struct x86_interval *interval = &allocation->intervals[i];
        interval->start = interval->end = -1;
        if (i >= program->value_count)
            interval->class = X86_GENERAL;
        else if (program->values[i].value_class == CLASS_MASK && allocation->isa->evex)
            interval->class = X86_MASK;
        else
            interval->class = X86_VECTOR;
    }
}

/* A program that breaks ir/vectors.h would index past the tables; say so instead. */
static dlt_status check_instruction(const struct x86_allocation *allocation,
                                    const struct vector_instruction *instruction,
                                    struct error *error) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    const struct vector_program *program = allocation->program;
    int values[5], count = 0;
    for (int i = 0; i < info->sources; i++)
        if (i != instruction->memory_source)
            values[count++] = instruction->sources[i];
    if (info->has_destination)
        values[count++] = instruction->destination;
    if (instruction->mask != VECTOR_NONE)
        values[count++] = instruction->mask;
    for (int i = 0; i < count; i++)
        if (values[i] < 0 || values[i] >= program->value_count)
            return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d values",
                             info->name, values[i], program->value_count);
    if (instruction->address.term_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: its address is not folded", info->name);
    if (instruction->address.base >= program->induction_count && instruction->address.base > 0)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d inductions",
                         info->name, instruction->address.base, program->induction_count);
    if (-1 - instruction->address.base >= program->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d words", info->name,
                         -1 - instruction->address.base, program->word_count);
    return DLT_OK;
}

dlt_status x86_linearise(struct x86_allocation *allocation, struct arena *arena,
                         struct error *error) {
    write_lines(allocation, arena, allocation->program->top, -1);
    number_intervals(allocation, arena);
    for (int line = 0; line < allocation->line_count; line++) {
        if (allocation->lines[line].kind == X86_INSTRUCTION) {
            TRY(check_instruction(allocation, allocation->lines[line].instruction, error));
            touch_instruction(allocation, line);
        } else if (allocation->lines[line].kind == X86_LOOP_BEGIN) {
            touch_loop(allocation, allocation->lines[line].loop);
        }
    }
    return DLT_OK;
}
