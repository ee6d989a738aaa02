/* From a vector program to a function: the frame around the lines, and which file does which. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    BYTES_A_LINE = 12,
    WORD_BYTES = 8
};

/* The registers that a function has to give back as it found them: rbx, rbp, r12 - r15. */
static const signed char preserved[] = {3, 5, 12, 13, 14, 15};
enum {
    PRESERVED = sizeof preserved
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

static void emit_general(struct x86_assembler *assembler, ZydisMnemonic mnemonic, int reg) {
    x86_begin(assembler, mnemonic);
    x86_general(assembler, reg);
    x86_end(assembler);
}

static void emit_bare(struct x86_assembler *assembler, ZydisMnemonic mnemonic) {
    x86_begin(assembler, mnemonic);
    x86_end(assembler);
}

static void move_stack(struct x86_encoder *encoder, ZydisMnemonic mnemonic) {
    if (!encoder->allocation.slots)
        return;
    x86_begin(&encoder->assembler, mnemonic);
    x86_general(&encoder->assembler, X86_RSP);
    x86_immediate(&encoder->assembler, (int64_t)encoder->allocation.slots * WORD_BYTES);
    x86_end(&encoder->assembler);
}

static void prologue(struct x86_encoder *encoder) {
    for (int i = 0; i < PRESERVED; i++)
        if (encoder->allocation.used[X86_GENERAL] >> preserved[i] & 1)
            emit_general(&encoder->assembler, ZYDIS_MNEMONIC_PUSH, preserved[i]);
    move_stack(encoder, ZYDIS_MNEMONIC_SUB);
}

static void epilogue(struct x86_encoder *encoder) {
    if (encoder->allocation.used[X86_VECTOR] && encoder->program->vector_bytes > 16)
        emit_bare(&encoder->assembler, ZYDIS_MNEMONIC_VZEROUPPER);
    move_stack(encoder, ZYDIS_MNEMONIC_ADD);
    for (int i = PRESERVED - 1; i >= 0; i--)
        if (encoder->allocation.used[X86_GENERAL] >> preserved[i] & 1)
            emit_general(&encoder->assembler, ZYDIS_MNEMONIC_POP, preserved[i]);
    /* A tile answers 0, so that one that is all of a kernel can be its entry. */
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_XOR);
    x86_general32(&encoder->assembler, X86_RAX);
    x86_general32(&encoder->assembler, X86_RAX);
    x86_end(&encoder->assembler);
    emit_bare(&encoder->assembler, ZYDIS_MNEMONIC_RET);
}

static bool takes_mask(enum vector_opcode opcode) {
    return opcode == VECTOR_LOAD || opcode == VECTOR_STORE || opcode == VECTOR_LOAD_STRIDED ||
           opcode == VECTOR_STORE_STRIDED || opcode == VECTOR_BLEND;
}

static dlt_status check_instruction(struct x86_encoder *encoder,
                                    const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    if (!x86_mnemonic(encoder->isa, instruction->opcode, instruction->type))
        return error_set(encoder->error, DLT_ERROR_REFUSED, "%s has no %s of %s",
                         encoder->isa->name, info->name, data_types[instruction->type].name);
    if (instruction->mask != VECTOR_NONE && !takes_mask(instruction->opcode))
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
    prologue(encoder);
    x86_hold_orders(encoder);
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
    epilogue(encoder);
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
