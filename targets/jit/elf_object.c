/* Reading ELF objects; see elf_object.h. */
#include "targets/jit/elf_object.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool lies_within(size_t count, uint64_t offset, uint64_t size) {
    return offset <= count && size <= count - offset;
}

/* A table of names ends with a NUL, so that each name does. */
static bool is_name_table(const struct elf_object *object, uint32_t number) {
    if (number >= object->header->e_shnum)
        return false;
    const elf_section *section = &object->sections[number];
    return section->sh_type == SHT_STRTAB && section->sh_size > 0 &&
           object->bytes[section->sh_offset + section->sh_size - 1] == 0;
}

static bool open_sections(struct elf_object *object, size_t count) {
    const Elf64_Ehdr *header = object->header;
    if (!lies_within(count, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)) ||
        header->e_shoff % _Alignof(elf_section) != 0)
        return false;
    object->sections = (elf_section *)(object->bytes + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++)
        if (object->sections[i].sh_type != SHT_NOBITS &&
            !lies_within(count, object->sections[i].sh_offset, object->sections[i].sh_size))
            return false;
    return is_name_table(object, header->e_shstrndx);
}

static bool open_symbols(struct elf_object *object) {
    for (int i = 1; i < object->header->e_shnum; i++) {
        const elf_section *section = &object->sections[i];
        if (section->sh_type != SHT_SYMTAB)
            continue;
        if (!is_name_table(object, section->sh_link) ||
            section->sh_offset % _Alignof(Elf64_Sym) != 0)
            return false;
        object->symbols = (Elf64_Sym *)(object->bytes + section->sh_offset);
        object->symbol_count = section->sh_size / sizeof(Elf64_Sym);
        object->names = object->bytes + object->sections[section->sh_link].sh_offset;
        object->name_bytes = object->sections[section->sh_link].sh_size;
    }
    return true;
}

dlt_status elf_object_open(char *bytes, size_t count, struct elf_object *object,
                           struct error *error) {
    *object = (struct elf_object){.bytes = bytes, .header = (Elf64_Ehdr *)bytes};
    if (count < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
        bytes[EI_CLASS] != ELFCLASS64 || object->header->e_type != ET_REL ||
        !open_sections(object, count) || !open_symbols(object))
        return error_set(error, DLT_ERROR_COMPILE,
                         "the compiler wrote no whole 64-bit ELF object; is the disk full?");
    return DLT_OK;
}

const char *elf_section_name(const struct elf_object *object, const elf_section *section) {
    const elf_section *names = &object->sections[object->header->e_shstrndx];
    return section->sh_name < names->sh_size ? object->bytes + names->sh_offset + section->sh_name
                                             : "";
}

elf_section *elf_section_find(const struct elf_object *object, const char *name) {
    for (int i = 1; i < object->header->e_shnum; i++)
        if (strcmp(elf_section_name(object, &object->sections[i]), name) == 0)
            return &object->sections[i];
    return NULL;
}

const char *elf_symbol_name(const struct elf_object *object, const Elf64_Sym *symbol) {
    return symbol->st_name < object->name_bytes ? object->names + symbol->st_name : "";
}
