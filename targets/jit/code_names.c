/* Names of functions and tiles, gathered when somebody wants them; see code_names.h. */
#include "targets/jit/code_names.h"

#include "targets/jit/compile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_wanted(const char *variable) {
    const char *value = getenv(variable);
    return value && *value && strcmp(value, "0") != 0;
}

static void add_tiles(struct code_names *names, const struct program_code *code, const char *name) {
    for (int i = 0; i < code->count; i++) {
        struct code_name *entry = &names->names[names->count++];
        *entry = (struct code_name){
            .start = tile_offset(code, i), .size = code->codes[i].size, .tile = &code->codes[i]};
        snprintf(entry->name, sizeof entry->name, "%s_tile_%d", name, i);
    }
}

static void add_functions(struct code_names *names, const struct linking *linking,
                          const char *prefix, const char *name) {
    for (size_t i = 1; i < linking->object.symbol_count; i++) {
        const Elf64_Sym *symbol = &linking->object.symbols[i];
        const char *place = link_address(linking, symbol);
        const char *its_name = elf_symbol_name(&linking->object, symbol);
        if (!place || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_size == 0)
            continue;
        if (strncmp(its_name, prefix, strlen(prefix)) == 0)
            its_name += strlen(prefix);
        struct code_name *entry = &names->names[names->count++];
        *entry = (struct code_name){.start = (size_t)(place - (char *)names->memory->code),
                                    .size = symbol->st_size};
        snprintf(entry->name, sizeof entry->name, "%s%s", name, its_name);
    }
}

struct debugger_entry *code_names_tell(const struct compiled *compiled,
                                       const struct linking *linking,
                                       const struct program_code *code, const char *prefix,
                                       const char *name) {
    bool to_perf = is_wanted("DLTUNE_PERF_MAP"), to_debugger = is_wanted("DLTUNE_GDB");
    struct debugger_entry *entry = NULL;
    struct code_names names = {.memory = &compiled->memory};
    if (!to_perf && !to_debugger)
        return NULL;
    names.names = calloc((size_t)code->count + linking->object.symbol_count, sizeof *names.names);
    if (!names.names)
        return NULL; /* code without names is no reason to fail */
    add_tiles(&names, code, name);
    add_functions(&names, linking, prefix, name);
    if (to_perf)
        perf_map_append(&names);
    if (to_debugger)
        entry = debugger_tell(&names);
    free(names.names);
    return entry;
}
