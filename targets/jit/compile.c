/* From C text and tiles to code that runs; see compile.h.
 *
 * Calls from C to a tile are 32-bit relative, so both lie in one mapping: the object is measured
 * first, the mapping made for all of it, filled, and only then made executable. */
#include "targets/jit/compile.h"

#include "targets/jit/link.h"
#include "targets/jit/object_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TILE_ALIGNMENT = 64
};

double clock_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

size_t tile_offset(const struct program_code *code, int number) {
    size_t offset = 0;
    for (int i = 0; i < number; i++)
        offset += (code->codes[i].size + TILE_ALIGNMENT - 1) / TILE_ALIGNMENT * TILE_ALIGNMENT;
    return offset;
}

/* The tiles in their places, found by the names that the text gives them. */
struct placed_tiles {
    const struct program_code *code;
    const char *prefix;
    char *place;
};

static void copy_tiles(const struct placed_tiles *tiles) {
    for (int i = 0; i < tiles->code->count; i++)
        memcpy(tiles->place + tile_offset(tiles->code, i), tiles->code->codes[i].bytes,
               tiles->code->codes[i].size);
}

static void *find_tile(const void *context, const char *name) {
    static const char middle[] = "_tile_";
    const struct placed_tiles *tiles = context;
    size_t prefix = strlen(tiles->prefix), before = prefix + strlen(middle);
    if (strncmp(name, tiles->prefix, prefix) != 0 ||
        strncmp(name + prefix, middle, strlen(middle)) != 0)
        return NULL;
    char *end;
    long number = strtol(name + before, &end, 10);
    if (end == name + before || *end || number < 0 || number >= tiles->code->count)
        return NULL;
    return tiles->place + tile_offset(tiles->code, (int)number);
}

static void *find_function(const struct linking *linking, const char *prefix,
                           const char *function) {
    char name[128];
    snprintf(name, sizeof name, "%s_%s", prefix, function);
    return link_symbol(linking, name);
}

static dlt_status place_and_link(const struct object_file *file, const char *prefix,
                                 const char *name, const struct program_code *code,
                                 struct compiled *compiled, struct error *error) {
    struct linking linking;
    compiled->tile_bytes = tile_offset(code, code->count);
    TRY(link_measure(file->bytes, file->count, &linking, error));
    TRY(code_memory_open(compiled->tile_bytes + linking.bytes, &compiled->memory, error));
    const struct placed_tiles tiles = {code, prefix, compiled->memory.code};
    copy_tiles(&tiles);
    TRY(link_object(&linking, tiles.place + compiled->tile_bytes, find_tile, &tiles, error));
    compiled->pack = find_function(&linking, prefix, "pack");
    compiled->run = find_function(&linking, prefix, "run");
    if (!compiled->pack || !compiled->run)
        return error_set(error, DLT_ERROR_COMPILE, "the kernel's code lacks %s_pack or %s_run",
                         prefix, prefix);
    TRY(code_memory_seal(&compiled->memory, error));
    if (name)
        compiled->debugger = code_names_tell(compiled, &linking, code, prefix, name);
    return DLT_OK;
}

dlt_status compile_c(const char *source, const char *prefix, const char *name,
                     const struct program_code *code, struct compiled *compiled,
                     struct error *error) {
    struct object_file file;
    double start = clock_microseconds();
    *compiled = (struct compiled){.pack = NULL};
    TRY(object_file_create(source, &file, error));
    compiled->compile_microseconds = file.compile_microseconds;
    dlt_status status = place_and_link(&file, prefix, name, code, compiled, error);
    object_file_free(&file);
    compiled->link_microseconds = clock_microseconds() - start - compiled->compile_microseconds;
    if (status != DLT_OK) {
        error_prefix(error, "linking the kernel");
        code_memory_free(&compiled->memory);
    }
    return status;
}
