/* Every form of instruction that is emitted, as binutils reads it and as our disassembly has it.
 *
 * Zydis encodes and Zydis disassembles, so a second reader is needed to find what both got wrong.
 * The two write assembly differently; both are brought to one form before they are compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "native.h"

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <unistd.h>

static const enum data_type types[] = {TYPE_F32, TYPE_F64, TYPE_S32};

/* All code of one target, one tile behind the other. */
struct sample {
    unsigned char *bytes;
    size_t size;
};

static void collect(struct native *native, const struct vector_program *program,
                    struct sample *sample) {
    struct machine_code code;
    if (native->target->encode(program, &native->description, &native->arena, &code,
                               &native->error) != DLT_OK)
        fail_msg("%s", native->error.message);
    sample->bytes = realloc(sample->bytes, sample->size + code.code_size);
    memcpy(sample->bytes + sample->size, code.bytes, code.code_size);
    sample->size += code.code_size;
}

static int compare_mask(struct vector_program *program, enum data_type type, int a, int b) {
    struct vector_instruction *mask = native_append(program, program->top, VECTOR_MASK_LESS, type);
    mask->sources[0] = a;
    mask->sources[1] = b;
    return mask->destination;
}

/* Sources of an operation; those of mask_and are masks. */
static void load_sources(struct vector_program *program, struct vector_instruction *instruction,
                         enum vector_opcode opcode, enum data_type type) {
    int a = native_load(program, type, 0), b = native_load(program, type, -128);
    for (int i = 0; i < 3; i++)
        instruction->sources[i] = opcode == VECTOR_MASK_AND ? compare_mask(program, type, a, b)
                                                            : native_load(program, type, 1000 * i);
    instruction->mask = compare_mask(program, type, a, b);
}

/* One operation among `crowd` values that take the low registers. */
static void collect_operation(struct native *native, struct sample *sample, int vector_bytes,
                              enum vector_opcode opcode, enum data_type type, int variant) {
    const struct vector_operation_info *info = &vector_operations[opcode];
    struct vector_program *program = native_program(native, vector_bytes);
    int crowd = variant & 1 ? native->description.vector_registers - 8 : 0, first;
    bool masked = info->reads_memory || info->writes_memory || opcode == VECTOR_BLEND;
    struct vector_instruction sources, *instruction;
    first = program->value_count;
    for (int i = 0; i < crowd; i++)
        native_load(program, type, 8 * i);
    load_sources(program, &sources, opcode, type);
    instruction = native_append(program, program->top, opcode, type);
    memcpy(instruction->sources, sources.sources, sizeof sources.sources);
    if (masked && opcode != VECTOR_LOAD_BROADCAST && opcode != VECTOR_STORE_STREAM &&
        (variant & 2 || opcode == VECTOR_BLEND))
        instruction->mask = sources.mask;
    instruction->address.displacement = variant & 1 ? 0x1234 : 64;
    instruction->stride = 24;
    instruction->constant = 2.5;
    instruction->immediate = 3;
    for (int i = 0; i < info->sources; i++)
        if (variant >> i & 4 && opcode != VECTOR_MASK_AND)
            native_store(program, type, sources.sources[i], 16 * i);
    if (info->has_destination && info->destination_class == CLASS_VECTOR)
        native_store(program, type, instruction->destination, 4096);
    for (int i = 0; i < crowd; i++)
        native_store(program, type, first + i, 64 * i);
    collect(native, program, sample);
}

/* Operands in memory: each source of a multiply-add, and the last of other arithmetic. */
static void collect_memory_operand(struct native *native, struct sample *sample, int vector_bytes,
                                   enum vector_opcode opcode, enum data_type type, int source,
                                   bool broadcast) {
    struct vector_program *program = native_program(native, vector_bytes);
    struct vector_instruction sources, *instruction;
    load_sources(program, &sources, opcode, type);
    instruction = native_append(program, program->top, opcode, type);
    memcpy(instruction->sources, sources.sources, sizeof sources.sources);
    instruction->memory_source = source;
    instruction->memory_broadcast = broadcast;
    instruction->address.displacement = 192;
    collect(native, program, sample);
}

