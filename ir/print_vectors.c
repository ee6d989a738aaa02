/* Vector programs as text, for dumps and golden tests.
 *
 *     v3 = multiply_add.f32 v1, [x + 64*c + 8], v3
 *
 * Values are v (vectors) or m (masks), inductions p; a variable has a mark: v3'. */
#include "ir/vectors.h"

#include <inttypes.h>

static void print_word(struct text *text, const struct vector_program *program, int64_t word) {
    if (program->word_names && word >= 0 && word < program->word_count && program->word_names[word])
        text_append(text, program->word_names[word]);
    else
        text_format(text, "word%" PRId64, word);
}

static void print_bound(struct text *text, const struct vector_program *program,
                        struct vector_bound bound) {
    if (bound.is_word)
        print_word(text, program, bound.value);
    else
        text_format(text, "%" PRId64, bound.value);
}

static void print_value(struct text *text, const struct vector_program *program, int value) {
    if (value < 0 || value >= program->value_count) {
        text_append(text, "?");
        return;
    }
    text_format(text, "%c%d%s", program->values[value].value_class == CLASS_MASK ? 'm' : 'v', value,
                program->values[value].is_variable ? "'" : "");
}

/* Before folding a base is a word (pointers come first), after it an induction; a folded program is
 * known by having inductions or negative bases. */
static void print_base(struct text *text, const struct vector_program *program, int base) {
    if (base < 0)
        print_word(text, program, -1 - base);
    else if (program->induction_count)
        text_format(text, "p%d", base);
    else
        print_word(text, program, base);
}

static void print_address(struct text *text, const struct vector_program *program,
                          const struct vector_address *address) {
    text_append(text, "[");
    print_base(text, program, address->base);
    for (int i = 0; i < address->term_count; i++)
        text_format(text, " + %" PRId64 "*%s", address->terms[i].stride,
                    address->terms[i].counter->name);
    if (address->displacement)
        text_format(text, " %c %" PRIu64, address->displacement < 0 ? '-' : '+',
                    address->displacement < 0 ? 0 - (uint64_t)address->displacement
                                              : (uint64_t)address->displacement);
    text_append(text, "]");
}

/* What the opcode keeps outside values and addresses. */
static void print_details(struct text *text, const struct vector_program *program,
                          const struct vector_instruction *instruction) {
    switch (instruction->opcode) {
    case VECTOR_CONSTANT:
        text_format(text, " %.17g", instruction->constant);
        break;
    case VECTOR_LOAD_STRIDED:
    case VECTOR_STORE_STRIDED:
        text_format(text, " stride %" PRId64, instruction->stride);
        break;
    case VECTOR_LANES:
    case VECTOR_SHIFT_LEFT:
    case VECTOR_SHIFT_RIGHT:
    case VECTOR_SHIFT_RIGHT_ARITHMETIC:
        text_format(text, " by %" PRId64, instruction->immediate);
        break;
    case VECTOR_SHUFFLE_PARTS:
    case VECTOR_PICK_ALTERNATE:
    case VECTOR_MASK_CONSTANT:
        text_format(text, " 0x%" PRIx64, (uint64_t)instruction->immediate);
        break;
    case VECTOR_MASK_COUNT:
        text_append(text, " ");
        print_word(text, program, instruction->immediate);
        break;
    default:
        break;
    }
}

static void print_instruction(struct text *text, const struct vector_program *program,
                              const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    const char *separator = " ";
    if (info->has_destination) {
        print_value(text, program, instruction->destination);
        text_append(text, " = ");
    }
    text_format(text, "%s.%s", info->name, data_types[instruction->type].name);
    if (vector_has_address(instruction) && instruction->memory_source == VECTOR_NONE) {
        text_append(text, separator);
        print_address(text, program, &instruction->address);
        separator = ", ";
    }
    for (int i = 0; i < info->sources; i++) {
        text_append(text, separator);
        separator = ", ";
        if (instruction->memory_source == i) {
            print_address(text, program, &instruction->address);
            text_append(text, instruction->memory_broadcast ? " broadcast" : "");
        } else {
            print_value(text, program, instruction->sources[i]);
        }
    }
    print_details(text, program, instruction);
    if (instruction->mask != VECTOR_NONE) {
        text_append(text, " mask ");
        print_value(text, program, instruction->mask);
    }
    text_append(text, "\n");
}

static void print_inductions(struct text *text, const struct vector_program *program,
                             const struct vector_block *block, int depth) {
    for (int i = 0; i < block->induction_count; i++) {
        int number = block->inductions[i];
        const struct vector_induction *induction = &program->inductions[number];
        text_indent(text, depth);
        text_format(text, "p%d from ", number);
        if (induction->parent < 0)
            print_word(text, program, -1 - induction->parent);
        else
            text_format(text, "p%d", induction->parent);
        text_format(text, " step %" PRId64 "\n", induction->step);
    }
}

static void print_block(struct text *text, const struct vector_program *program,
                        const struct vector_block *block, int depth) {
    print_inductions(text, program, block, depth);
    for (const struct vector_item *item = block->first; item; item = item->next) {
        text_indent(text, depth);
        if (item->instruction) {
            print_instruction(text, program, item->instruction);
            continue;
        }
        text_format(text, "loop %s = ", item->block->counter ? item->block->counter->name : "_");
        print_bound(text, program, item->block->begin);
        text_append(text, " .. ");
        print_bound(text, program, item->block->end);
        text_append(text, "\n");
        print_block(text, program, item->block, depth + 1);
    }
}

void vector_program_print(struct text *text, const struct vector_program *program) {
    text_format(text, "vectors of %d bytes;", program->vector_bytes);
    for (int word = 0; word < program->word_count; word++) {
        text_append(text, vector_word_is_pointer(program, word) ? " pointer " : " word ");
        print_word(text, program, word);
    }
    text_append(text, "\n");
    print_block(text, program, program->top, 0);
}
