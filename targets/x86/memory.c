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

static void broadcast_to(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                         int destination, int mask) {
    struct x86_assembler *assembler = &encoder->assembler;
    int bytes = x86_lane_bytes(instruction);
    bool pair = bytes == 8 && assembler->vector_bytes == 16; /* vbroadcastsd has no xmm form */
    x86_begin(assembler,
              pair ? ZYDIS_MNEMONIC_VMOVDDUP
                   : x86_mnemonic(encoder->isa, VECTOR_LOAD_BROADCAST, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, mask, mask != 0);
    address_operand(encoder, instruction, bytes);
    x86_end(assembler);
}

/* AVX2 has no broadcast under a mask: it jumps over the load where no lane is wanted. The mask may
 * be in the destination's register; where it is zero it is the result. */
static void broadcast_where(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int mask = mask_register(encoder, instruction), element = line->vector_temporaries[0];
    size_t jump;
    x86_begin(assembler, ZYDIS_MNEMONIC_VPTEST);
    x86_vector(assembler, mask);
    x86_vector(assembler, mask);
    x86_end(assembler);
    x86_move(encoder, destination, mask);
    x86_jump(assembler, ZYDIS_MNEMONIC_JZ, -1);
    jump = assembler->size;
    broadcast_to(encoder, instruction, element, 0);
    x86_begin(assembler, ZYDIS_MNEMONIC_VANDPS);
    x86_vector(assembler, destination);
    x86_vector(assembler, destination);
    x86_vector(assembler, element);
    x86_end(assembler);
    x86_patch_jump(assembler, jump);
}

static void load_broadcast(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    int destination = x86_value_register(encoder, instruction->destination);
    if (instruction->mask != VECTOR_NONE && !encoder->isa->evex)
        broadcast_where(encoder, line);
    else
        broadcast_to(encoder, instruction, destination, mask_register(encoder, instruction));
}

/* The address, whose low 32 bits are the number, in all lanes. */
dlt_status x86_encode_index(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int number = line->general_temporaries[0];
    x86_begin(assembler, ZYDIS_MNEMONIC_LEA);
    x86_general(assembler, number);
    address_operand(encoder, instruction, 8);
    x86_end(assembler);
    if (!encoder->isa->evex) {
        x86_begin(assembler, ZYDIS_MNEMONIC_VMOVD);
        x86_vector_of(assembler, destination, 16);
        x86_general32(assembler, number);
        x86_end(assembler);
    }
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_INDEX, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    if (encoder->isa->evex)
        x86_general32(assembler, number);
    else
        x86_vector_of(assembler, destination, 16);
    x86_end(assembler);
    if (instruction->type == TYPE_F32) {
        x86_begin(assembler, ZYDIS_MNEMONIC_VCVTDQ2PS);
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_vector(assembler, destination);
        x86_end(assembler);
    }
    return DLT_OK;
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
        load_broadcast(encoder, line);
        break;
    default:
        x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_PREFETCHT0);
        address_operand(encoder, instruction, 1);
        x86_end(&encoder->assembler);
    }
    return DLT_OK;
}
