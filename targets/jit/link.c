/* Laying out and relocating one object; see link.h and the System V ABI for x86-64, chapter 4.4. */
#include "targets/jit/link.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum {
    ALIGNMENT = 64 /* the most that a section may ask for */
};

/* What a relocation stores: the symbol's address, or that of its entry in the table of addresses,
 * plus the addend, perhaps less the place where it is stored. */
static const struct relocation {
    unsigned type;
    int bytes;
    bool relative, by_table, is_signed;
} relocations[] = {
    {R_X86_64_64, 8, false, false, false},         {R_X86_64_PC64, 8, true, false, true},
    {R_X86_64_32, 4, false, false, false},         {R_X86_64_32S, 4, false, false, true},
    {R_X86_64_PC32, 4, true, false, true},         {R_X86_64_PLT32, 4, true, false, true},
    {R_X86_64_GOTPCREL, 4, true, true, true},      {R_X86_64_GOTPCRELX, 4, true, true, true},
    {R_X86_64_REX_GOTPCRELX, 4, true, true, true},
};

static const struct relocation *find_relocation(unsigned type) {
    for (size_t i = 0; i < sizeof relocations / sizeof relocations[0]; i++)
        if (relocations[i].type == type)
            return &relocations[i];
    return NULL;
}

static size_t round_up(size_t bytes, size_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

dlt_status link_measure(char *bytes, size_t count, struct linking *linking, struct error *error) {
    struct elf_object *object = &linking->object;
    *linking = (struct linking){.bytes = 0};
    TRY(elf_object_open(bytes, count, object, error));
    if (object->header->e_machine != EM_X86_64)
        return error_set(error, DLT_ERROR_COMPILE, "the compiler wrote code of machine %d",
                         object->header->e_machine);
    for (int i = 1; i < object->header->e_shnum; i++) {
        elf_section *section = &object->sections[i];
        size_t alignment = section->sh_addralign ? section->sh_addralign : 1;
        if (!(section->sh_flags & SHF_ALLOC))
            continue;
        if (alignment > ALIGNMENT || section->sh_size > INT32_MAX)
            return error_set(error, DLT_ERROR_COMPILE, "section %s: %llu bytes, aligned to %zu",
                             elf_section_name(object, section),
                             (unsigned long long)section->sh_size, alignment);
        section->sh_addr = round_up(linking->bytes, alignment);
        linking->bytes = section->sh_addr + section->sh_size;
    }
    linking->table_offset = round_up(linking->bytes, sizeof(uint64_t));
    linking->bytes = linking->table_offset + object->symbol_count * sizeof(uint64_t);
    return DLT_OK;
}

/* The section that a symbol or relocation speaks of, if it is loaded. */
static const elf_section *loaded_section(const struct elf_object *object, uint32_t number) {
    const elf_section *section = &object->sections[number < object->header->e_shnum ? number : 0];
    return section->sh_flags & SHF_ALLOC ? section : NULL;
}

char *link_address(const struct linking *linking, const Elf64_Sym *symbol) {
    const elf_section *section = loaded_section(&linking->object, symbol->st_shndx);
    if (!section || symbol->st_value > section->sh_size)
        return NULL;
    return linking->place + section->sh_addr + symbol->st_value;
}

/* The table of addresses: one of each symbol, NULL where there is none. */
static void fill_table(struct linking *linking, link_find *find, const void *context) {
    for (size_t i = 1; i < linking->object.symbol_count; i++) {
        const Elf64_Sym *symbol = &linking->object.symbols[i];
        void *address = symbol->st_shndx == SHN_UNDEF
                            ? find(context, elf_symbol_name(&linking->object, symbol))
                            : link_address(linking, symbol);
        memcpy(linking->place + linking->table_offset + i * sizeof address, &address,
               sizeof address);
    }
}

static bool fits(const struct relocation *relocation, uint64_t value) {
    return relocation->bytes == 8 ||
           (relocation->is_signed ? (int64_t)value == (int32_t)value : value == (uint32_t)value);
}

static dlt_status relocate(const struct linking *linking, const elf_section *section,
                           const Elf64_Rela *entry, struct error *error) {
    const struct elf_object *object = &linking->object;
    const struct relocation *relocation = find_relocation(ELF64_R_TYPE(entry->r_info));
    size_t number = ELF64_R_SYM(entry->r_info);
    if (!relocation)
        return error_set(error, DLT_ERROR_COMPILE, "relocation of type %u is not known",
                         (unsigned)ELF64_R_TYPE(entry->r_info));
    if (number >= object->symbol_count || section->sh_type == SHT_NOBITS ||
        entry->r_offset > section->sh_size ||
        (size_t)relocation->bytes > section->sh_size - entry->r_offset)
        return error_set(error, DLT_ERROR_COMPILE, "a relocation points outside of the object");
    uint64_t table_entry =
        (uintptr_t)linking->place + linking->table_offset + number * sizeof(uint64_t);
    uint64_t address, value;
    char *place = linking->place + section->sh_addr + entry->r_offset;
    memcpy(&address, (void *)(uintptr_t)table_entry, sizeof address);
    if (!address)
        return error_set(error, DLT_ERROR_COMPILE, "'%s' is not defined",
                         elf_symbol_name(object, &object->symbols[number]));
    value = (relocation->by_table ? table_entry : address) + (uint64_t)entry->r_addend -
            (relocation->relative ? (uintptr_t)place : 0);
    if (!fits(relocation, value))
        return error_set(error, DLT_ERROR_COMPILE, "'%s' is out of reach",
                         elf_symbol_name(object, &object->symbols[number]));
    memcpy(place, &value, (size_t)relocation->bytes); /* the low bytes come first */
    return DLT_OK;
}

static dlt_status relocate_section(const struct linking *linking, const elf_section *entries,
                                   struct error *error) {
    const struct elf_object *object = &linking->object;
    const elf_section *section = loaded_section(object, entries->sh_info);
    if (!section) /* of what is not loaded */
        return DLT_OK;
    for (size_t i = 0; i < entries->sh_size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela entry;
        memcpy(&entry, object->bytes + entries->sh_offset + i * sizeof entry, sizeof entry);
        TRY(relocate(linking, section, &entry, error));
    }
    return DLT_OK;
}

dlt_status link_object(struct linking *linking, void *place, link_find *find, const void *context,
                       struct error *error) {
    const struct elf_object *object = &linking->object;
    linking->place = place;
    for (int i = 1; i < object->header->e_shnum; i++) {
        const elf_section *section = &object->sections[i];
        if (section->sh_flags & SHF_ALLOC && section->sh_type != SHT_NOBITS)
            memcpy(linking->place + section->sh_addr, object->bytes + section->sh_offset,
                   section->sh_size);
    }
    fill_table(linking, find, context);
    for (int i = 1; i < object->header->e_shnum; i++) {
        if (object->sections[i].sh_type == SHT_REL)
            return error_set(error, DLT_ERROR_COMPILE, "relocations without addends");
        if (object->sections[i].sh_type == SHT_RELA)
            TRY(relocate_section(linking, &object->sections[i], error));
    }
    return DLT_OK;
}

void *link_symbol(const struct linking *linking, const char *name) {
    for (size_t i = 1; i < linking->object.symbol_count; i++) {
        const Elf64_Sym *symbol = &linking->object.symbols[i];
        if (strcmp(elf_symbol_name(&linking->object, symbol), name) == 0)
            return link_address(linking, symbol);
    }
    return NULL;
}
