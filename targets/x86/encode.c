/* From a vector program to a function, and which file does which of its lines. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    BYTES_A_LINE = 12
};

int x86_value_register(const struct x86_encoder *encoder, int value) {
    return encoder->allocation.intervals[value].reg;
}

int x86_lane_bytes(const struct vector_instruction *instruction) {
    return data_types[instruction->type].bytes;
}

int x86_base(const struct x86_encoder *encoder, const struct vector_address *address) {
    const struct x86_allocation *allocation = &encoder->allocation;
    int number = address->base < 0 ? allocation->pointer + (-1 - address->base)
                                   : allocation->induction + address->base;
    return allocation->intervals[number].reg;
}

/* A multiply-add keeps its addend, which is overwritten. */
static bool takes_mask(const struct x86_encoder *encoder,
                       const struct vector_instruction *instruction) {
    enum mask_rule rule = vector_operations[instruction->opcode].mask;
    if (rule != MASK_KEEPS)
        return rule != MASK_NONE;
    return encoder->isa->evex && encoder->program->values[instruction->destination].is_variable &&
           (instruction->opcode != VECTOR_MULTIPLY_ADD ||
            instruction->sources[2] == instruction->destination);
}

static dlt_status check_instruction(struct x86_encoder *encoder,
                                    const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    if (!x86_mnemonic(encoder->isa, instruction->opcode, instruction->type))
        return error_set(encoder->error, DLT_ERROR_REFUSED, "%s has no %s of %s",
                         encoder->isa->name, info->name, data_types[instruction->type].name);
    if (instruction->mask != VECTOR_NONE && !takes_mask(encoder, instruction))
        return error_set(encoder->error, DLT_ERROR_ARGUMENT, "%s: takes no mask", info->name);
    if (instruction->mask == VECTOR_NONE && instruction->opcode == VECTOR_BLEND)
        return error_set(encoder->error, DLT_ERROR_ARGUMENT, "%s: has no mask", info->name);
    if (instruction->address.displacement > INT32_MAX ||
        instruction->address.displacement < INT32_MIN)
        return error_set(encoder->error, DLT_ERROR_REFUSED,
                         "%s: a displacement of %lld bytes does not fit in 32 bits", info->name,
                         (long long)instruction->address.displacement);
    return DLT_OK;
}

static dlt_status encode_instruction(struct x86_encoder *encoder, const struct x86_line *line) {
    TRY(check_instruction(encoder, line->instruction));
    switch (line->instruction->opcode) {
    case VECTOR_LOAD:
    case VECTOR_STORE:
    case VECTOR_STORE_STREAM:
    case VECTOR_LOAD_BROADCAST:
    case VECTOR_PREFETCH:
        return x86_encode_memory(encoder, line);
    case VECTOR_LOAD_STRIDED:
    case VECTOR_STORE_STRIDED:
        return x86_encode_strided(encoder, line);
    case VECTOR_MASK_CONSTANT:
    case VECTOR_MASK_COUNT:
    case VECTOR_MASK_LESS:
    case VECTOR_MASK_EQUAL:
    case VECTOR_MASK_AND:
    case VECTOR_BLEND:
        return x86_encode_mask(encoder, line);
    default:
        return x86_encode_arithmetic(encoder, line);
    }
}

static dlt_status encode_lines(struct x86_encoder *encoder) {
    const struct x86_allocation *allocation = &encoder->allocation;
    x86_prologue(encoder);
    x86_hold_orders(encoder);
    x86_hold_nan_table(encoder);
    for (int number = 0; number < allocation->line_count; number++) {
        const struct x86_line *line = &allocation->lines[number];
        if (line->loads_words)
            x86_load_words(encoder, number);
        if (line->kind == X86_LOOP_BEGIN)
            x86_loop_begin(encoder, line);
        else if (line->kind == X86_LOOP_END)
            x86_loop_end(encoder, line);
        else
            TRY(encode_instruction(encoder, line));
    }
    x86_epilogue(encoder);
    return DLT_OK;
}

static dlt_status check_program(const struct x86_isa *isa, const struct vector_program *program,
                                struct error *error) {
    int bytes = program->vector_bytes;
    if ((bytes != 64 && bytes != 32 && bytes != 16) || bytes > isa->vector_bytes)
        return error_set(error, DLT_ERROR_ARGUMENT, "vector_bytes: %d is not %s16 or 32", bytes,
                         isa->vector_bytes == 64 ? "64, " : "");
    return DLT_OK;
}

static void fill_code(const struct x86_encoder *encoder, size_t code_size,
                      struct machine_code *code) {
    const unsigned *used = encoder->allocation.used;
    code->bytes = encoder->assembler.bytes;
    code->size = encoder->assembler.size;
    code->code_size = code_size;
    code->unwinding = encoder->unwinding;
    code->unwinding_size = encoder->unwinding_bytes;
    code->general_registers = __builtin_popcount(used[X86_GENERAL]);
    code->vector_registers = __builtin_popcount(used[X86_VECTOR]);
    code->mask_registers = __builtin_popcount(used[X86_MASK]);
}

dlt_status x86_encode(const struct x86_isa *isa, const struct vector_program *program,
                      const struct target_description *description, struct arena *arena,
                      struct machine_code *code, struct error *error) {
    struct x86_encoder *encoder = ARENA_NEW(arena, struct x86_encoder);
    struct x86_assembler *assembler = &encoder->assembler;
    size_t code_size;
    TRY(check_program(isa, program, error));
    encoder->program = encoder->allocation.program = program;
    encoder->isa = encoder->allocation.isa = assembler->isa = isa;
    encoder->error = error;
    assembler->arena = arena;
    assembler->vector_bytes = program->vector_bytes;
    TRY(x86_linearise(&encoder->allocation, arena, error));
    TRY(x86_allocate(&encoder->allocation, arena, error));
    assembler->capacity = (size_t)encoder->allocation.line_count * BYTES_A_LINE + 256;
    assembler->bytes = arena_allocate(arena, assembler->capacity);
    TRY(encode_lines(encoder));
    if (assembler->failed)
        return error_set(error, DLT_ERROR_COMPILE, "%s: %s could not be encoded", isa->name,
                         ZydisMnemonicGetString(assembler->failed));
    code_size = assembler->size;
    if (code_size > (size_t)description->code_bytes)
        return error_set(error, DLT_ERROR_REFUSED, "the tile takes %zu bytes of code, %s allows %d",
                         code_size, isa->name, description->code_bytes);
    x86_append_pool(assembler);
    fill_code(encoder, code_size, code);
    return DLT_OK;
}
