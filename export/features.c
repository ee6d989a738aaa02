/* Instructions: what a target needs, and the code in the library that asks the CPU.
 *
 * The answer is kept in one word: bit 0 says that the CPU was asked, the others what it has.
 * Threads that ask at once all write the same word, in one store. The questions need instructions
 * that C does not have and TinyCC's assembler does not know, so they stand there as bytes. A new
 * target with machine code is a line in each of the two tables. */
#include "export/private.h"

#include <string.h>

enum {
    FEATURE_ASKED = 1,
    FEATURE_AVX2 = 2,   /* AVX2 and FMA, ymm registers saved by the operating system */
    FEATURE_AVX512 = 4, /* F, BW, DQ and VL, zmm and mask registers saved too */
};

static const struct {
    const char *target;
    unsigned features;
} needs[] = {
    {"c", 0},
    {"x86-avx2", FEATURE_AVX2},
    {"x86-avx512", FEATURE_AVX2 | FEATURE_AVX512},
};

static const struct {
    const char *condition; /* over leaf1 (ecx), leaf7 (ebx), saved (XCR0) */
    unsigned feature;
} questions[] = {
    /* bit 12: FMA; bit 5: AVX2; saved: xmm and ymm */
    {"(saved & 6u) == 6u && (leaf1 >> 12 & 1u) && (leaf7 >> 5 & 1u)", FEATURE_AVX2},
    /* bits 16, 17, 30, 31: AVX512F, DQ, BW, VL; saved: also zmm and masks */
    {"(saved & 0xe6u) == 0xe6u && (leaf7 & 0xc0030000u) == 0xc0030000u", FEATURE_AVX512},
};

dlt_status target_features(const char *target, unsigned *features, struct error *error) {
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (strcmp(needs[i].target, target) == 0) {
            *features = needs[i].features;
            return DLT_OK;
        }
    return error_set(error, DLT_ERROR_REFUSED,
                     "target: kernels of %s cannot be exported: it is not known how a library "
                     "would ask the CPU for its instructions",
                     target);
}

static void print_instructions(const char *name, struct text *out) {
    text_format(out,
                "#if !defined(__x86_64__)\n"
                "#error \"%s holds machine code for x86-64\"\n"
                "#endif\n\n"
                "/* cpuid: leaf in edi, part in esi, four words to rdx */\n"
                "extern void %s__cpuid(unsigned leaf, unsigned part, unsigned *words)\n"
                "    __attribute__((visibility(\"hidden\")));\n"
                "/* xgetbv of register 0: what the operating system saves */\n"
                "extern unsigned %s__xgetbv(void) __attribute__((visibility(\"hidden\")));\n",
                name, name, name);
    text_format(
        out,
        "__asm__(\".text\\n.type %s__cpuid,@function\\n%s__cpuid:\\n\"\n"
        "    \".byte 0x53,0x49,0x89,0xd0\\n\"                /* push rbx; mov r8, rdx */\n"
        "    \".byte 0x89,0xf8,0x89,0xf1,0x0f,0xa2\\n\"      /* mov eax, edi; mov ecx, esi; cpuid "
        "*/\n"
        "    \".byte 0x41,0x89,0x00,0x41,0x89,0x58,0x04\\n\" /* mov [r8], eax; mov [r8+4], ebx */\n"
        "    \".byte 0x41,0x89,0x48,0x08\\n\"                /* mov [r8+8], ecx */\n"
        "    \".byte 0x41,0x89,0x50,0x0c,0x5b,0xc3\\n\"      /* mov [r8+12], edx; pop rbx; ret */\n"
        "    \".type %s__xgetbv,@function\\n%s__xgetbv:\\n\"\n"
        "    \".byte 0x31,0xc9,0x0f,0x01,0xd0,0xc3\\n\");    /* xor ecx, ecx; xgetbv; ret */\n\n",
        name, name, name, name);
}

void print_feature_check(const struct library *library, struct text *out) {
    const char *name = library->name;
    unsigned needed = 0;
    for (int i = 0; i < library->unit_count; i++)
        needed |= library->units[i].features;
    if (!needed)
        return;
    print_instructions(name, out);
    text_format(out,
                "/* What this CPU has; 0 until it was asked. The library's only variable. */\n"
                "static volatile unsigned %s__features;\n\n"
                "static unsigned %s__cpu(void) {\n"
                "    unsigned words[4], leaf1, leaf7, saved, features = %s__features;\n"
                "    if (features) return features;\n"
                "    features = %uu;\n"
                "    %s__cpuid(0, 0, words);\n"
                "    if (words[0] >= 7u) {\n"
                "        %s__cpuid(1, 0, words);\n"
                "        leaf1 = words[2];\n"
                "        %s__cpuid(7, 0, words);\n"
                "        leaf7 = words[1];\n"
                "        saved = leaf1 >> 27 & 1u ? %s__xgetbv() : 0u;\n",
                name, name, name, FEATURE_ASKED, name, name, name, name);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        text_format(out, "        if (%s) features |= %uu;\n", questions[i].condition,
                    questions[i].feature);
    text_format(out,
                "    }\n"
                "    %s__features = features;\n"
                "    return features;\n"
                "}\n\n",
                name);
}
