/* Relocatable 64-bit ELF objects as libtcc writes them, read in memory.
 *
 * Opening checks that all that the headers point at lies within the bytes; what an index of a
 * symbol or a name's offset points at is checked where it is followed. */
#ifndef TARGETS_JIT_ELF_OBJECT_H
#define TARGETS_JIT_ELF_OBJECT_H

#include "base/error.h"

#include <elf.h>
#include <stddef.h>

/* libtcc puts the table of sections at a multiple of 4 bytes only. */
typedef Elf64_Shdr elf_section __attribute__((aligned(4)));

struct elf_object {
    char *bytes; /* the caller's; sections and symbols may be changed in place */
    Elf64_Ehdr *header;
    elf_section *sections;
    Elf64_Sym *symbols; /* NULL if there is no symbol table */
    size_t symbol_count;
    const char *names; /* of symbols */
    size_t name_bytes;
};

/* DLT_ERROR_COMPILE if it is no whole object. The bytes are aligned as malloc does. */
dlt_status elf_object_open(char *bytes, size_t count, struct elf_object *object,
                           struct error *error);

const char *elf_section_name(const struct elf_object *object, const elf_section *section);
elf_section *elf_section_find(const struct elf_object *object, const char *name); /* NULL: none */
const char *elf_symbol_name(const struct elf_object *object, const Elf64_Sym *symbol);

#endif
