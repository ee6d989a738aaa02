/* The object that libtcc wrote, made fit for a library.
 *
 * TinyCC puts constants into .data. All of ours are constant and none holds an address, so the
 * section becomes .rodata: renamed, and no longer writable. Names that only the library itself uses
 * become hidden, so that a shared object made of it does not export them. Sizes and offsets stay as
 * they are; the longer table of section names goes behind the rest. */
#include "export/private.h"
#include "targets/jit/elf_object.h"

#include <string.h>

static dlt_status open_object(const struct text *text, struct elf_object *object,
                              struct error *error) {
    return elf_object_open(text->data, text->length, object, error);
}

static void hide(const struct elf_object *object, const char *inner) {
    for (size_t i = 0; i < object->symbol_count; i++) {
        Elf64_Sym *symbol = &object->symbols[i];
        if (ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL &&
            strncmp(elf_symbol_name(object, symbol), inner, strlen(inner)) == 0)
            symbol->st_other = STV_HIDDEN;
    }
}

/* Appends a copy of the table of section names with one more, and answers where that one is. */
static size_t copy_section_names(struct text *text, const struct elf_object *object,
                                 const char *name) {
    const elf_section *table = &object->sections[object->header->e_shstrndx];
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
    struct elf_object object;
    TRY(open_object(text, &object, error));
    hide(&object, inner);
    if (elf_section_find(&object, ".rela.data"))
        return error_set(error, DLT_ERROR_COMPILE, "a constant of the library holds an address");
    if (!elf_section_find(&object, ".data"))
        return DLT_OK;
    size_t begin = text->length, place = copy_section_names(text, &object, ".rodata");
    if (text->failed)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    TRY(open_object(text, &object, error));
    elf_section *data = elf_section_find(&object, ".data");
    elf_section *names = &object.sections[object.header->e_shstrndx];
    names->sh_offset = begin;
    names->sh_size = text->length - begin;
    data->sh_name = (Elf64_Word)place;
    data->sh_flags &= ~(Elf64_Xword)SHF_WRITE;
    return DLT_OK;
}

dlt_status object_symbols(const struct text *text, symbol_visitor *visitor, void *context,
                          struct error *error) {
    struct elf_object object;
    TRY(open_object(text, &object, error));
    for (size_t i = 0; i < object.symbol_count; i++)
        if (ELF64_ST_BIND(object.symbols[i].st_info) == STB_GLOBAL &&
            object.symbols[i].st_shndx != SHN_UNDEF)
            visitor(context, elf_symbol_name(&object, &object.symbols[i]));
    return DLT_OK;
}
