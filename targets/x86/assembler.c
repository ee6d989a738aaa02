/* One machine instruction at a time: operands are put into Zydis' request, Zydis makes the
 * bytes. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    LONGEST = ZYDIS_MAX_INSTRUCTION_LENGTH
};

void x86_begin(struct x86_assembler *assembler, ZydisMnemonic mnemonic) {
    ZydisEncoderRequest *request = &assembler->request;
    request->machine_mode = ZYDIS_MACHINE_MODE_LONG_64;
    request->mnemonic = mnemonic;
    request->operand_count = 0;
    request->branch_width = ZYDIS_BRANCH_WIDTH_NONE;
    memset(&request->evex, 0, sizeof request->evex);
}

static ZydisEncoderOperand *next_operand(struct x86_assembler *assembler, ZydisOperandType type) {
    ZydisEncoderOperand *operand = &assembler->request.operands[assembler->request.operand_count++];
    memset(operand, 0, sizeof *operand);
    operand->type = type;
    return operand;
}

static void register_operand(struct x86_assembler *assembler, ZydisRegister reg) {
    next_operand(assembler, ZYDIS_OPERAND_TYPE_REGISTER)->reg.value = reg;
}

ZydisRegister x86_vector_register(int reg, int bytes) {
    return (ZydisRegister)((bytes == 64   ? ZYDIS_REGISTER_ZMM0
                            : bytes == 32 ? ZYDIS_REGISTER_YMM0
                                          : ZYDIS_REGISTER_XMM0) +
                           reg);
}

void x86_vector_of(struct x86_assembler *assembler, int reg, int bytes) {
    register_operand(assembler, x86_vector_register(reg, bytes));
}

void x86_vector(struct x86_assembler *assembler, int reg) {
    x86_vector_of(assembler, reg, assembler->vector_bytes);
}

void x86_general(struct x86_assembler *assembler, int reg) {
    register_operand(assembler, (ZydisRegister)(ZYDIS_REGISTER_RAX + reg));
}

void x86_general32(struct x86_assembler *assembler, int reg) {
    register_operand(assembler, (ZydisRegister)(ZYDIS_REGISTER_EAX + reg));
}

void x86_mask_register(struct x86_assembler *assembler, int reg) {
    register_operand(assembler, (ZydisRegister)(ZYDIS_REGISTER_K0 + reg));
}

void x86_immediate(struct x86_assembler *assembler, int64_t value) {
    next_operand(assembler, ZYDIS_OPERAND_TYPE_IMMEDIATE)->imm.s = value;
}

void x86_memory_indexed(struct x86_assembler *assembler, int base, ZydisRegister index, int scale,
                        int64_t displacement, int bytes) {
    ZydisEncoderOperand *operand = next_operand(assembler, ZYDIS_OPERAND_TYPE_MEMORY);
    operand->mem.base = (ZydisRegister)(ZYDIS_REGISTER_RAX + base);
    operand->mem.index = index;
    operand->mem.scale = (ZyanU8)scale;
    operand->mem.displacement = displacement;
    operand->mem.size = (ZyanU16)bytes;
}

void x86_memory(struct x86_assembler *assembler, int base, int64_t displacement, int bytes) {
    x86_memory_indexed(assembler, base, ZYDIS_REGISTER_NONE, 0, displacement, bytes);
}

void x86_lanes(struct x86_assembler *assembler, int mask, bool zeroing) {
    if (!assembler->isa->evex)
        return;
    x86_mask_register(assembler, mask);
    assembler->request.evex.zeroing_mask = zeroing && mask;
}

static void reserve(struct x86_assembler *assembler, size_t more) {
    unsigned char *larger;
    if (assembler->size + more <= assembler->capacity)
        return;
    assembler->capacity = 2 * assembler->capacity + more;
    larger = arena_allocate(assembler->arena, assembler->capacity);
    if (assembler->size)
        memcpy(larger, assembler->bytes, assembler->size);
    assembler->bytes = larger;
}

static void add_fixup(struct x86_assembler *assembler) {
    if (assembler->fixup_count == assembler->fixup_capacity) {
        struct x86_fixup *larger;
        assembler->fixup_capacity = assembler->fixup_capacity ? 2 * assembler->fixup_capacity : 16;
        larger = ARENA_ARRAY(assembler->arena, struct x86_fixup, (size_t)assembler->fixup_capacity);
        if (assembler->fixup_count)
            memcpy(larger, assembler->fixups, (size_t)assembler->fixup_count * sizeof *larger);
        assembler->fixups = larger;
    }
    assembler->fixups[assembler->fixup_count++] =
        (struct x86_fixup){assembler->size - 4, assembler->pending_constant};
    assembler->fixup_pending = false;
}

void x86_end(struct x86_assembler *assembler) {
    ZyanUSize length = LONGEST;
    reserve(assembler, LONGEST);
    if (!ZYAN_SUCCESS(ZydisEncoderEncodeInstruction(&assembler->request,
                                                    assembler->bytes + assembler->size, &length))) {
        if (!assembler->failed)
            assembler->failed = assembler->request.mnemonic;
        return;
    }
    assembler->size += length;
    if (assembler->fixup_pending)
        add_fixup(assembler);
}

enum {
    SHORT_JUMP = 2,
    NEAR_JUMP = 6
};

void x86_jump(struct x86_assembler *assembler, ZydisMnemonic mnemonic, int64_t target) {
    int64_t distance = target - (int64_t)assembler->size;
    bool near = target < 0 || distance - SHORT_JUMP < INT8_MIN || distance - SHORT_JUMP > INT8_MAX;
    x86_begin(assembler, mnemonic);
    x86_immediate(assembler, target < 0 ? 0 : distance - (near ? NEAR_JUMP : SHORT_JUMP));
    assembler->request.branch_width = near ? ZYDIS_BRANCH_WIDTH_32 : ZYDIS_BRANCH_WIDTH_8;
    x86_end(assembler);
}

void x86_patch_jump(struct x86_assembler *assembler, size_t end_of_jump) {
    int32_t distance = (int32_t)(assembler->size - end_of_jump);
    if (end_of_jump >= 4)
        memcpy(assembler->bytes + end_of_jump - 4, &distance, 4);
}

void x86_align(struct x86_assembler *assembler, size_t bytes) {
    size_t gap = -assembler->size & (bytes - 1);
    reserve(assembler, gap);
    if (gap)
        ZydisEncoderNopFill(assembler->bytes + assembler->size, gap);
    assembler->size += gap;
}
