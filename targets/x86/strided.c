/* Elements a constant stride apart.
 *
 * Gathers and AVX-512's scatters take their offsets, lane * stride, from the constant pool, and
 * destroy the mask they are given. AVX2 has no scatter: it stores lane by lane, jumping over those
 * that a mask leaves out. */
#include "targets/x86/x86.h"

#include <string.h>

/* temporary = the lanes' offsets; the bytes of that vector */
static int load_offsets(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                        int temporary) {
    struct x86_assembler *assembler = &encoder->assembler;
    int32_t offsets[16] = {0};
    int lanes = assembler->vector_bytes / x86_lane_bytes(instruction);
    int bytes = 4 * lanes < 16 ? 16 : 4 * lanes;
    for (int i = 0; i < lanes; i++)
        offsets[i] = (int32_t)(i * instruction->stride);
    x86_begin(assembler, ZYDIS_MNEMONIC_VMOVUPS);
    x86_vector_of(assembler, temporary, bytes);
    x86_lanes(assembler, 0, false);
    x86_constant_memory(assembler, x86_constant(assembler, offsets, (size_t)bytes), bytes);
    x86_end(assembler);
    return bytes;
}

/* The mask that a gather or scatter of AVX-512 may destroy. */
static void copy_mask_register(struct x86_encoder *encoder, int copy, int mask) {
    struct x86_assembler *assembler = &encoder->assembler;
    x86_begin(assembler, mask < 0 ? ZYDIS_MNEMONIC_KXNORW : ZYDIS_MNEMONIC_KMOVW);
    x86_mask_register(assembler, copy);
    x86_mask_register(assembler, mask < 0 ? copy : mask);
    if (mask < 0)
        x86_mask_register(assembler, copy);
    x86_end(assembler);
}

static void copy_mask_vector(struct x86_encoder *encoder, int copy, int mask) {
    if (mask >= 0) {
        x86_move(encoder, copy, mask);
        return;
    }
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_VPCMPEQD);
    for (int i = 0; i < 3; i++)
        x86_vector(&encoder->assembler, copy);
    x86_end(&encoder->assembler);
}

static void gather(struct x86_encoder *encoder, const struct x86_line *line, int mask) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int destination = x86_value_register(encoder, instruction->destination);
    int offsets = line->vector_temporaries[0], bytes = load_offsets(encoder, instruction, offsets);
    if (encoder->isa->evex)
        copy_mask_register(encoder, line->mask_temporary, mask);
    else
        copy_mask_vector(encoder, line->vector_temporaries[1], mask);
    x86_begin(assembler, ZYDIS_MNEMONIC_VXORPS); /* lanes left out keep the destination's content */
    x86_vector(assembler, destination);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, destination);
    x86_vector(assembler, destination);
    x86_end(assembler);
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_LOAD_STRIDED, instruction->type));
    x86_vector(assembler, destination);
    x86_lanes(assembler, line->mask_temporary, false);
    x86_memory_indexed(assembler, x86_base(encoder, &instruction->address),
                       x86_vector_register(offsets, bytes), 1, instruction->address.displacement,
                       x86_lane_bytes(instruction));
    if (!encoder->isa->evex)
        x86_vector(assembler, line->vector_temporaries[1]);
    x86_end(assembler);
}

/* The same with offsets that are a source. Offsets, mask and result must be three registers. */
static void gather_indexed(struct x86_encoder *encoder, const struct x86_line *line, int mask) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int result = line->vector_temporaries[0], bytes = x86_lane_bytes(instruction);
    int offsets = x86_value_register(encoder, instruction->sources[0]);
    if (encoder->isa->evex)
        copy_mask_register(encoder, line->mask_temporary, mask);
    else
        copy_mask_vector(encoder, line->vector_temporaries[1], mask);
    x86_begin(assembler, ZYDIS_MNEMONIC_VXORPS);
    x86_vector(assembler, result);
    x86_lanes(assembler, 0, false);
    x86_vector(assembler, result);
    x86_vector(assembler, result);
    x86_end(assembler);
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_LOAD_INDEXED, instruction->type));
    x86_vector(assembler, result);
    x86_lanes(assembler, line->mask_temporary, false);
    x86_memory_indexed(assembler, x86_base(encoder, &instruction->address),
                       x86_vector_register(offsets, assembler->vector_bytes), bytes,
                       instruction->address.displacement, bytes);
    if (!encoder->isa->evex)
        x86_vector(assembler, line->vector_temporaries[1]);
    x86_end(assembler);
    x86_move(encoder, x86_value_register(encoder, instruction->destination), result);
}

static void scatter(struct x86_encoder *encoder, const struct x86_line *line, int mask) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int offsets = line->vector_temporaries[0], bytes = load_offsets(encoder, instruction, offsets);
    copy_mask_register(encoder, line->mask_temporary, mask);
    x86_begin(assembler, x86_mnemonic(encoder->isa, VECTOR_STORE_STRIDED, instruction->type));
    x86_memory_indexed(assembler, x86_base(encoder, &instruction->address),
                       x86_vector_register(offsets, bytes), 1, instruction->address.displacement,
                       x86_lane_bytes(instruction));
    x86_lanes(assembler, line->mask_temporary, false);
    x86_vector(assembler, x86_value_register(encoder, instruction->sources[0]));
    x86_end(assembler);
}

