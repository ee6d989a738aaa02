/* Objects put into memory: what refers to what, and objects that are broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "targets/jit/code_memory.h"
#include "targets/jit/link.h"
#include "targets/jit/object_file.h"

#include <stdlib.h>
#include <string.h>

static struct error error;

/* Addresses of functions and data, in code and in data; what is elsewhere, called and read. */
static const char source[] =
    "extern int outer(int);\n"
    "extern const int far;\n"
    "static const int numbers[4] = {10, 20, 30, 40};\n"
    "static int zeros[100];\n"
    "static int twice(int x) { return 2 * x; }\n"
    "static int (*const functions[2])(int) = {twice, outer};\n"
    "static const int *const last = &numbers[3];\n"
    "int inner(int x) { return x + zeros[x]; }\n"
    "int calls(int i) { return functions[i](*last) + outer(1) + inner(2); }\n"
    "const int *reads(int i) { return i ? &far : numbers + 1; }\n";

struct surroundings {
    const char *unknown; /* a name that is not found */
};

/* mov eax, edi; add eax, 7; ret; four bytes that are the number 99. */
static const unsigned char outside[] = {0x89, 0xf8, 0x83, 0xc0, 7, 0xc3, 0x90, 0x90, 99, 0, 0, 0};

static const unsigned char *place; /* of a copy of `outside` */

static void *find(const void *context, const char *name) {
    const struct surroundings *surroundings = context;
    if (surroundings->unknown && strcmp(name, surroundings->unknown) == 0)
        return NULL;
    return strcmp(name, "outer") == 0 ? (void *)(uintptr_t)place
           : strcmp(name, "far") == 0 ? (void *)(uintptr_t)(place + 8)
                                      : NULL;
}

static struct object_file compile(const char *text) {
    struct object_file file;
    if (object_file_create(text, &file, &error) != DLT_OK)
        fail_msg("%s", error.message);
    return file;
}

/* Links behind a copy of `outside`, in memory that is sealed if all went well. */
static dlt_status link_file(const struct object_file *file, const char *unknown,
                            struct linking *linking, struct code_memory *memory) {
    const struct surroundings surroundings = {unknown};
    *memory = (struct code_memory){.code = NULL};
    TRY(link_measure(file->bytes, file->count, linking, &error));
    if (linking->bytes > 1 << 20)
        return error_set(&error, DLT_ERROR_MEMORY, "too large for a test");
    TRY(code_memory_open(64 + linking->bytes, memory, &error));
    place = memory->code;
    memcpy(memory->code, outside, sizeof outside);
    TRY(link_object(linking, (char *)memory->code + 64, find, &surroundings, &error));
    return code_memory_seal(memory, &error);
}

static void what_refers_to_what(void **state) {
    struct object_file file = compile(source);
    struct code_memory memory;
    struct linking linking;
    int (*calls)(int), (*inner)(int);
    const int *(*reads)(int);
    (void)state;
    if (link_file(&file, NULL, &linking, &memory) != DLT_OK)
        fail_msg("%s", error.message);
    void *found[] = {link_symbol(&linking, "calls"), link_symbol(&linking, "inner"),
                     link_symbol(&linking, "reads")};
    assert_non_null(found[0]);
    assert_non_null(found[1]);
    assert_non_null(found[2]);
    assert_null(link_symbol(&linking, "outer")); /* is not of the object */
    assert_null(link_symbol(&linking, "nobody"));
    memcpy(&calls, &found[0], sizeof calls);
    memcpy(&inner, &found[1], sizeof inner);
    memcpy(&reads, &found[2], sizeof reads);
    assert_int_equal(inner(99), 99);
    assert_int_equal(calls(0), 80 + 8 + 2);
    assert_int_equal(calls(1), 47 + 8 + 2);
    assert_int_equal(*reads(0), 20);
    assert_int_equal(*reads(1), 99);
    object_file_free(&file);
    code_memory_free(&memory);
}

static void what_is_not_defined_is_named(void **state) {
    static const char *const names[] = {"outer", "far"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct object_file file = compile(source);
        struct code_memory memory;
        struct linking linking;
        assert_int_equal(link_file(&file, names[i], &linking, &memory), DLT_ERROR_COMPILE);
        assert_non_null(strstr(error.message, names[i]));
        object_file_free(&file);
        code_memory_free(&memory);
    }
}

static Elf64_Rela *first_relocation(struct object_file *file) {
    struct elf_object object;
    assert_int_equal(elf_object_open(file->bytes, file->count, &object, &error), DLT_OK);
    elf_section *section = elf_section_find(&object, ".rela.text");
    assert_non_null(section);
    return (Elf64_Rela *)(void *)(file->bytes + section->sh_offset);
}

/* Each change of the first relocation is refused in its own words. */
static void relocations_that_cannot_be(void **state) {
    static const struct {
        uint64_t type, symbol;
        int64_t offset, addend;
        const char *words;
    } cases[] = {
        {R_X86_64_TPOFF64, 1, 0, 0, "relocation of type 18"},
        {R_X86_64_PC32, 1 << 20, 0, 0, "outside of the object"},
        {R_X86_64_PC32, 1, 1 << 30, 0, "outside of the object"},
        {R_X86_64_PC32, 1, -1, 0, "outside of the object"},
        {R_X86_64_PC32, 0, 0, 0, "is not defined"},
        {R_X86_64_PC32, 2, 0, 1ll << 32, "out of reach"},
        {R_X86_64_32, 2, 0, -(1ll << 48), "out of reach"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct object_file file = compile("int f(int x) { return x; }\n"
                                          "int g(int x) { return f(f(x)); }\n"
                                          "static int *const a; int *h(void) { return a; }\n");
        struct code_memory memory;
        struct linking linking;
        Elf64_Rela *entry = first_relocation(&file);
        entry->r_info = ELF64_R_INFO(cases[i].symbol, cases[i].type);
        entry->r_offset = (uint64_t)cases[i].offset;
        entry->r_addend = cases[i].addend;
        assert_int_equal(link_file(&file, NULL, &linking, &memory), DLT_ERROR_COMPILE);
        if (!strstr(error.message, cases[i].words))
            fail_msg("case %zu: '%s' is not in '%s'", i, cases[i].words, error.message);
        object_file_free(&file);
        code_memory_free(&memory);
    }
}

/* Cut off anywhere or with any byte changed, an object is refused or linked, but nothing is read
 * or written beyond it; the sanitizers see to that. */
static void broken_objects(void **state) {
    static const unsigned char values[] = {0, 1, 0x7f, 0xff};
    struct object_file file = compile(source), copy;
    struct code_memory memory;
    struct linking linking;
    (void)state;
    for (size_t count = 0; count < file.count; count++) {
        copy = (struct object_file){malloc(count + 1), count, 0};
        memcpy(copy.bytes, file.bytes, count);
        assert_int_equal(link_file(&copy, NULL, &linking, &memory), DLT_ERROR_COMPILE);
        object_file_free(&copy);
        code_memory_free(&memory);
    }
    for (size_t at = 0; at < file.count; at++)
        for (size_t v = 0; v < sizeof values; v++) {
            copy = (struct object_file){malloc(file.count), file.count, 0};
            memcpy(copy.bytes, file.bytes, file.count);
            copy.bytes[at] = (char)values[v];
            link_file(&copy, NULL, &linking, &memory);
            object_file_free(&copy);
            code_memory_free(&memory);
        }
    object_file_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_refers_to_what),
        cmocka_unit_test(what_is_not_defined_is_named),
        cmocka_unit_test(relocations_that_cannot_be),
        cmocka_unit_test(broken_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
