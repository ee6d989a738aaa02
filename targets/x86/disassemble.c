/* Machine code as text: offset, bytes, assembly; then the constants. */
#include "targets/x86/x86.h"

enum {
    BYTES_COLUMN = 11
};

static void print_bytes(struct text *text, const unsigned char *bytes, size_t count,
                        size_t column) {
    for (size_t i = 0; i < count || i < column; i++) {
        if (i < count)
            text_format(text, "%02x", bytes[i]);
        else
            text_append(text, "  ");
    }
}

void x86_disassemble(struct text *text, const struct machine_code *code) {
    size_t at = 0;
    while (at < code->code_size) {
        ZydisDisassembledInstruction instruction;
        if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, at, code->bytes + at,
                                                code->code_size - at, &instruction))) {
            text_format(text, "%6zx  %02x  (bad)\n", at, code->bytes[at]);
            at++;
            continue;
        }
        text_format(text, "%6zx  ", at);
        print_bytes(text, code->bytes + at, instruction.info.length, BYTES_COLUMN);
        text_format(text, "  %s\n", instruction.text);
        at += instruction.info.length;
    }
    for (at = (code->code_size + 63) & ~(size_t)63; at < code->size; at += 16) {
        text_format(text, "%6zx  ", at);
        print_bytes(text, code->bytes + at, code->size - at < 16 ? code->size - at : 16, 0);
        text_append(text, "\n");
    }
}