/* Stores one lane of a 16-byte part that is in xmm `part`. */
static void store_lane(struct x86_encoder *encoder, const struct vector_instruction *instruction,
                       int part, int lane, int64_t displacement) {
    static const ZydisMnemonic doubles[2] = {ZYDIS_MNEMONIC_VMOVLPD, ZYDIS_MNEMONIC_VMOVHPD};
    struct x86_assembler *assembler = &encoder->assembler;
    int bytes = x86_lane_bytes(instruction);
    x86_begin(assembler, bytes == 8 ? doubles[lane]
                         : lane     ? ZYDIS_MNEMONIC_VEXTRACTPS
                                    : ZYDIS_MNEMONIC_VMOVSS);
    x86_memory(assembler, x86_base(encoder, &instruction->address), displacement, bytes);
    x86_vector_of(assembler, part, 16);
    if (bytes == 4 && lane)
        x86_immediate(assembler, lane);
    x86_end(assembler);
}

static void load_mask_bits(struct x86_encoder *encoder,
                           const struct vector_instruction *instruction, int general, int mask) {
    x86_begin(&encoder->assembler, x86_lane_bytes(instruction) == 8 ? ZYDIS_MNEMONIC_VMOVMSKPD
                                                                    : ZYDIS_MNEMONIC_VMOVMSKPS);
    x86_general32(&encoder->assembler, general);
    x86_vector(&encoder->assembler, mask);
    x86_end(&encoder->assembler);
}

static void store_lanes(struct x86_encoder *encoder, const struct x86_line *line, int mask) {
    const struct vector_instruction *instruction = line->instruction;
    struct x86_assembler *assembler = &encoder->assembler;
    int bits = line->general_temporaries[0], upper = line->vector_temporaries[0];
    int part = x86_value_register(encoder, instruction->sources[0]);
    int bytes = x86_lane_bytes(instruction), lanes = assembler->vector_bytes / bytes;
    const int64_t *constant = instruction->mask == VECTOR_NONE
                                  ? NULL
                                  : encoder->allocation.constant_mask[instruction->mask];
    bool tested = mask >= 0 && !constant;
    if (tested)
        load_mask_bits(encoder, instruction, bits, mask);
    for (int lane = 0; lane < lanes; lane++) {
        size_t jump = 0;
        if (lane * bytes == 16) {
            x86_begin(assembler, ZYDIS_MNEMONIC_VEXTRACTF128);
            x86_vector_of(assembler, upper, 16);
            x86_vector(assembler, part);
            x86_immediate(assembler, 1);
            x86_end(assembler);
            part = upper;
        }
        if (constant && !(*constant >> lane & 1))
            continue;
        if (tested) {
            x86_begin(assembler, ZYDIS_MNEMONIC_TEST);
            x86_general32(assembler, bits);
            x86_immediate(assembler, 1 << lane);
            x86_end(assembler);
            x86_jump(assembler, ZYDIS_MNEMONIC_JZ, -1);
            jump = assembler->size;
        }
        store_lane(encoder, instruction, part, lane % (16 / bytes),
                   instruction->address.displacement + lane * instruction->stride);
        if (tested)
            x86_patch_jump(assembler, jump);
    }
}

static dlt_status check_reach(struct x86_encoder *encoder,
                              const struct vector_instruction *instruction, int lanes) {
    const char *name = vector_operations[instruction->opcode].name;
    int64_t limit = INT32_MAX / lanes, last;
    if (instruction->stride > limit || instruction->stride < -limit)
        return error_set(encoder->error, DLT_ERROR_REFUSED,
                         "%s: a stride of %lld bytes is not from -%lld to %lld", name,
                         (long long)instruction->stride, (long long)limit, (long long)limit);
    last = instruction->address.displacement + (lanes - 1) * instruction->stride;
    if (last > INT32_MAX || last < INT32_MIN)
        return error_set(encoder->error, DLT_ERROR_REFUSED,
                         "%s: a displacement of %lld bytes does not fit in 32 bits", name,
                         (long long)last);
    return DLT_OK;
}

dlt_status x86_encode_strided(struct x86_encoder *encoder, const struct x86_line *line) {
    const struct vector_instruction *instruction = line->instruction;
    int mask =
        instruction->mask == VECTOR_NONE ? -1 : x86_value_register(encoder, instruction->mask);
    if (instruction->opcode != VECTOR_LOAD_INDEXED)
        TRY(check_reach(encoder, instruction,
                        encoder->assembler.vector_bytes / x86_lane_bytes(instruction)));
    if (instruction->opcode == VECTOR_LOAD_STRIDED)
        gather(encoder, line, mask);
    else if (instruction->opcode == VECTOR_LOAD_INDEXED)
        gather_indexed(encoder, line, mask);
    else if (encoder->isa->evex)
        scatter(encoder, line, mask);
    else
        store_lanes(encoder, line, mask);
    return DLT_OK;
}
