/* Reductions across lanes: exchange halves and combine, then quarters, until single lanes are
 * exchanged. Each step combines lane i with lane i + half both ways, so all lanes hold the result.
 */
#include "targets/x86/x86.h"

/* temporary = source with its halves of `span` bytes exchanged, in each span of the vector */
static void exchange(struct x86_encoder *encoder, int temporary, int source, int span) {
    struct x86_assembler *assembler = &encoder->assembler;
    bool evex = encoder->isa->evex;
    ZydisMnemonic mnemonic;
    int immediate;
    if (span == 64) {
        mnemonic = ZYDIS_MNEMONIC_VSHUFF32X4;
        immediate = 0x4e; /* quarters 2 3 0 1 */
    } else if (span == 32) {
        mnemonic = evex ? ZYDIS_MNEMONIC_VSHUFF32X4 : ZYDIS_MNEMONIC_VPERM2F128;
        immediate = assembler->vector_bytes == 64 ? 0xb1 : 1; /* quarters 1 0 3 2; halves 1 0 */
    } else if (span == 16) {
        mnemonic = ZYDIS_MNEMONIC_VPERMILPS;
        immediate = 0x4e;
    } else {
        mnemonic = ZYDIS_MNEMONIC_VPERMILPS;
        immediate = 0xb1;
    }
    x86_begin(assembler, mnemonic);
    x86_vector(assembler, temporary);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, source);
    if (span >= 32)
        x86_vector(assembler, source);
    x86_immediate(assembler, immediate);
    x86_end(assembler);
}

/* Minimum and maximum of unequal bits (zeros of both signs, NaN) depend on the order of sources,
 * so lanes could differ: lane 0 is the result. */
static void spread_lane_0(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                          int reg) {
    struct x86_assembler *assembler = &encoder->assembler;
    bool pair = x86_lane_bytes(instruction) == 8 && assembler->vector_bytes == 16;
    x86_begin(assembler,
              pair ? ZYDIS_MNEMONIC_VMOVDDUP
                   : x86_mnemonic(encoder->isa, VECTOR_LOAD_BROADCAST, instruction->type));
    x86_vector(assembler, reg);
    x86_lanes(assembler, 0, false);
    x86_vector_of(assembler, reg, 16);
    x86_end(assembler);
}

void x86_encode_reduce(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int source = x86_value_register(encoder, instruction->sources[0]);
    int temporary = line->vector_temporaries[0];
    for (int span = assembler->vector_bytes; span > x86_lane_bytes(instruction); span /= 2) {
        exchange(encoder, temporary, source, span);
        x86_begin(assembler, x86_mnemonic(encoder->isa, instruction->opcode, instruction->type));
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_vector(assembler, source);
        x86_vector(assembler, temporary);
        x86_end(assembler);
        source = destination;
    }
    if (instruction->opcode == VECTOR_REDUCE_MAXIMUM ||
        instruction->opcode == VECTOR_REDUCE_MINIMUM)
        spread_lane_0(encoder, instruction, destination);
}
