/* An object that libtcc wrote, put into memory: the part of a linker that kernels need.
 *
 * libtcc would do it itself, but opens the pages for writing and executing at once meanwhile, which
 * hardened systems refuse. Here the pages are filled while they are writable, and made executable
 * by the caller afterwards (code_memory.h). Measuring first: all of a kernel is one mapping, and
 * its size has to be known before it can be made. */
#ifndef TARGETS_JIT_LINK_H
#define TARGETS_JIT_LINK_H

#include "targets/jit/elf_object.h"

/* Where a symbol is that the object does not define; NULL if there is none of that name. */
typedef void *link_find(const void *context, const char *name);

struct linking {
    struct elf_object object; /* each section that is loaded has its place in sh_addr */
    size_t table_offset;      /* of the addresses that code reads through a table */
    size_t bytes;             /* of everything */
    char *place;              /* once it is linked */
};

/* Lays the object out and says what memory that takes; `bytes` stay the caller's and are
 * changed. */
dlt_status link_measure(char *bytes, size_t count, struct linking *linking, struct error *error);

/* Copies it to `place` (aligned to 64 bytes, zeroed, linking->bytes long) and fills in the
 * addresses. DLT_ERROR_COMPILE for what is undefined, out of reach, or a relocation nobody knows
 * here. */
dlt_status link_object(struct linking *linking, void *place, link_find *find, const void *context,
                       struct error *error);

/* Where a symbol of the linked object is; NULL if the object does not define it. By name: the
 * same. */
char *link_address(const struct linking *linking, const Elf64_Sym *symbol);
void *link_symbol(const struct linking *linking, const char *name);

#endif
