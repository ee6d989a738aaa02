/* Operations on vector registers: the shapes of the table of instructions. */
#include "targets/x86/x86.h"

#include <string.h>

void x86_move(struct x86_encoder *encoder, int destination, int source) {
    if (destination == source)
        return;
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_VMOVAPS);
    x86_vector(&encoder->assembler, destination);
    x86_lanes(&encoder->assembler, 0, false);
    x86_vector(&encoder->assembler, source);
    x86_end(&encoder->assembler);
}

void x86_source(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                int source) {
    static const ZydisBroadcastMode broadcasts[] = {
        [2] = ZYDIS_BROADCAST_MODE_1_TO_2,
        [4] = ZYDIS_BROADCAST_MODE_1_TO_4,
        [8] = ZYDIS_BROADCAST_MODE_1_TO_8,
        [16] = ZYDIS_BROADCAST_MODE_1_TO_16,
    };
    struct x86_assembler *assembler = &encoder->assembler;
    int lane_bytes = x86_lane_bytes(instruction);
    if (instruction->memory_source != source) {
        x86_vector(assembler, x86_value_register(encoder, instruction->sources[source]));
        return;
    }
    x86_memory(assembler, x86_base(encoder, &instruction->address),
               instruction->address.displacement,
               instruction->memory_broadcast ? lane_bytes : assembler->vector_bytes);
    if (instruction->memory_broadcast)
        assembler->request.evex.broadcast = broadcasts[assembler->vector_bytes / lane_bytes];
}

/* The mask operand: the lanes left out keep what the destination held. */
static void lanes_of(struct x86_encoder *encoder, const struct vector_instruction *instruction) {
    x86_lanes(&encoder->assembler,
              instruction->mask == VECTOR_NONE ? 0 : x86_value_register(encoder, instruction->mask),
              false);
}

/* d = d (form) with operands `second` (a register) and `third` (may be memory). */
static void multiply_add_form(struct x86_encoder *encoder,
                              const struct vector_instruction *instruction, ZydisMnemonic mnemonic,
                              int destination, int second, int third) {
    x86_begin(&encoder->assembler, mnemonic);
    x86_vector(&encoder->assembler, destination);
    lanes_of(encoder, instruction);
    x86_source(encoder, instruction, second);
    x86_source(encoder, instruction, third);
    x86_end(&encoder->assembler);
}

/* Picks the form whose overwritten operand is in the destination's register already; else moves
 * the addend there (or, if that is in memory, a factor). */
static void encode_multiply_add(struct x86_encoder *encoder,
                                const struct vector_instruction *instruction) {
    const struct x86_multiply_add_forms *forms =
        x86_multiply_add(instruction->opcode, instruction->type);
    int destination = x86_value_register(encoder, instruction->destination);
    int memory = instruction->memory_source, registers[3];
    int kept = memory == 0 ? 1 : 0; /* a factor in a register; the other factor is 1 - kept */
    for (int i = 0; i < 3; i++)
        registers[i] = i == memory ? -1 : x86_value_register(encoder, instruction->sources[i]);
    if (registers[2] == destination) {
        multiply_add_form(encoder, instruction, forms->form231, destination, kept, 1 - kept);
    } else if (registers[0] == destination || registers[1] == destination) {
        int factor = registers[0] == destination ? 0 : 1;
        if (memory == 1 - factor)
            multiply_add_form(encoder, instruction, forms->form132, destination, 2, 1 - factor);
        else
            multiply_add_form(encoder, instruction, forms->form213, destination, 1 - factor, 2);
    } else if (memory == 2) {
        x86_move(encoder, destination, registers[0]);
        multiply_add_form(encoder, instruction, forms->form213, destination, 1, 2);
    } else {
        x86_move(encoder, destination, registers[2]);
        multiply_add_form(encoder, instruction, forms->form231, destination, kept, 1 - kept);
    }
}

static void encode_simple(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                          const struct x86_operation *operation) {
    struct x86_assembler *assembler = &encoder->assembler;
    int sources = vector_operations[instruction->opcode].sources;
    bool swap = instruction->memory_source == 0 && sources == 2; /* memory comes last */
    x86_begin(assembler, x86_mnemonic(encoder->isa, instruction->opcode, instruction->type));
    x86_vector(assembler, x86_value_register(encoder, instruction->destination));
    lanes_of(encoder, instruction);
    for (int i = 0; i < sources; i++)
        x86_source(encoder, instruction, swap ? 1 - i : i);
    if (operation->shape == X86_UNARY_FIXED)
        x86_immediate(assembler, operation->immediate);
    if (operation->shape == X86_SHIFT)
        x86_immediate(assembler, instruction->immediate);
    x86_end(assembler);
}

