/* Exchanges between the lanes of two vectors. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    PARTS_0_2_1_3 = 0xd8 /* of four quarters: the inner two change places */
};

/* vperm2f128 numbers the parts of both sources together, a's first. */
void x86_encode_parts(struct x86_encoder *encoder, const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int first = x86_value_register(encoder, instruction->sources[0]);
    int parts = assembler->vector_bytes / 16;
    int64_t numbers = instruction->immediate & (parts == 4 ? 0xff : 3);
    if (parts == 1) {
        x86_move(encoder, destination, first);
        return;
    }
    if (!encoder->isa->evex)
        numbers = (numbers & 1) | (2 + (numbers >> 1)) << 4;
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_SHUFFLE_PARTS, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, first);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[1]));
    x86_immediate(assembler, numbers);
    x86_end(assembler);
}

/* Two parts at most: an exchange within parts leaves the quarters of 32 bytes in the order a b a
 * b. */
static void alternate_within_parts(struct x86_encoder *encoder,
                                   const struct vector_instruction *instruction) {
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int a = instruction->immediate & 1, b = instruction->immediate >> 1 & 1;
    bool doubles = x86_lane_bytes(instruction) == 8;
    x86_begin(assembler, doubles ? ZYDIS_MNEMONIC_VSHUFPD : ZYDIS_MNEMONIC_VSHUFPS);
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_source(encoder, instruction, 0);
    x86_source(encoder, instruction, 1);
    x86_immediate(assembler, !doubles ? a | (a + 2) << 2 | b << 4 | (b + 2) << 6
                             : assembler->vector_bytes == 16 ? a | b << 1
                                                             : (a | b << 1) * 5);
    x86_end(assembler);
    if (assembler->vector_bytes == 16)
        return;
    x86_begin(assembler, ZYDIS_MNEMONIC_VPERMPD);
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, destination);
    x86_immediate(assembler, PARTS_0_2_1_3);
    x86_end(assembler);
}

/* Which order of lanes a pick needs; `exchanged`: of its sources b comes first. */
static int order_of(const struct vector_instruction *instruction, bool exchanged) {
    return (int)(instruction->immediate & 3) | exchanged << 2 |
           (x86_lane_bytes(instruction) == 8) << 3;
}

/* reg = of each lane of the result the number of its lane in the first and the second source
 * together. */
static void load_order(struct x86_encoder *encoder, int number, int reg) {
    struct x86_assembler *assembler = &encoder->assembler;
    unsigned char order[64];
    int bytes = number & 8 ? 8 : 4, lanes = assembler->vector_bytes / bytes;
    for (int i = 0; i < lanes; i++) {
        bool upper = 2 * i >= lanes;
        int64_t lane = 2 * i + (number >> upper & 1);
        if (number & 4)
            lane ^= lanes;
        memcpy(order + i * bytes, &lane, (size_t)bytes);
    }
    x86_begin(assembler, ZYDIS_MNEMONIC_VMOVUPS);
    x86_vector(assembler, reg);
    x86_lanes(assembler, 0, false);
    x86_constant_memory(assembler, x86_constant(assembler, order, sizeof order), sizeof order);
    x86_end(assembler);
}

static bool wide(const struct x86_isa *isa, int vector_bytes) {
    return isa->evex && vector_bytes == 64;
}

bool x86_needs_order(const struct x86_allocation *allocation, int line) {
    const struct vector_instruction *instruction = allocation->lines[line].instruction;
    if (!wide(allocation->isa, allocation->program->vector_bytes))
        return false;
    for (int i = 0; i < 2; i++) {
        int source = instruction->sources[i];
        if (i != instruction->memory_source &&
            (source == instruction->destination || allocation->intervals[source].end == line))
            return true;
    }
    return false;
}

/* The source whose register the result takes, or -1. */
static int overwritten_source(const struct x86_encoder *encoder,
                              const struct vector_instruction *instruction) {
    int destination = x86_value_register(encoder, instruction->destination);
    for (int i = 0; i < 2; i++)
        if (i != instruction->memory_source &&
            x86_value_register(encoder, instruction->sources[i]) == destination)
            return i;
    return -1;
}

void x86_hold_orders(struct x86_encoder *encoder) {
    struct x86_allocation *allocation = &encoder->allocation;
    if (!wide(encoder->isa, encoder->assembler.vector_bytes))
        return;
    for (int i = 0; i < allocation->line_count; i++) {
        const struct vector_instruction *instruction = allocation->lines[i].instruction;
        unsigned unused = ~allocation->used[X86_VECTOR];
        int order, reg;
        if (allocation->lines[i].kind != X86_INSTRUCTION ||
            instruction->opcode != VECTOR_PICK_ALTERNATE || unused == 0)
            continue;
        order = order_of(instruction, overwritten_source(encoder, instruction) == 1);
        if (encoder->held_orders[order])
            continue;
        reg = __builtin_ctz(unused);
        allocation->used[X86_VECTOR] |= 1u << reg;
        encoder->held_orders[order] = (signed char)(reg + 1);
        load_order(encoder, order, reg);
    }
}

/* The register that holds an order: `reg`, loaded, if none does already. */
static int find_order(struct x86_encoder *encoder, int order, int reg) {
    if (encoder->held_orders[order])
        return encoder->held_orders[order] - 1;
    load_order(encoder, order, reg);
    return reg;
}

/* One instruction takes from two vectors what a third, the order, says; it overwrites one of the
 * three. */
void x86_encode_alternate(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination), order, overwritten;
    bool doubles = x86_lane_bytes(instruction) == 8;
    if (!wide(encoder->isa, assembler->vector_bytes)) {
        alternate_within_parts(encoder, instruction);
        return;
    }
    overwritten = overwritten_source(encoder, instruction);
    order = order_of(instruction, overwritten == 1);
    if (overwritten < 0) {
        x86_move(encoder, destination, find_order(encoder, order, destination));
        x86_begin(assembler, doubles ? ZYDIS_MNEMONIC_VPERMI2PD : ZYDIS_MNEMONIC_VPERMI2PS);
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_source(encoder, instruction, 0);
    } else {
        int reg = find_order(encoder, order, line->vector_temporaries[0]);
        x86_begin(assembler, doubles ? ZYDIS_MNEMONIC_VPERMT2PD : ZYDIS_MNEMONIC_VPERMT2PS);
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_vector(assembler, reg);
    }
    x86_source(encoder, instruction, overwritten == 1 ? 0 : 1);
    x86_end(assembler);
}
