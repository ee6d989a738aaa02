/* Loads and stores of consecutive elements, broadcasts, prefetches. */
#include "targets/x86/x86.h"

static void address_operand(struct x86_encoder *encoder,
                            const struct vector_instruction *instruction, int bytes) {
    x86_memory(&encoder->assembler, x86_base(encoder, &instruction->address),
               instruction->address.displacement, bytes);
}

static int mask_register(const struct x86_encoder *encoder,
                         const struct vector_instruction *instruction) {
    return instruction->mask == VECTOR_NONE ? 0 : x86_value_register(encoder, instruction->mask);
}

static void load(struct x86_encoder *encoder, const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    int mask = mask_register(encoder, instruction);
    bool by_vector = instruction->mask != VECTOR_NONE && !encoder->isa->evex;
    x86_begin(assembler, by_vector ? x86_lane_bytes(instruction) == 8 ? ZYDIS_MNEMONIC_VMASKMOVPD
                                                                      : ZYDIS_MNEMONIC_VMASKMOVPS
                                   : x86_mnemonic(encoder->isa, VECTOR_LOAD, instruction->type));
    x86_vector(assembler, x86_value_register(encoder, instruction->destination));
    x86_lanes(assembler, mask, true);
    if (by_vector)
        x86_vector(assembler, mask);
    address_operand(encoder, instruction, assembler->vector_bytes);
    x86_end(assembler);
}

static void store(struct x86_encoder *encoder, const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    int mask = mask_register(encoder, instruction);
    bool by_vector = instruction->mask != VECTOR_NONE && !encoder->isa->evex;
    x86_begin(assembler, by_vector ? x86_lane_bytes(instruction) == 8 ? ZYDIS_MNEMONIC_VMASKMOVPD
                                                                      : ZYDIS_MNEMONIC_VMASKMOVPS
                                   : x86_mnemonic(encoder->isa, VECTOR_STORE, instruction->type));
    address_operand(encoder, instruction, assembler->vector_bytes);
    x86_lanes(assembler, mask, false);
    if (by_vector)
        x86_vector(assembler, mask);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[0]));
    x86_end(assembler);
}

static void store_stream(struct x86_encoder *encoder,
                         const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_STORE_STREAM, instruction->type));
    address_operand(encoder, instruction, assembler->vector_bytes);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[0]));
    x86_end(assembler);
}

static void load_broadcast(struct x86_encoder *encoder,
                           const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    int bytes = x86_lane_bytes(instruction);
    bool pair = bytes == 8 && assembler->vector_bytes == 16; /* vbroadcastsd has no xmm form */
    x86_begin(assembler,
              pair ? ZYDIS_MNEMONIC_VMOVDDUP
                   : x86_mnemonic(encoder->isa, VECTOR_LOAD_BROADCAST, instruction->type));
    x86_vector(assembler, x86_value_register(encoder, instruction->destination));
    x86_lanes(assembler, 0, false);
    address_operand(encoder, instruction, bytes);
    x86_end(assembler);
}

dlt_status x86_encode_memory(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    switch (instruction->opcode) {
    case VECTOR_LOAD:
        load(encoder, instruction);
        break;
    case VECTOR_STORE:
        if (x86_stores_pieces(&encoder->allocation, instruction))
            x86_encode_pieces(encoder, line);
        else
            store(encoder, instruction);
        break;
    case VECTOR_STORE_STREAM:
        store_stream(encoder, instruction);
        break;
    case VECTOR_LOAD_BROADCAST:
        load_broadcast(encoder, instruction);
        break;
    default:
        x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_PREFETCHT0);
        address_operand(encoder, instruction, 1);
        x86_end(&encoder->assembler);
    }
    return DLT_OK;
}
