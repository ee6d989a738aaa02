/* The table: which instruction does which operation on which lanes.
 *
 * An operation is supported if it has a mnemonic here; what is not one instruction (strided stores
 * of AVX2, counts) names the one it is built around. */
#include "targets/x86/x86.h"

#define M(name) ZYDIS_MNEMONIC_##name
#define NONE    ZYDIS_MNEMONIC_INVALID
#define BOTH(...)                                                                                  \
    {__VA_ARGS__}, {                                                                               \
        __VA_ARGS__                                                                                \
    }

const struct x86_isa x86_avx512 = {"x86-avx512", true, 64, 32, 7};
const struct x86_isa x86_avx2 = {"x86-avx2", false, 32, 16, 0};

/* Rounding modes of vroundps and vrndscaleps, with inexact results not reported. */
enum {
    ROUND_NEAREST = 8,
    ROUND_DOWN = 9
};

const struct x86_operation x86_operations[VECTOR_OPCODE_COUNT] = {
    [VECTOR_LOAD] = {X86_NONE, BOTH(M(VMOVUPS), M(VMOVUPD), M(VMOVUPS)), 0},
    [VECTOR_LOAD_BROADCAST] = {X86_NONE, BOTH(M(VBROADCASTSS), M(VBROADCASTSD), M(VBROADCASTSS)),
                               0},
    [VECTOR_LOAD_STRIDED] = {X86_NONE, BOTH(M(VGATHERDPS), M(VGATHERDPD), M(VGATHERDPS)), 0},
    [VECTOR_STORE] = {X86_NONE, BOTH(M(VMOVUPS), M(VMOVUPD), M(VMOVUPS)), 0},
    [VECTOR_STORE_STRIDED] = {X86_NONE,
                              {M(VMOVSS), M(VMOVLPD), M(VMOVSS)},
                              {M(VSCATTERDPS), M(VSCATTERDPD), M(VSCATTERDPS)},
                              0},
    [VECTOR_STORE_STREAM] = {X86_NONE, BOTH(M(VMOVNTPS), M(VMOVNTPD), M(VMOVNTPS)), 0},
    [VECTOR_PREFETCH] = {X86_NONE, BOTH(M(PREFETCHT0), M(PREFETCHT0), M(PREFETCHT0)), 0},
    [VECTOR_CONSTANT] = {X86_NONE, BOTH(M(VBROADCASTSS), M(VBROADCASTSD), M(VBROADCASTSS)), 0},
    [VECTOR_MOVE] = {X86_NONE, BOTH(M(VMOVAPS), M(VMOVAPS), M(VMOVAPS)), 0},
    [VECTOR_LANES] = {X86_NONE, BOTH(M(VMOVUPS), M(VMOVUPD), M(VMOVUPS)), 0},
    [VECTOR_ADD] = {X86_BINARY, BOTH(M(VADDPS), M(VADDPD), M(VPADDD)), 0},
    [VECTOR_SUBTRACT] = {X86_BINARY, BOTH(M(VSUBPS), M(VSUBPD), M(VPSUBD)), 0},
    [VECTOR_MULTIPLY] = {X86_BINARY, BOTH(M(VMULPS), M(VMULPD), M(VPMULLD)), 0},
    [VECTOR_DIVIDE] = {X86_BINARY, BOTH(M(VDIVPS), M(VDIVPD), NONE), 0},
    [VECTOR_MINIMUM] = {X86_BINARY, BOTH(M(VMINPS), M(VMINPD), M(VPMINSD)), 0},
    [VECTOR_MAXIMUM] = {X86_BINARY, BOTH(M(VMAXPS), M(VMAXPD), M(VPMAXSD)), 0},
    [VECTOR_MINIMUM_OR_NAN] = {X86_CHOICE, BOTH(M(VMINPS), M(VMINPD), M(VPMINSD)), 0},
    [VECTOR_MAXIMUM_OR_NAN] = {X86_CHOICE, BOTH(M(VMAXPS), M(VMAXPD), M(VPMAXSD)), 0},
    [VECTOR_SQUARE_ROOT] = {X86_UNARY, BOTH(M(VSQRTPS), M(VSQRTPD), NONE), 0},
    [VECTOR_MULTIPLY_ADD] = {X86_MULTIPLY_ADD, BOTH(M(VFMADD231PS), M(VFMADD231PD), NONE), 0},
    [VECTOR_MULTIPLY_SUBTRACT] = {X86_MULTIPLY_ADD, BOTH(M(VFMSUB231PS), M(VFMSUB231PD), NONE), 0},
    [VECTOR_NEGATED_MULTIPLY_ADD] = {X86_MULTIPLY_ADD, BOTH(M(VFNMADD231PS), M(VFNMADD231PD), NONE),
                                     0},
    [VECTOR_ROUND] = {X86_UNARY_FIXED,
                      {M(VROUNDPS), M(VROUNDPD), NONE},
                      {M(VRNDSCALEPS), M(VRNDSCALEPD), NONE},
                      ROUND_NEAREST},
    [VECTOR_FLOOR] = {X86_UNARY_FIXED,
                      {M(VROUNDPS), M(VROUNDPD), NONE},
                      {M(VRNDSCALEPS), M(VRNDSCALEPD), NONE},
                      ROUND_DOWN},
    [VECTOR_AND] = {X86_BINARY,
                    {M(VANDPS), M(VANDPD), M(VPAND)},
                    {M(VANDPS), M(VANDPD), M(VPANDD)},
                    0},
    [VECTOR_AND_NOT] = {X86_BINARY,
                        {M(VANDNPS), M(VANDNPD), M(VPANDN)},
                        {M(VANDNPS), M(VANDNPD), M(VPANDND)},
                        0},
    [VECTOR_OR] = {X86_BINARY, {M(VORPS), M(VORPD), M(VPOR)}, {M(VORPS), M(VORPD), M(VPORD)}, 0},
    [VECTOR_XOR] = {X86_BINARY,
                    {M(VXORPS), M(VXORPD), M(VPXOR)},
                    {M(VXORPS), M(VXORPD), M(VPXORD)},
                    0},
    [VECTOR_SHIFT_LEFT] = {X86_SHIFT, BOTH(M(VPSLLD), M(VPSLLQ), M(VPSLLD)), 0},
    [VECTOR_SHIFT_RIGHT] = {X86_SHIFT, BOTH(M(VPSRLD), M(VPSRLQ), M(VPSRLD)), 0},
    [VECTOR_SHIFT_RIGHT_ARITHMETIC] = {X86_SHIFT,
                                       {M(VPSRAD), NONE, M(VPSRAD)},
                                       {M(VPSRAD), M(VPSRAQ), M(VPSRAD)},
                                       0},
    [VECTOR_ADD_INTEGER] = {X86_BINARY, BOTH(M(VPADDD), M(VPADDQ), M(VPADDD)), 0},
    [VECTOR_SUBTRACT_INTEGER] = {X86_BINARY, BOTH(M(VPSUBD), M(VPSUBQ), M(VPSUBD)), 0},
    [VECTOR_TO_INTEGER] = {X86_UNARY, BOTH(M(VCVTPS2DQ), NONE, M(VCVTPS2DQ)), 0},
    [VECTOR_TO_FLOAT] = {X86_UNARY, BOTH(M(VCVTDQ2PS), NONE, M(VCVTDQ2PS)), 0},
    [VECTOR_MASK_CONSTANT] = {X86_NONE,
                              {M(VMOVUPS), M(VMOVUPS), M(VMOVUPS)},
                              {M(KMOVW), M(KMOVW), M(KMOVW)},
                              0},
    [VECTOR_MASK_COUNT] = {X86_NONE,
                           {M(VMOVUPS), M(VMOVUPS), M(VMOVUPS)},
                           {M(KMOVW), M(KMOVW), M(KMOVW)},
                           0},
    [VECTOR_MASK_LESS] = {X86_NONE,
                          {M(VCMPPS), M(VCMPPD), M(VPCMPGTD)},
                          {M(VCMPPS), M(VCMPPD), M(VPCMPD)},
                          0},
    [VECTOR_MASK_EQUAL] = {X86_NONE,
                           {M(VCMPPS), M(VCMPPD), M(VPCMPEQD)},
                           {M(VCMPPS), M(VCMPPD), M(VPCMPD)},
                           0},
    [VECTOR_MASK_AND] = {X86_NONE,
                         {M(VANDPS), M(VANDPS), M(VANDPS)},
                         {M(KANDW), M(KANDW), M(KANDW)},
                         0},
    [VECTOR_BLEND] = {X86_NONE,
                      {M(VBLENDVPS), M(VBLENDVPD), M(VBLENDVPS)},
                      {M(VBLENDMPS), M(VBLENDMPD), M(VBLENDMPS)},
                      0},
    [VECTOR_INTERLEAVE_LOW] = {X86_BINARY, BOTH(M(VUNPCKLPS), M(VUNPCKLPD), M(VUNPCKLPS)), 0},
    [VECTOR_INTERLEAVE_HIGH] = {X86_BINARY, BOTH(M(VUNPCKHPS), M(VUNPCKHPD), M(VUNPCKHPS)), 0},
    [VECTOR_SHUFFLE_PARTS] = {X86_PARTS,
                              {M(VPERM2F128), M(VPERM2F128), M(VPERM2F128)},
                              {M(VSHUFF32X4), M(VSHUFF64X2), M(VSHUFF32X4)},
                              0},
    [VECTOR_PICK_ALTERNATE] = {X86_ALTERNATE,
                               {M(VSHUFPS), M(VSHUFPD), M(VSHUFPS)},
                               {M(VPERMI2PS), M(VPERMI2PD), M(VPERMI2PS)},
                               0},
    [VECTOR_REDUCE_ADD] = {X86_REDUCE, BOTH(M(VADDPS), M(VADDPD), M(VPADDD)), 0},
    [VECTOR_REDUCE_MAXIMUM] = {X86_REDUCE, BOTH(M(VMAXPS), M(VMAXPD), M(VPMAXSD)), 0},
    [VECTOR_REDUCE_MINIMUM] = {X86_REDUCE, BOTH(M(VMINPS), M(VMINPD), M(VPMINSD)), 0},
    [VECTOR_REDUCE_MULTIPLY] = {X86_REDUCE, BOTH(M(VMULPS), M(VMULPD), M(VPMULLD)), 0},
};

#define FORMS(name, type)                                                                          \
    { M(name##213##type), M(name##231##type), M(name##132##type) }

const struct x86_multiply_add_forms *x86_multiply_add(enum vector_opcode opcode,
                                                      enum data_type type) {
    static const struct x86_multiply_add_forms forms[3][2] = {
        {FORMS(VFMADD, PS), FORMS(VFMADD, PD)},
        {FORMS(VFMSUB, PS), FORMS(VFMSUB, PD)},
        {FORMS(VFNMADD, PS), FORMS(VFNMADD, PD)},
    };
    return &forms[opcode - VECTOR_MULTIPLY_ADD][type == TYPE_F64];
}

ZydisMnemonic x86_mnemonic(const struct x86_isa *isa, enum vector_opcode opcode,
                           enum data_type type) {
    const struct x86_operation *operation = &x86_operations[opcode];
    if (type != TYPE_F32 && type != TYPE_F64 && type != TYPE_S32)
        return NONE;
    return isa->evex ? operation->evex[type] : operation->vex[type];
}
