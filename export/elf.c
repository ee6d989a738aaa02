/* The object that libtcc wrote, made fit for a library.
 *
 * TinyCC puts constants into .data. All of ours are constant and none holds an address, so the
 * section becomes .rodata: renamed, and no longer writable. Names that only the library itself uses
 * become hidden, so that a shared object made of it does not export them. Sizes and offsets stay as
 * they are; the longer table of section names goes behind the rest. */
#include "export/private.h"

#include <elf.h>
#include <string.h>

struct object {
    char *bytes;
    Elf64_Ehdr *header;
    Elf64_Shdr *sections;
};

static bool lies_within(const struct text *text, uint64_t offset, uint64_t size) {
    return offset <= text->length && size <= text->length - offset;
}

static dlt_status open_object(const struct text *text, struct object *object, struct error *error) {
    object->bytes = text->data;
    object->header = (Elf64_Ehdr *)text->data;
    bool good = text->length >= sizeof(Elf64_Ehdr) && memcmp(object->bytes, ELFMAG, SELFMAG) == 0 &&
                object->bytes[EI_CLASS] == ELFCLASS64 && object->header->e_type == ET_REL &&
                lies_within(text, object->header->e_shoff,
                            (uint64_t)object->header->e_shnum * sizeof(Elf64_Shdr));
    if (good) {
        object->sections = (Elf64_Shdr *)(object->bytes + object->header->e_shoff);
        for (int i = 0; i < object->header->e_shnum; i++)
            good &= object->sections[i].sh_type == SHT_NOBITS ||
                    lies_within(text, object->sections[i].sh_offset, object->sections[i].sh_size);
        good &= object->header->e_shstrndx < object->header->e_shnum;
    }
    if (!good)
        return error_set(error, DLT_ERROR_COMPILE,
                         "the compiler wrote no whole 64-bit ELF object; is the disk full?");
    return DLT_OK;
}

static const char *section_name(const struct object *object, const Elf64_Shdr *section) {
    return object->bytes + object->sections[object->header->e_shstrndx].sh_offset +
           section->sh_name;
}

static Elf64_Shdr *find_section(const struct object *object, const char *name) {
    for (int i = 1; i < object->header->e_shnum; i++)
        if (strcmp(section_name(object, &object->sections[i]), name) == 0)
            return &object->sections[i];
    return NULL;
}

static Elf64_Sym *symbols_of(const struct object *object, size_t *count, const char **names) {
    for (int i = 1; i < object->header->e_shnum; i++) {
        const Elf64_Shdr *section = &object->sections[i];
        if (section->sh_type != SHT_SYMTAB)
            continue;
        *count = section->sh_size / sizeof(Elf64_Sym);
        *names = object->bytes + object->sections[section->sh_link].sh_offset;
        return (Elf64_Sym *)(object->bytes + section->sh_offset);
    }
    *count = 0;
    return NULL;
}

static void hide(const struct object *object, const char *inner) {
    const char *names;
    size_t count;
    Elf64_Sym *symbols = symbols_of(object, &count, &names);
    for (size_t i = 0; i < count; i++)
        if (ELF64_ST_BIND(symbols[i].st_info) == STB_GLOBAL &&
            strncmp(names + symbols[i].st_name, inner, strlen(inner)) == 0)
            symbols[i].st_other = STV_HIDDEN;
}

/* Appends a copy of the table of section names with one more, and answers where that one is. */
static size_t copy_section_names(struct text *text, const struct object *object, const char *name) {
    const Elf64_Shdr *table = &object->sections[object->header->e_shstrndx];
    size_t length = table->sh_size;
    struct text names = {0}; /* appending to a text from itself would move the source away */
    text_append_bytes(&names, object->bytes + table->sh_offset, length);
    text_append_bytes(&names, name, strlen(name) + 1);
    text->failed |= names.failed;
    text_append_bytes(text, text_string(&names), names.length);
    text_free(&names);
    return length;
}

dlt_status object_finish(struct text *text, const char *inner, struct error *error) {
    struct object object;
    TRY(open_object(text, &object, error));
    hide(&object, inner);
    if (find_section(&object, ".rela.data"))
        return error_set(error, DLT_ERROR_COMPILE, "a constant of the library holds an address");
    if (!find_section(&object, ".data"))
        return DLT_OK;
    size_t begin = text->length, place = copy_section_names(text, &object, ".rodata");
    if (text->failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(open_object(text, &object, error));
    Elf64_Shdr *data = find_section(&object, ".data");
    Elf64_Shdr *names = &object.sections[object.header->e_shstrndx];
    names->sh_offset = begin;
    names->sh_size = text->length - begin;
    data->sh_name = (Elf64_Word)place;
    data->sh_flags &= ~(Elf64_Xword)SHF_WRITE;
    return DLT_OK;
}

dlt_status object_symbols(const struct text *text, symbol_visitor *visitor, void *context,
                          struct error *error) {
    struct object object;
    const char *names;
    size_t count;
    TRY(open_object(text, &object, error));
    Elf64_Sym *symbols = symbols_of(&object, &count, &names);
    for (size_t i = 0; i < count; i++)
        if (ELF64_ST_BIND(symbols[i].st_info) == STB_GLOBAL && symbols[i].st_shndx != SHN_UNDEF)
            visitor(context, names + symbols[i].st_name);
    return DLT_OK;
}