static void encode_constant(struct x86_encoder *encoder,
                            const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    unsigned char lane[8] = {0};
    static const unsigned char zero[8];
    int destination = x86_value_register(encoder, instruction->destination);
    int bytes = x86_lane_bytes(instruction);
    x86_write_lane(lane, instruction->type, instruction->constant);
    if (memcmp(lane, zero, sizeof zero) == 0) { /* -0.0 is not */
        x86_begin(assembler, ZYDIS_MNEMONIC_VXORPS);
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_vector(assembler, destination);
        x86_vector(assembler, destination);
    } else {
        bool pair = bytes == 8 && assembler->vector_bytes == 16; /* vbroadcastsd has no xmm form */
        x86_begin(assembler, pair ? ZYDIS_MNEMONIC_VMOVDDUP
                                  : x86_mnemonic(encoder->isa, VECTOR_CONSTANT, instruction->type));
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_constant_memory(assembler, x86_constant(assembler, lane, (size_t)bytes), bytes);
    }
    x86_end(assembler);
}

static void encode_lanes(struct x86_encoder *encoder,
                         const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    unsigned char lanes[64];
    int bytes = x86_lane_bytes(instruction);
    for (int i = 0; i < assembler->vector_bytes / bytes; i++)
        x86_write_lane(lanes + i * bytes, instruction->type, i);
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_LANES, instruction->type));
    x86_vector(assembler, x86_value_register(encoder, instruction->destination));
    x86_lanes(assembler, 0, false);
    x86_constant_memory(assembler, x86_constant(assembler, lanes, (size_t)assembler->vector_bytes),
                        assembler->vector_bytes);
    x86_end(assembler);
}

static dlt_status check_memory_source(struct x86_encoder *encoder,
                                      const struct vector_instruction *instruction) {
    const struct vector_operation_info *info = &vector_operations[instruction->opcode];
    enum x86_shape shape = x86_operations[instruction->opcode].shape;
    if (instruction->memory_source == VECTOR_NONE)
        return DLT_OK;
    if (instruction->memory_broadcast && !encoder->isa->evex)
        return error_set(encoder->error, DLT_ERROR_ARGUMENT,
                         "%s: %s has no broadcast memory operands", info->name, encoder->isa->name);
    if (instruction->memory_source >= info->sources || shape == X86_NONE || shape == X86_REDUCE ||
        shape == X86_PARTS || (shape == X86_SHIFT && !encoder->isa->evex) ||
        ((shape == X86_BINARY || shape == X86_CHOICE || shape == X86_ALTERNATE) &&
         instruction->memory_source == 0 && !info->commutes))
        return error_set(encoder->error, DLT_ERROR_ARGUMENT, "%s: source %d cannot be in memory",
                         info->name, instruction->memory_source);
    return DLT_OK;
}

dlt_status x86_encode_arithmetic(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    const struct x86_operation *operation = &x86_operations[instruction->opcode];
    TRY(check_memory_source(encoder, instruction));
    switch (operation->shape) {
    case X86_MULTIPLY_ADD:
        encode_multiply_add(encoder, instruction);
        break;
    case X86_PARTS:
        x86_encode_parts(encoder, instruction);
        break;
    case X86_ALTERNATE:
        x86_encode_alternate(encoder, line);
        break;
    case X86_CHOICE:
        x86_encode_choice(encoder, line);
        break;
    case X86_REDUCE:
        x86_encode_reduce(encoder, line);
        break;
    case X86_NONE:
        if (instruction->opcode == VECTOR_CONSTANT)
            encode_constant(encoder, instruction);
        else if (instruction->opcode == VECTOR_LANES)
            encode_lanes(encoder, instruction);
        else
            x86_move(encoder, x86_value_register(encoder, instruction->destination),
                     x86_value_register(encoder, instruction->sources[0]));
        break;
    default:
        encode_simple(encoder, instruction, operation);
    }
    return DLT_OK;
}
