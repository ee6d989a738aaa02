/* The frame of a tile's function: registers kept for the caller, room for counters on the stack,
 * and what debuggers need to find the caller from any instruction.
 *
 * The last are DWARF's call frame instructions (DWARF 5, section 6.4.2): from each place on where
 * the stack pointer moved, how far the caller's frame is from it, and where registers were put. */
#include "targets/x86/x86.h"

#include <string.h>

enum {
    WORD_BYTES = 8,
    UNWINDING_MOST = 256 /* bytes; seven moves each way take half of it */
};

enum {
    CFA_ADVANCE_4 = 0x04,
    CFA_DEFINE_OFFSET = 0x0e,
    CFA_OFFSET = 0x80 /* and the register's number */
};

/* The registers that a function has to give back as it found them, rbx, rbp, r12 - r15, and DWARF's
 * numbers of them. */
static const struct {
    signed char reg, dwarf;
} preserved[] = {{3, 3}, {5, 6}, {12, 12}, {13, 13}, {14, 14}, {15, 15}};
enum {
    PRESERVED = sizeof preserved / sizeof preserved[0]
};

static void note(struct x86_encoder *encoder, unsigned char byte) {
    encoder->unwinding[encoder->unwinding_bytes++] = byte;
}

static void note_number(struct x86_encoder *encoder, unsigned number) {
    for (; number >= 0x80; number >>= 7)
        note(encoder, (unsigned char)(number | 0x80));
    note(encoder, (unsigned char)number);
}

/* The stack pointer has moved down by so many bytes, or up by as many below zero. */
static void note_move(struct x86_encoder *encoder, int bytes) {
    uint32_t advance = (uint32_t)(encoder->assembler.size - encoder->noted_at);
    encoder->noted_at = encoder->assembler.size;
    encoder->stack_bytes += bytes;
    note(encoder, CFA_ADVANCE_4);
    for (int i = 0; i < 4; i++)
        note(encoder, (unsigned char)(advance >> 8 * i));
    note(encoder, CFA_DEFINE_OFFSET);
    note_number(encoder, (unsigned)(encoder->stack_bytes + WORD_BYTES)); /* the return address */
}

static void note_saved(struct x86_encoder *encoder, int dwarf) {
    note(encoder, (unsigned char)(CFA_OFFSET | dwarf));
    note_number(encoder, (unsigned)(encoder->stack_bytes / WORD_BYTES + 1));
}

static void emit_general(struct x86_encoder *encoder, ZydisMnemonic mnemonic, int reg) {
    x86_begin(&encoder->assembler, mnemonic);
    x86_general(&encoder->assembler, reg);
    x86_end(&encoder->assembler);
}

static void emit_bare(struct x86_encoder *encoder, ZydisMnemonic mnemonic) {
    x86_begin(&encoder->assembler, mnemonic);
    x86_end(&encoder->assembler);
}

static void move_stack(struct x86_encoder *encoder, ZydisMnemonic mnemonic, int words) {
    if (words == 0)
        return;
    x86_begin(&encoder->assembler, mnemonic);
    x86_general(&encoder->assembler, X86_RSP);
    x86_immediate(&encoder->assembler, (int64_t)words * WORD_BYTES);
    x86_end(&encoder->assembler);
    note_move(encoder, mnemonic == ZYDIS_MNEMONIC_SUB ? words * WORD_BYTES : -words * WORD_BYTES);
}

static bool is_used(const struct x86_encoder *encoder, int i) {
    return encoder->allocation.used[X86_GENERAL] >> preserved[i].reg & 1;
}

void x86_prologue(struct x86_encoder *encoder) {
    encoder->unwinding = arena_allocate(encoder->assembler.arena, UNWINDING_MOST);
    for (int i = 0; i < PRESERVED; i++)
        if (is_used(encoder, i)) {
            emit_general(encoder, ZYDIS_MNEMONIC_PUSH, preserved[i].reg);
            note_move(encoder, WORD_BYTES);
            note_saved(encoder, preserved[i].dwarf);
        }
    move_stack(encoder, ZYDIS_MNEMONIC_SUB, encoder->allocation.slots);
}

void x86_epilogue(struct x86_encoder *encoder) {
    if (encoder->allocation.used[X86_VECTOR] && encoder->program->vector_bytes > 16)
        emit_bare(encoder, ZYDIS_MNEMONIC_VZEROUPPER);
    move_stack(encoder, ZYDIS_MNEMONIC_ADD, encoder->allocation.slots);
    for (int i = PRESERVED - 1; i >= 0; i--)
        if (is_used(encoder, i)) {
            emit_general(encoder, ZYDIS_MNEMONIC_POP, preserved[i].reg);
            note_move(encoder, -WORD_BYTES);
        }
    /* A tile answers 0, so that one that is all of a kernel can be its entry. */
    x86_begin(&encoder->assembler, ZYDIS_MNEMONIC_XOR);
    x86_general32(&encoder->assembler, X86_RAX);
    x86_general32(&encoder->assembler, X86_RAX);
    x86_end(&encoder->assembler);
    emit_bare(encoder, ZYDIS_MNEMONIC_RET);
}
