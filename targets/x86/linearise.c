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
    if (instruction->mask != VECTOR_NONE && !x86_stores_pieces(allocation, instruction))
        touch(allocation, instruction->mask, line, loop);
    if (info->has_destination && !x86_is_unread_mask(allocation, instruction))
        touch(allocation, instruction->destination, line, loop);
    if (vector_has_address(instruction))
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

/* --- A program that breaks ir/vectors.h would index past the tables: say so instead --- */

static dlt_status check_value(const struct vector_program *program, const char *name, int value,
                              enum value_class wanted, struct error *error) {
    static const char *const names[] = {[CLASS_VECTOR] = "vector", [CLASS_MASK] = "mask"};
    if (value < 0 || value >= program->value_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d values", name,
                         value, program->value_count);
    if (program->values[value].value_class != wanted)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: value %d is a %s, not a %s", name, value,
                         names[program->values[value].value_class], names[wanted]);
    return DLT_OK;
}

static dlt_status check_address(const struct vector_program *program, const char *name,
                                const struct vector_address *address, struct error *error) {
    if (address->term_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: its address is not folded", name);
    if (address->base >= program->induction_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d inductions", name,
                         address->base, program->induction_count);
    if (-1 - address->base >= program->word_count)
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %d is not one of the %d words", name,
                         -1 - address->base, program->word_count);
    return DLT_OK;
}

static dlt_status check_instruction(const struct vector_program *program,
                                    const struct vector_instruction *instruction,
                                    struct error *error) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    enum value_class sources = instruction->opcode == VECTOR_MASK_AND ? CLASS_MASK : CLASS_VECTOR;
    for (int i = 0; i < info->sources; i++)
        if (i != instruction->memory_source)
            TRY(check_value(program, info->name, instruction->sources[i], sources, error));
    if (info->has_destination)
        TRY(check_value(program, info->name, instruction->destination, info->destination_class,
                        error));
    if (instruction->mask != VECTOR_NONE)
        TRY(check_value(program, info->name, instruction->mask, CLASS_MASK, error));
    if (vector_has_address(instruction))
        TRY(check_address(program, info->name, &instruction->address, error));
    if (instruction->opcode == VECTOR_MASK_COUNT &&
        (instruction->immediate < 0 || instruction->immediate >= program->word_count))
        return error_set(error, DLT_ERROR_ARGUMENT, "%s: %lld is not one of the %d words",
                         info->name, (long long)instruction->immediate, program->word_count);
    return DLT_OK;
}

static dlt_status check_loop(const struct vector_program *program, const struct x86_loop *loop,
                             struct error *error) {
    const struct vector_block *block = loop->block;
    if (loop->constant && loop->trips < 1)
        return error_set(error, DLT_ERROR_ARGUMENT, "loop: from %lld to %lld it has no trips",
                         (long long)block->begin.value, (long long)block->end.value);
    for (int i = 0; i < block->induction_count; i++) {
        int64_t step = program->inductions[block->inductions[i]].step, start = 0;
        if (step > INT32_MAX || step < INT32_MIN ||
            (!block->begin.is_word && (__builtin_mul_overflow(step, block->begin.value, &start) ||
                                       start > INT32_MAX || start < INT32_MIN)))
            return error_set(error, DLT_ERROR_REFUSED,
                             "loop: a step of %lld bytes is too far for 32 bits", (long long)step);
    }
    return DLT_OK;
}

dlt_status x86_linearise(struct x86_allocation *allocation, struct arena *arena,
                         struct error *error) {
    write_lines(allocation, arena, allocation->program->top, -1);
    number_intervals(allocation, arena);
    for (int line = 0; line < allocation->line_count; line++)
        if (allocation->lines[line].kind == X86_INSTRUCTION)
            TRY(check_instruction(allocation->program, allocation->lines[line].instruction, error));
    x86_find_known_masks(allocation, arena);
    for (int line = 0; line < allocation->line_count; line++) {
        if (allocation->lines[line].kind == X86_INSTRUCTION) {
            touch_instruction(allocation, line);
        } else if (allocation->lines[line].kind == X86_LOOP_BEGIN) {
            TRY(check_loop(allocation->program, &allocation->loops[allocation->lines[line].loop],
                           error));
            touch_loop(allocation, allocation->lines[line].loop);
        }
    }
    return DLT_OK;
}