static void collect_operations(struct native *native, struct sample *sample) {
    for (int bytes = native->description.vector_bytes; bytes >= 16; bytes /= 2)
        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
            for (int opcode = 0; opcode < VECTOR_OPCODE_COUNT; opcode++) {
                int sources = vector_operations[opcode].sources;
                if (!native->target->supports(opcode, types[t]))
                    continue;
                for (int variant = 0; variant < 4 << sources; variant++)
                    collect_operation(native, sample, bytes, opcode, types[t], variant);
                if (opcode == VECTOR_PICK_ALTERNATE)
                    collect_memory_operand(native, sample, bytes, opcode, types[t], 1, false);
                if (opcode < VECTOR_ADD || opcode > VECTOR_MULTIPLY_ADD + 2)
                    continue;
                for (int source = sources == 3 ? 0 : sources - 1; source < sources; source++) {
                    collect_memory_operand(native, sample, bytes, opcode, types[t], source, false);
                    if (native->description.mask_registers)
                        collect_memory_operand(native, sample, bytes, opcode, types[t], source,
                                               true);
                }
            }
}

static void collect_loops(struct native *native, struct sample *sample) {
    static const struct vector_bound bounds[] = {{false, 2}, {true, 2}, {true, 3}, {false, 200000}};
    for (int depth = 1; depth < 12; depth++) {
        struct vector_program *program = native_program(native, 32);
        struct vector_block *block = program->top;
        int induction = -2;
        for (int i = 0; i < depth; i++) {
            block = vector_block_append(program, block, NULL, bounds[i % 3], bounds[i % 3 + 1]);
            induction = vector_induction_new(program, block, induction, i % 2 ? -40000 : 24);
            for (int n = 0; n < 30; n++)
                native_append(program, block, VECTOR_LOAD, TYPE_F32)->address.base = induction;
        }
        collect(native, program, sample);
    }
}

/* --- One form for both --- */

static void replace(char *text, const char *from, const char *to) {
    char *at;
    while ((at = strstr(text, from))) {
        size_t length = strlen(from), other = strlen(to);
        memmove(at + other, at + length, strlen(at + length) + 1);
        memcpy(at, to, other);
    }
}

/* Hexadecimal numbers without leading zeros; a displacement of zero is none. */
static void normalise_numbers(char *text) {
    char *to = text;
    for (const char *from = text; *from;) {
        *to++ = *from;
        if (from[0] == '0' && from[1] == 'x') {
            *to++ = 'x';
            from += 2;
            while (*from == '0' && isxdigit((unsigned char)from[1]))
                from++;
            continue;
        }
        from++;
    }
    *to = 0;
    replace(text, "+0x0]", "]");
}

/* Comparisons have their predicate in the name or as a number. */
static void normalise_comparison(char *text) {
    static const char *const pairs[][3] = {
        {"vcmplt_oqp", "vcmpp", "0x11"},   {"vcmpeqp", "vcmpp", "0x0"},
        {"vcmpunordp", "vcmpp", "0x3"},    {"vpcmpltd", "vpcmpd", "0x1"},
        {"vpcmpeqd k", "vpcmpd k", "0x0"}, /* with a mask destination the general form is emitted */
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (strncmp(text, pairs[i][0], strlen(pairs[i][0])) == 0) {
            replace(text, pairs[i][0], pairs[i][1]);
            strcat(text, ",");
            strcat(text, pairs[i][2]);
            return;
        }
}

static void normalise(char *text) {
    static const char *const sizes[] = {"zmmword ", "ymmword ", "xmmword ", "dword ", "qword ",
                                        "byte ",    "word ",    "ptr ",     "bcst "};
    char *comment = strchr(text, '#'), *mnemonic_end;
    if (comment)
        *comment = 0;
    for (char *at = text; *at; at++)
        *at = (char)(isspace((unsigned char)*at) ? ' ' : tolower((unsigned char)*at));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        replace(text, sizes[i], "");
    replace(text, "{evex} ", ""); /* said where a shorter encoding exists */
    replace(text, "  ", " ");
    replace(text, ", ", ",");
    replace(text, " {", "{");
    for (int lanes = 2; lanes <= 16; lanes *= 2) {
        char broadcast[24];
        snprintf(broadcast, sizeof broadcast, "{1to%d}", lanes);
        replace(text, broadcast, "");
    }
    for (size_t n = strlen(text); n && text[n - 1] == ' '; n--)
        text[n - 1] = 0;
    normalise_numbers(text);
    normalise_comparison(text);
    replace(text, "xchg ax,ax", "nop");
    replace(text, "jnz ", "jne ");
    replace(text, "jz ", "je ");
    replace(text, "cmovnle ", "cmovg ");
    mnemonic_end = strstr(text, "nop");
    if (mnemonic_end) /* the operands of a nop say nothing */
        strcpy(text, "nop");
}

static void zydis_text(const struct sample *sample, size_t at, char *text, size_t size,
                       size_t *length) {
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_RELATIVE_RIPREL, ZYAN_TRUE);
    assert_true(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, sample->bytes + at, sample->size - at,
                                                    &instruction, operands)));
    assert_true(ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &instruction, operands,
                                                             instruction.operand_count_visible,
                                                             text, size, at, NULL)));
    *length = instruction.length;
}

