/* Masks whose lanes the encoder knows.
 *
 * AVX2's masked stores are slow on many machines, and its masks occupy vector registers. A store
 * with a known mask is written as plain stores of the pieces instead, and a mask that only such
 * stores use is never computed. */
#include "targets/x86/x86.h"

enum {
    PART_BYTES = 16
};

static void find_constants(struct x86_allocation *allocation) {
    for (int i = 0; i < allocation->line_count; i++) {
        const struct vector_instruction *instruction = allocation->lines[i].instruction;
        if (allocation->lines[i].kind == X86_INSTRUCTION &&
            instruction->opcode == VECTOR_MASK_CONSTANT &&
            !allocation->program->values[instruction->destination].is_variable)
            allocation->constant_mask[instruction->destination] = &instruction->immediate;
    }
}

bool x86_stores_pieces(const struct x86_allocation *allocation,
                       const struct vector_instruction *instruction) {
    return !allocation->isa->evex && instruction->mask != VECTOR_NONE &&
           (instruction->opcode == VECTOR_STORE || instruction->opcode == VECTOR_STORE_STRIDED) &&
           allocation->constant_mask[instruction->mask];
}

bool x86_is_unread_mask(const struct x86_allocation *allocation,
                        const struct vector_instruction *instruction) {
    return instruction->opcode == VECTOR_MASK_CONSTANT &&
           allocation->constant_mask[instruction->destination] &&
           !allocation->mask_is_read[instruction->destination];
}

void x86_find_known_masks(struct x86_allocation *allocation, struct arena *arena) {
    size_t values = (size_t)allocation->program->value_count;
    allocation->constant_mask = ARENA_ARRAY(arena, const int64_t *, values);
    allocation->mask_is_read = ARENA_ARRAY(arena, bool, values);
    find_constants(allocation);
    for (int i = 0; i < allocation->line_count; i++) {
        const struct vector_instruction *instruction = allocation->lines[i].instruction;
        if (allocation->lines[i].kind != X86_INSTRUCTION)
            continue;
        if (instruction->mask != VECTOR_NONE && !x86_stores_pieces(allocation, instruction))
            allocation->mask_is_read[instruction->mask] = true;
        if (instruction->opcode == VECTOR_MASK_AND)
            for (int s = 0; s < 2; s++)
                allocation->mask_is_read[instruction->sources[s]] = true;
    }
}

/* The mask's bits for the lanes of part `part`, lowest first. */
static int part_lanes(const struct x86_allocation *allocation,
                      const struct vector_instruction *instruction, int part) {
    int lanes = PART_BYTES / x86_lane_bytes(instruction);
    return (int)(*allocation->constant_mask[instruction->mask] >> part * lanes) &
           ((1 << lanes) - 1);
}

static bool splits_upper_part(const struct x86_allocation *allocation,
                              const struct vector_instruction *instruction) {
    int all = (1 << PART_BYTES / x86_lane_bytes(instruction)) - 1, upper;
    if (instruction->opcode != VECTOR_STORE || allocation->program->vector_bytes == PART_BYTES ||
        !x86_stores_pieces(allocation, instruction))
        return false;
    upper = part_lanes(allocation, instruction, 1);
    return upper != 0 && upper != all;
}

/* A source that nobody needs any more gives its own register to its upper half. */
static bool source_dies(const struct x86_allocation *allocation, int line) {
    return allocation->intervals[allocation->lines[line].instruction->sources[0]].end == line;
}

bool x86_needs_upper_part(const struct x86_allocation *allocation, int line) {
    return splits_upper_part(allocation, allocation->lines[line].instruction) &&
           !source_dies(allocation, line);
}

/* Stores `bytes` bytes of xmm `part` from lane `lane` on. */
static void store_piece(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                        int part, int lane, int bytes, int64_t displacement) {
    struct x86_assembler *assembler = &encoder->assembler;
    bool upper = lane * x86_lane_bytes(instruction) >= 8;
    x86_begin(assembler, bytes == PART_BYTES ? ZYDIS_MNEMONIC_VMOVUPS
                         : bytes == 8 ? upper ? ZYDIS_MNEMONIC_VMOVHPD : ZYDIS_MNEMONIC_VMOVLPD
                         : lane       ? ZYDIS_MNEMONIC_VEXTRACTPS
                                      : ZYDIS_MNEMONIC_VMOVSS);
    x86_memory(assembler, x86_base(encoder, &instruction->address), displacement, bytes);
    x86_vector_of(assembler, part, PART_BYTES);
    if (bytes == 4 && lane)
        x86_immediate(assembler, lane);
    x86_end(assembler);
}

/* Stores the lanes of a part: all, the lower and the upper half, or what is left one by one. */
static void store_part(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                       int part, int lanes, int64_t displacement) {
    int bytes = x86_lane_bytes(instruction), count = PART_BYTES / bytes;
    for (int size = PART_BYTES; size >= bytes; size /= 2) {
        int step = size / bytes, piece = (1 << step) - 1;
        for (int lane = 0; lane < count; lane += step)
            if ((lanes >> lane & piece) == piece) {
                store_piece(encoder, instruction, part, lane, size, displacement + lane * bytes);
                lanes &= ~(piece << lane);
            }
    }
}

/* Writes the upper half of ymm `source` to memory, or to xmm `temporary` for pieces of it. */
static void extract_upper(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                          int source, int temporary) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler, ZYDIS_MNEMONIC_VEXTRACTF128);
    if (temporary >= 0)
        x86_vector_of(assembler, temporary, PART_BYTES);
    else
        x86_memory(assembler, x86_base(encoder, &instruction->address),
                   instruction->address.displacement + PART_BYTES, PART_BYTES);
    x86_vector(assembler, source);
    x86_immediate(assembler, 1);
    x86_end(assembler);
}

void x86_encode_pieces(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    const struct x86_allocation *allocation = &encoder->allocation;
    int source = x86_value_register(encoder, instruction->sources[0]), upper;
    int64_t displacement = instruction->address.displacement;
    store_part(encoder, instruction, source, part_lanes(allocation, instruction, 0), displacement);
    if (encoder->program->vector_bytes == PART_BYTES)
        return;
    upper = part_lanes(allocation, instruction, 1);
    if (splits_upper_part(allocation, instruction)) {
        int part = source_dies(allocation, (int)(line - allocation->lines))
                       ? source
                       : line->vector_temporaries[0];
        extract_upper(encoder, instruction, source, part);
        store_part(encoder, instruction, part, upper, displacement + PART_BYTES);
    } else if (upper) {
        extract_upper(encoder, instruction, source, -1);
    }
}
