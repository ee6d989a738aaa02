/* The constant pool: numbers behind the code, addressed relative to the instruction pointer.
 *
 * Equal constants are stored once. Offsets in the pool are known at once, the pool's own place only
 * when the code is complete: the displacements are written then. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    POOL_ALIGNMENT = 64
};

size_t x86_constant(struct x86_assembler *assembler, const void *bytes, size_t count) {
    size_t offset = (assembler->pool_size + count - 1) & ~(count - 1);
    for (size_t at = 0; at + count <= assembler->pool_size; at += count)
        if (memcmp(assembler->pool + at, bytes, count) == 0)
            return at;
    if (offset + count > assembler->pool_capacity) {
        unsigned char *larger;
        assembler->pool_capacity = 2 * assembler->pool_capacity + 512;
        larger = arena_allocate(assembler->arena, assembler->pool_capacity);
        if (assembler->pool_size)
            memcpy(larger, assembler->pool, assembler->pool_size);
        assembler->pool = larger;
    }
    memcpy(assembler->pool + offset, bytes, count);
    assembler->pool_size = offset + count;
    return offset;
}

void x86_constant_memory(struct x86_assembler *assembler, size_t constant, int bytes) {
    ZydisEncoderOperand *operand;
    x86_memory(assembler, 0, 0, bytes);
    operand = &assembler->request.operands[assembler->request.operand_count - 1];
    operand->mem.base = ZYDIS_REGISTER_RIP;
    assembler->fixup_pending = true;
    assembler->pending_constant = constant;
}

void x86_append_pool(struct x86_assembler *assembler) {
    size_t code_size = assembler->size, start;
    unsigned char *whole;
    if (!assembler->pool_size)
        return;
    start = (code_size + POOL_ALIGNMENT - 1) & ~(size_t)(POOL_ALIGNMENT - 1);
    for (int i = 0; i < assembler->fixup_count; i++) {
        const struct x86_fixup *fixup = &assembler->fixups[i];
        int32_t distance = (int32_t)(start + fixup->constant - (fixup->at + 4));
        memcpy(assembler->bytes + fixup->at, &distance, 4);
    }
    if (start + assembler->pool_size > assembler->capacity) {
        whole = arena_allocate(assembler->arena, start + assembler->pool_size);
        memcpy(whole, assembler->bytes, code_size);
        assembler->bytes = whole;
        assembler->capacity = start + assembler->pool_size;
    }
    memset(assembler->bytes + code_size, 0, start - code_size);
    memcpy(assembler->bytes + start, assembler->pool, assembler->pool_size);
    assembler->size = start + assembler->pool_size;
}

void x86_write_lane(void *lane, enum data_type type, double number) {
    if (type == TYPE_F64) {
        memcpy(lane, &number, sizeof number);
    } else if (type == TYPE_F32) {
        float single = (float)number;
        memcpy(lane, &single, sizeof single);
    } else {
        int32_t integer = number >= 2147483647.0    ? INT32_MAX
                          : number <= -2147483648.0 ? INT32_MIN
                                                    : (int32_t)number;
        memcpy(lane, &integer, sizeof integer);
    }
}
