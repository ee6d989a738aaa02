/* C text and the machine code of tiles, made into one piece of executable memory. */
#ifndef TARGETS_JIT_COMPILE_H
#define TARGETS_JIT_COMPILE_H

#include "targets/jit/code_memory.h"
#include "targets/jit/code_names.h"
#include "targets/jit/kernel.h"

struct compiled {
    struct code_memory
        memory;        /* tiles first, each at a multiple of 64 bytes, then the C functions */
    size_t tile_bytes; /* of the tiles' part */
    void *pack, *run;
    struct debugger_entry *debugger; /* to be forgotten before the memory goes */
    double compile_microseconds, link_microseconds;
};

/* `source` is print_c's text with this prefix and tiles that are extern. Serialised within the
 * process by libtcc. Profilers and debuggers that are asked for see it as `name`; NULL: not at all.
 * DLT_ERROR_COMPILE with the compiler's message. */
dlt_status compile_c(const char *source, const char *prefix, const char *name,
                     const struct program_code *code, struct compiled *compiled,
                     struct error *error);

/* Where tile `number` starts within the memory. */
size_t tile_offset(const struct program_code *code, int number);

double clock_microseconds(void); /* monotonic */

#endif
