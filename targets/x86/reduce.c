/* Minimum and maximum, in which a NaN wins, and reductions across lanes.
 *
 * The machine's minimum and maximum give their second source where either is NaN. So only a NaN in
 * the first source is lost: a comparison finds it beforehand, and its lanes are filled with ones,
 * which is a NaN too. AVX-512 has an instruction that puts a NaN back, by a table that waits in a
 * register if one is left.
 *
 * Reductions across lanes exchange halves and combine, then quarters, until single lanes are
 * exchanged. Each step combines lane i with lane i + half both ways, so all lanes hold the
 * result. */
#include "targets/x86/x86.h"

enum {
    UNORDERED_QUIET = 3,
    ALL_ONES = 0xff, /* of a table of three truth values */
};

/* Notes the lanes in which a or b is NaN in the line's last temporary. */
static void find_nans(struct x86_encoder *encoder, const struct x86_line *line, int temporary,
                      int a, int b) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler,
              line->instruction->type == TYPE_F64 ? ZYDIS_MNEMONIC_VCMPPD : ZYDIS_MNEMONIC_VCMPPS);
    if (encoder->isa->evex)
        x86_mask_register(assembler, line->mask_temporary);
    else
        x86_vector(assembler, line->vector_temporaries[temporary]);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, a);
    x86_vector(assembler, b);
    x86_immediate(assembler, UNORDERED_QUIET);
    x86_end(assembler);
}

/* Makes the noted lanes of a register NaN. */
static void put_nans(struct x86_encoder *encoder, const struct x86_line *line, int temporary,
                     int reg) {
    struct x86_assembler *assembler = &encoder->assembler;
    bool evex = encoder->isa->evex;
    bool is_double = line->instruction->type == TYPE_F64;
    x86_begin(assembler, !evex       ? ZYDIS_MNEMONIC_VORPS
                         : is_double ? ZYDIS_MNEMONIC_VPTERNLOGQ
                                     : ZYDIS_MNEMONIC_VPTERNLOGD);
    x86_vector(assembler, reg);
    x86_lanes(assembler, line->mask_temporary, false);
    x86_vector(assembler, reg);
    x86_vector(assembler, evex ? reg : line->vector_temporaries[temporary]);
    if (evex)
        x86_immediate(assembler, ALL_ONES);
    x86_end(assembler);
}

static bool is_choice_of_f32(const struct vector_instruction *instruction) {
    return x86_operations[instruction->opcode].shape == X86_CHOICE && instruction->type == TYPE_F32;
}

void x86_hold_nan_table(struct x86_encoder *encoder) {
    static const unsigned char take_nans[4] = {0x11}; /* quiet and signalling: the source's */
    struct x86_allocation *allocation = &encoder->allocation;
    struct x86_assembler *assembler = &encoder->assembler;
    unsigned unused = ~allocation->used[X86_VECTOR];
    bool any = false;
    for (int i = 0; i < allocation->line_count; i++)
        any |= allocation->lines[i].kind == X86_INSTRUCTION &&
               is_choice_of_f32(allocation->lines[i].instruction);
    if (!any || !encoder->isa->evex || !unused)
        return;
    encoder->nan_table = (signed char)(__builtin_ctz(unused) + 1);
    allocation->used[X86_VECTOR] |= 1u << (encoder->nan_table - 1);
    x86_begin(assembler, ZYDIS_MNEMONIC_VBROADCASTSS);
    x86_vector(assembler, encoder->nan_table - 1);
    x86_lanes(assembler, 0, false);
    x86_constant_memory(assembler, x86_constant(assembler, take_nans, sizeof take_nans),
                        (int)sizeof take_nans);
    x86_end(assembler);
}

/* Where the source is NaN the register becomes that, by the table. */
static void take_nans(struct x86_encoder *encoder, int reg, int source) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler, ZYDIS_MNEMONIC_VFIXUPIMMPS);
    x86_vector(assembler, reg);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, source);
    x86_vector(assembler, encoder->nan_table - 1);
    x86_immediate(assembler, 0);
    x86_end(assembler);
}

void x86_encode_choice(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int first = x86_value_register(encoder, instruction->sources[0]);
    bool is_float = instruction->type != TYPE_S32;
    bool takes = encoder->nan_table && is_choice_of_f32(instruction) && destination != first;
    if (is_float && !takes)
        find_nans(encoder, line, 0, first, first);
    x86_begin(assembler, x86_mnemonic(encoder->isa, instruction->opcode, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, first);
    x86_source(encoder, instruction, 1);
    x86_end(assembler);
    if (takes)
        take_nans(encoder, destination, first);
    else if (is_float)
        put_nans(encoder, line, 0, destination);
}

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

/* Which of two zeros of both signs wins depends on the order of sources, so lanes could differ:
 * lane 0 is the result. */
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
    bool chooses = instruction->opcode == VECTOR_REDUCE_MAXIMUM ||
                   instruction->opcode == VECTOR_REDUCE_MINIMUM;
    bool finds_nans = chooses && instruction->type != TYPE_S32;
    for (int span = assembler->vector_bytes; span > x86_lane_bytes(instruction); span /= 2) {
        exchange(encoder, temporary, source, span);
        if (finds_nans)
            find_nans(encoder, line, 1, source, temporary);
        x86_begin(assembler, x86_mnemonic(encoder->isa, instruction->opcode, instruction->type));
        x86_vector(assembler, destination);
        x86_lanes(assembler, 0, false);
        x86_vector(assembler, source);
        x86_vector(assembler, temporary);
        x86_end(assembler);
        if (finds_nans)
            put_nans(encoder, line, 1, destination);
        source = destination;
    }
    if (chooses)
        spread_lane_0(encoder, instruction, destination);
}
