/* TinyCC in memory; see compile.h.
 *
 * Calls from C to a tile are 32-bit relative, so both lie in one mapping. The tiles' addresses must
 * be known before libtcc can tell how large the C part is; so the mapping is made larger than any C
 * code of that text can be, and what was not needed is given back. libtcc makes the pages that it
 * relocates executable while they are still writable; they lose that at once, before any address
 * leaves this file. */
#include "targets/jit/compile.h"

#include <errno.h>
#include <libtcc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    CODE_PER_CHARACTER = 16, /* bytes; C code and its tables never reach it */
    CODE_AT_LEAST = 1 << 16,
    TILE_ALIGNMENT = 64,
};

double clock_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static size_t round_up(size_t bytes, size_t multiple) {
    return (bytes + multiple - 1) / multiple * multiple;
}

static size_t page_size(void) {
    return (size_t)sysconf(_SC_PAGESIZE);
}

size_t tile_offset(const struct program_code *code, int number) {
    size_t offset = 0;
    for (int i = 0; i < number; i++)
        offset += round_up(code->codes[i].size, TILE_ALIGNMENT);
    return offset;
}

/* Keeps the first error; a warning only until then. */
static void keep_message(void *context, const char *message) {
    struct error *kept = context;
    if (kept->status == DLT_OK)
        error_set(kept, strstr(message, "error") ? DLT_ERROR_COMPILE : DLT_OK, "%s", message);
}

static dlt_status map_pages(size_t bytes, struct code_memory *memory, struct error *error) {
    bytes = round_up(bytes, page_size());
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
        return error_set(error, DLT_ERROR_SYSTEM, "mmap of %zu bytes for code: %s", bytes,
                         strerror(errno));
    memory->code = pages;
    memory->bytes = bytes;
    return DLT_OK;
}

/* Gives back what lies behind `used` bytes and makes the rest executable. */
static dlt_status seal_pages(struct code_memory *memory, size_t used, struct error *error) {
    size_t bytes = round_up(used, page_size());
    if (bytes < memory->bytes) {
        munmap((char *)memory->code + bytes, memory->bytes - bytes);
        memory->bytes = bytes;
    }
    if (mprotect(memory->code, memory->bytes, PROT_READ | PROT_EXEC) != 0)
        return error_set(error, DLT_ERROR_SYSTEM, "mprotect of code to executable: %s",
                         strerror(errno));
    return DLT_OK;
}

static void place_tiles(TCCState *state, const char *prefix, const struct program_code *code,
                        const struct code_memory *memory) {
    for (int i = 0; i < code->count; i++) {
        char name[128], *place = (char *)memory->code + tile_offset(code, i);
        memcpy(place, code->codes[i].bytes, code->codes[i].size);
        snprintf(name, sizeof name, "%s_tile_%d", prefix, i);
        tcc_add_symbol(state, name, place);
    }
}

static dlt_status link_code(TCCState *state, struct compiled *compiled, const struct error *message,
                            struct error *error) {
    int needed = tcc_relocate(state, NULL);
    if (needed < 0)
        return error_set(error, DLT_ERROR_COMPILE, "linking the kernel: %s", message->message);
    if ((size_t)needed > compiled->memory.bytes - compiled->tile_bytes)
        return error_set(error, DLT_ERROR_COMPILE,
                         "the kernel's code takes %d bytes, more than %zu", needed,
                         compiled->memory.bytes - compiled->tile_bytes);
    if (tcc_relocate(state, (char *)compiled->memory.code + compiled->tile_bytes) < 0)
        return error_set(error, DLT_ERROR_COMPILE, "linking the kernel: %s", message->message);
    return seal_pages(&compiled->memory, compiled->tile_bytes + (size_t)needed, error);
}

static void *find_symbol(TCCState *state, const char *prefix, const char *function) {
    char name[128];
    snprintf(name, sizeof name, "%s_%s", prefix, function);
    return tcc_get_symbol(state, name);
}

static dlt_status compile_and_link(TCCState *state, const char *source, const char *prefix,
                                   const struct program_code *code, struct compiled *compiled,
                                   struct error *error) {
    struct error message = {.status = DLT_OK};
    double start = clock_microseconds(), middle;
    tcc_set_error_func(state, &message, keep_message);
    tcc_set_options(state, "-nostdlib");
    tcc_set_output_type(state, TCC_OUTPUT_MEMORY);
    if (tcc_compile_string(state, source) < 0)
        return error_set(error, DLT_ERROR_COMPILE, "compiling the kernel: %s", message.message);
    middle = clock_microseconds();
    compiled->compile_microseconds = middle - start;
    compiled->tile_bytes = tile_offset(code, code->count);
    size_t room = strlen(source) * CODE_PER_CHARACTER + CODE_AT_LEAST;
    TRY(map_pages(compiled->tile_bytes + room, &compiled->memory, error));
    place_tiles(state, prefix, code, &compiled->memory);
    TRY(link_code(state, compiled, &message, error));
    compiled->pack = find_symbol(state, prefix, "pack");
    compiled->run = find_symbol(state, prefix, "run");
    compiled->link_microseconds = clock_microseconds() - middle;
    if (!compiled->pack || !compiled->run)
        return error_set(error, DLT_ERROR_COMPILE, "the kernel's code lacks %s_pack or %s_run",
                         prefix, prefix);
    return DLT_OK;
}

dlt_status compile_c(const char *source, const char *prefix, const struct program_code *code,
                     struct compiled *compiled, struct error *error) {
    *compiled = (struct compiled){.pack = NULL};
    TCCState *state = tcc_new();
    if (!state)
        return error_set(error, DLT_ERROR_MEMORY, "out of memory");
    dlt_status status = compile_and_link(state, source, prefix, code, compiled, error);
    tcc_delete(state);
    if (status != DLT_OK)
        code_memory_free(&compiled->memory);
    return status;
}
