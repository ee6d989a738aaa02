/* Code made at run time, as debuggers see it.
 *
 * gdb (and lldb) watch a function and a list of entries, both of fixed names ("JIT Compilation
 * Interface" in gdb's manual). An entry is an ELF object in memory: here one without contents,
 * whose text section is said to lie where the code is, with a symbol for each function and tile,
 * and with call frame information, by which callers are found from within a tile. The functions
 * around the tiles have frames that debuggers understand without. */
#include "targets/jit/code_names.h"

#include "base/text.h"

#include <elf.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- The interface; names and layout are the debugger's --- */

enum {
    JIT_NOTHING,
    JIT_REGISTER,
    JIT_UNREGISTER
};

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
};

struct jit_descriptor {
    uint32_t version, action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
};

/* Weak, since another compiler linked into the same program may define them as well. */
__attribute__((weak)) struct jit_descriptor __jit_debug_descriptor = {.version = 1};

/* A debugger stops here. */
__attribute__((weak, noinline)) void __jit_debug_register_code(void) {
    __asm__ volatile("" ::: "memory");
}

/* --- The object --- */

enum section {
    SECTION_NONE,
    SECTION_TEXT,
    SECTION_FRAMES,
    SECTION_SYMBOLS,
    SECTION_NAMES,
    SECTIONS
};

/* One table of names is for sections and symbols. */
static const char *const section_names[SECTIONS] = {"", ".text", ".debug_frame", ".symtab",
                                                    ".strtab"};

enum {
    DWARF_RSP = 7,
    DWARF_RETURN = 16,
    CFA_DEFINE = 0x0c,
    CFA_OFFSET = 0x80,
    CFA_NOTHING = 0,
    ALIGNMENT = 8
};

static size_t pad(struct text *out) {
    static const char zeros[ALIGNMENT];
    if (out->length % ALIGNMENT)
        text_append_bytes(out, zeros, ALIGNMENT - out->length % ALIGNMENT);
    return out->length;
}

static void append_word(struct text *out, uint64_t word, size_t bytes) {
    text_append_bytes(out, (const char *)&word, bytes);
}

/* An entry of .debug_frame: its length without this field, which makes the next one aligned, then
 * the rest. */
static void append_frame(struct text *out, const struct text *rest) {
    size_t length = (4 + rest->length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - 4;
    append_word(out, length, 4);
    text_append_bytes(out, text_string(rest), rest->length);
    for (size_t i = rest->length; i < length; i++)
        append_word(out, CFA_NOTHING, 1);
}

/* What holds at the entry of each: the caller's frame begins behind the return address. */
static void append_common_frame(struct text *out) {
    static const unsigned char common[] = {
        0xff,
        0xff,
        0xff,
        0xff, /* is the common part */
        1,
        0,
        1,
        0x80 - ALIGNMENT, /* version; units: 1 byte, -8 bytes */
        DWARF_RETURN,     /* the column of the return address */
        CFA_DEFINE,
        DWARF_RSP,
        8,
        CFA_OFFSET | DWARF_RETURN,
        1,
    };
    struct text rest = {0};
    text_append_bytes(&rest, (const char *)common, sizeof common);
    append_frame(out, &rest);
    out->failed |= rest.failed;
    text_free(&rest);
}

static void append_frames(struct text *out, const struct code_names *names) {
    append_common_frame(out);
    for (int i = 0; i < names->count; i++) {
        const struct code_name *name = &names->names[i];
        struct text rest = {0};
        if (!name->tile || !name->tile->unwinding)
            continue;
        append_word(&rest, 0, 4); /* where the common part is */
        append_word(&rest, (uintptr_t)names->memory->code + name->start, 8);
        append_word(&rest, name->tile->code_size, 8);
        text_append_bytes(&rest, (const char *)name->tile->unwinding, name->tile->unwinding_size);
        append_frame(out, &rest);
        out->failed |= rest.failed;
        text_free(&rest);
    }
}

static void append_symbols(struct text *out, const struct code_names *names) {
    size_t name = 0;
    for (int i = 0; i < SECTIONS; i++)
        name += strlen(section_names[i]) + 1;
    Elf64_Sym symbol = {0};
    text_append_bytes(out, (const char *)&symbol, sizeof symbol);
    for (int i = 0; i < names->count; i++) {
        symbol = (Elf64_Sym){.st_name = (Elf64_Word)name,
                             .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                             .st_shndx = SECTION_TEXT,
                             .st_value = names->names[i].start,
                             .st_size = names->names[i].size};
        text_append_bytes(out, (const char *)&symbol, sizeof symbol);
        name += strlen(names->names[i].name) + 1;
    }
}

static void append_names(struct text *out, const struct code_names *names) {
    for (int i = 0; i < SECTIONS; i++)
        text_append_bytes(out, section_names[i], strlen(section_names[i]) + 1);
    for (int i = 0; i < names->count; i++)
        text_append_bytes(out, names->names[i].name, strlen(names->names[i].name) + 1);
}

static void append_header(struct text *out) {
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof header,
        .e_shoff = sizeof header,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = SECTION_NAMES,
    };
    text_append_bytes(out, (const char *)&header, sizeof header);
}

