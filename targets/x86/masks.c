/* Masks: a bit a lane in k registers (AVX-512), or all bits of the lane in a vector (AVX2). */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    LESS_ORDERED_QUIET = 17,
    EQUAL_ORDERED_QUIET = 0,
    INTEGER_LESS = 1,
    INTEGER_EQUAL = 0
};

/* A vector whose lane i is all ones where bit i is set, as a constant. */
static size_t lane_mask_constant(struct x86_encoder *encoder, int lane_bytes, int64_t bits) {
    unsigned char lanes[64];
    int bytes = encoder->assembler.vector_bytes;
    for (int i = 0; i < bytes / lane_bytes; i++)
        memset(lanes + i * lane_bytes, bits >> i & 1 ? 0xff : 0, (size_t)lane_bytes);
    return x86_constant(&encoder->assembler, lanes, (size_t)bytes);
}

static void move_to_mask(struct x86_encoder *encoder, int mask, int general) {
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_KMOVW);
    x86_mask_register(&encoder->assembler, mask);
    x86_general32(&encoder->assembler, general);
    x86_end(&encoder->assembler);
}

static void encode_constant(struct x86_encoder *encoder, const struct x86_line *line,
                            int destination) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int bytes = x86_lane_bytes(instruction), lanes = assembler->vector_bytes / bytes;
    int64_t bits = instruction->immediate & ((INT64_C(1) << lanes) - 1);
    if (encoder->isa->evex) {
        x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
        x86_general32(assembler, line->general_temporaries[0]);
        x86_immediate(assembler, bits);
        x86_end(assembler);
        move_to_mask(encoder, destination, line->general_temporaries[0]);
        return;
    }
    x86_begin(assembler, ZYDIS_MNEMONIC_VMOVUPS);
    x86_vector(assembler, destination);
    x86_constant_memory(assembler, lane_mask_constant(encoder, bytes, bits),
                        assembler->vector_bytes);
    x86_end(assembler);
}

/* op a, b for two general registers */
static void general(struct x86_encoder *encoder, ZydisMnemonic mnemonic, int a, int b) {
    x86_begin(&encoder->assembler, mnemonic);
    x86_general(&encoder->assembler, a);
    x86_general(&encoder->assembler, b);
    x86_end(&encoder->assembler);
}

/* count = the word, clamped to 0 .. lanes; `other` is overwritten */
static void clamp_count(struct x86_encoder *encoder, int64_t word, int lanes, int count,
                        int other) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
    x86_general(assembler, count);
    x86_word(encoder, word, 8);
    x86_end(assembler);
    general(encoder, ZYDIS_MNEMONIC_XOR, other, other);
    general(encoder, ZYDIS_MNEMONIC_TEST, count, count);
    general(encoder, ZYDIS_MNEMONIC_CMOVS, count, other);
    x86_begin(assembler, ZYDIS_MNEMONIC_MOV);
    x86_general32(assembler, other);
    x86_immediate(assembler, lanes);
    x86_end(assembler);
    general(encoder, ZYDIS_MNEMONIC_CMP, count, other);
    general(encoder, ZYDIS_MNEMONIC_CMOVNLE, count, other);
}

/* The constant pool has `lanes` lanes of ones followed by as many of zeros; a count picks where
 * to start reading. */
static size_t sliding_table(struct x86_encoder *encoder) {
    unsigned char table[128] = {0};
    int bytes = encoder->assembler.vector_bytes;
    memset(table, 0xff, (size_t)bytes);
    return x86_constant(&encoder->assembler, table, 2 * (size_t)bytes);
}

static void encode_count(struct x86_encoder *encoder, const struct x86_line *line,
                         int destination) {
    struct x86_assembler *assembler = &encoder->assembler;
    int count = line->general_temporaries[0], other = line->general_temporaries[1];
    int bytes = x86_lane_bytes(line->instruction), lanes = assembler->vector_bytes / bytes;
    clamp_count(encoder, line->instruction->immediate, lanes, count, other);
    if (encoder->isa->evex) { /* (1 << count) - 1 */
        general(encoder, ZYDIS_MNEMONIC_XOR, other, other);
        general(encoder, ZYDIS_MNEMONIC_BTS, other, count);
        x86_begin(assembler, ZYDIS_MNEMONIC_DEC);
        x86_general(assembler, other);
        x86_end(assembler);
        move_to_mask(encoder, destination, other);
        return;
    }
    x86_begin(assembler, ZYDIS_MNEMONIC_LEA);
    x86_general(assembler, other);
    x86_constant_memory(assembler, sliding_table(encoder), 8);
    x86_end(assembler);
    x86_begin(assembler, ZYDIS_MNEMONIC_NEG);
    x86_general(assembler, count);
    x86_end(assembler);
    x86_begin(assembler, ZYDIS_MNEMONIC_VMOVUPS);
    x86_vector(assembler, destination);
    x86_memory_indexed(assembler, other, (ZydisRegister)(ZYDIS_REGISTER_RAX + count), bytes,
                       assembler->vector_bytes, assembler->vector_bytes);
    x86_end(assembler);
}

static void encode_compare(struct x86_encoder *encoder,
                           const struct vector_instruction *instruction, int destination) {
    struct x86_assembler *assembler = &encoder->assembler;
    bool less = instruction->opcode == VECTOR_MASK_LESS, integers = instruction->type == TYPE_S32;
    bool evex = encoder->isa->evex;
    bool swap = less && integers && !evex; /* AVX2 only has "greater" */
    x86_begin(assembler, x86_mnemonic(encoder->isa, instruction->opcode, instruction->type));
    if (evex)
        x86_mask_register(assembler, destination);
    else
        x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[swap]));
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[!swap]));
    if (!integers)
        x86_immediate(assembler, less ? LESS_ORDERED_QUIET : EQUAL_ORDERED_QUIET);
    else if (evex)
        x86_immediate(assembler, less ? INTEGER_LESS : INTEGER_EQUAL);
    x86_end(assembler);
}

static void encode_and(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                       int destination) {
    struct x86_assembler *assembler = &encoder->assembler;
    int operands[3] = {destination, x86_value_register(encoder, instruction->sources[0]),
                       x86_value_register(encoder, instruction->sources[1])};
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_MASK_AND, instruction->type));
    for (int i = 0; i < 3; i++) {
        if (encoder->isa->evex)
            x86_mask_register(assembler, operands[i]);
        else
            x86_vector(assembler, operands[i]);
    }
    x86_end(assembler);
}

static void encode_blend(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                         int destination) {
    struct x86_assembler *assembler = &encoder->assembler;
    int mask = x86_value_register(encoder, instruction->mask);
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_BLEND, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, mask, false);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[1]));
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[0]));
    if (!encoder->isa->evex) {
        x86_vector(assembler, mask);
        assembler->request.operands[3].reg.is4 = ZYAN_TRUE;
    }
    x86_end(assembler);
}

dlt_status x86_encode_mask(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    int destination = x86_value_register(encoder, instruction->destination);
    if (x86_is_unread_mask(&encoder->allocation, instruction))
        return DLT_OK;
    switch (instruction->opcode) {
    case VECTOR_MASK_CONSTANT:
        encode_constant(encoder, line, destination);
        break;
    case VECTOR_MASK_COUNT:
        encode_count(encoder, line, destination);
        break;
    case VECTOR_MASK_AND:
        encode_and(encoder, instruction, destination);
        break;
    case VECTOR_BLEND:
        encode_blend(encoder, instruction, destination);
        break;
    default:
        encode_compare(encoder, instruction, destination);
    }
    return DLT_OK;
}