/* Lines look like "  1a:<tab>62 f1 ...<tab>vmovups zmm1,..."; long ones go on without a third
 * part. */
static void compare_listing(FILE *listing, const struct sample *sample) {
    char line[512], ours[512], printed[512];
    size_t at = 0;
    int instructions = 0;
    while (fgets(line, sizeof line, listing)) {
        char *end, *bytes, *assembly;
        size_t offset = strtoull(line, &end, 16), length;
        if (end == line || *end != ':' || !(bytes = strchr(line, '\t')) ||
            !(assembly = strchr(bytes + 1, '\t')))
            continue;
        if (offset != at)
            fail_msg("binutils sees an instruction at %zx, not at %zx", offset, at);
        zydis_text(sample, at, ours, sizeof ours, &length);
        assembly++;
        strcpy(printed, ours);
        normalise(assembly);
        normalise(ours);
        if (strcmp(assembly, ours) != 0)
            fail_msg("at %zx: binutils '%s', ours '%s' (%s)", at, assembly, ours, printed);
        at += length;
        instructions++;
    }
    assert_int_equal(at, sample->size);
    assert_true(instructions > 1000);
}

static void check_target(int number) {
    struct native *native = malloc(sizeof *native);
    struct sample sample = {NULL, 0};
    char path[] = "/tmp/dltune-code-XXXXXX", command[128];
    int file = mkstemp(path);
    FILE *listing;
    assert_true(file >= 0);
    native_open(native, number);
    collect_operations(native, &sample);
    collect_loops(native, &sample);
    assert_int_equal(write(file, sample.bytes, sample.size), (ssize_t)sample.size);
    close(file);
    snprintf(command, sizeof command, "objdump -D -z -w -b binary -m i386:x86-64 -M intel %s",
             path);
    listing = popen(command, "r");
    assert_non_null(listing);
    compare_listing(listing, &sample);
    pclose(listing);
    unlink(path);
    free(sample.bytes);
    native_close(native);
    free(native);
}

static void test_binutils_agrees(void **state) {
    (void)state;
    if (system("objdump --version > /dev/null 2>&1") != 0) {
        print_message("objdump (binutils) is not installed: nothing to compare with\n");
        skip();
    }
    for (int t = 0; t < NATIVE_TARGETS; t++)
        check_target(t);
}

static void test_listing_has_offsets_bytes_and_constants(void **state) {
    struct native *native = malloc(sizeof *native);
    struct vector_program *program;
    struct machine_code code;
    struct text text = {0};
    (void)state;
    native_open(native, 1);
    program = native_program(native, 32);
    native_append(program, program->top, VECTOR_CONSTANT, TYPE_F32)->constant = 1.5;
    assert_int_equal(native->target->encode(program, &native->description, &native->arena, &code,
                                            &native->error),
                     DLT_OK);
    native->target->disassemble(&text, &code);
    assert_string_equal(text_string(&text),
                        "     0  c4e27d180537000000      vbroadcastss ymm0, dword ptr "
                        "[0x0000000000000040]\n"
                        "     9  c5f877                  vzeroupper\n"
                        "     c  31c0                    xor eax, eax\n"
                        "     e  c3                      ret\n"
                        "    40  0000c03f\n");
    text_free(&text);
    native_close(native);
    free(native);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binutils_agrees),
        cmocka_unit_test(test_listing_has_offsets_bytes_and_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