/* The headers of sections come first, so their places are filled in as the contents follow. */
static void print_object(struct text *out, const struct code_names *names) {
    static void (*const append[SECTIONS])(struct text * out, const struct code_names *names) = {
        [SECTION_FRAMES] = append_frames,
        [SECTION_SYMBOLS] = append_symbols,
        [SECTION_NAMES] = append_names,
    };
    Elf64_Shdr sections[SECTIONS] = {
        [SECTION_TEXT] = {.sh_type = SHT_NOBITS,
                          .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                          .sh_addr = (uintptr_t)names->memory->code,
                          .sh_size = names->memory->bytes},
        [SECTION_FRAMES] = {.sh_type = SHT_PROGBITS},
        [SECTION_SYMBOLS] = {.sh_type = SHT_SYMTAB,
                             .sh_link = SECTION_NAMES,
                             .sh_info = 1,
                             .sh_entsize = sizeof(Elf64_Sym)},
        [SECTION_NAMES] = {.sh_type = SHT_STRTAB},
    };
    size_t name = 0;
    append_header(out);
    size_t table = out->length;
    text_append_bytes(out, (const char *)sections, sizeof sections);
    for (int i = 0; i < SECTIONS; i++) {
        sections[i].sh_name = (Elf64_Word)name;
        name += strlen(section_names[i]) + 1;
        if (!append[i])
            continue;
        sections[i].sh_addralign = ALIGNMENT;
        sections[i].sh_offset = pad(out);
        append[i](out, names);
        sections[i].sh_size = out->length - sections[i].sh_offset;
    }
    if (!out->failed)
        memcpy(out->data + table, sections, sizeof sections);
}

/* --- Telling and forgetting --- */

struct debugger_entry {
    struct jit_code_entry entry;
    struct text object;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */

static void tell(struct jit_code_entry *entry, uint32_t action) {
    __jit_debug_descriptor.relevant_entry = entry;
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.action_flag = JIT_NOTHING;
    __jit_debug_descriptor.relevant_entry = NULL;
}

struct debugger_entry *debugger_tell(const struct code_names *names) {
    struct debugger_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    print_object(&entry->object, names);
    if (entry->object.failed) {
        text_free(&entry->object);
        free(entry);
        return NULL;
    }
    entry->entry.symfile_addr = entry->object.data;
    entry->entry.symfile_size = entry->object.length;
    pthread_mutex_lock(&lock);
    entry->entry.next_entry = __jit_debug_descriptor.first_entry;
    if (entry->entry.next_entry)
        entry->entry.next_entry->prev_entry = &entry->entry;
    __jit_debug_descriptor.first_entry = &entry->entry;
    tell(&entry->entry, JIT_REGISTER);
    pthread_mutex_unlock(&lock);
    return entry;
}

void debugger_forget(struct debugger_entry *entry) {
    if (!entry)
        return;
    pthread_mutex_lock(&lock);
    struct jit_code_entry *next = entry->entry.next_entry, *previous = entry->entry.prev_entry;
    if (next)
        next->prev_entry = previous;
    if (previous)
        previous->next_entry = next;
    else
        __jit_debug_descriptor.first_entry = next;
    tell(&entry->entry, JIT_UNREGISTER);
    pthread_mutex_unlock(&lock);
    text_free(&entry->object);
    free(entry);
}
