/* The two targets of this folder: one encoder, two tables. */
#include "targets/x86/x86.h"

static dlt_status encode_avx512(const struct vector_program *program,
                                const struct target_description *description, struct arena *arena,
                                struct machine_code *code, struct error *error) {
    return x86_encode(&x86_avx512, program, description, arena, code, error);
}

static dlt_status encode_avx2(const struct vector_program *program,
                              const struct target_description *description, struct arena *arena,
                              struct machine_code *code, struct error *error) {
    return x86_encode(&x86_avx2, program, description, arena, code, error);
}

static bool supports_avx512(enum vector_opcode opcode, enum data_type type) {
    return x86_mnemonic(&x86_avx512, opcode, type) != ZYDIS_MNEMONIC_INVALID;
}

static bool supports_avx2(enum vector_opcode opcode, enum data_type type) {
    return x86_mnemonic(&x86_avx2, opcode, type) != ZYDIS_MNEMONIC_INVALID;
}

const struct target target_x86_avx512 = {"x86-avx512", encode_avx512, supports_avx512,
                                         x86_disassemble};
const struct target target_x86_avx2 = {"x86-avx2", encode_avx2, supports_avx2, x86_disassemble};
