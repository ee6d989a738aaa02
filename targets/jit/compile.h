/* C text and the machine code of tiles, made into one piece of executable memory. */
#ifndef TARGETS_JIT_COMPILE_H
#define TARGETS_JIT_COMPILE_H

#include "targets/jit/code_memory.h"
#include "targets/jit/kernel.h"

struct compiled {
    struct code_memory
        memory;        /* tiles first, each at a multiple of 64 bytes, then the C functions */
    size_t tile_bytes; /* of the tiles' part */
    void *pack, *run;
    double compile_microseconds, link_microseconds;
};

/* `source` is print_c's text with this prefix and tiles that are extern. Serialised within the
 * process by libtcc. DLT_ERROR_COMPILE with the compiler's message. */
dlt_status compile_c(const char *source, const char *prefix, const struct program_code *code,
                     struct compiled *compiled, struct error *error);

/* If the environment has DLTUNE_PERF_MAP, tells `perf` what lies where (/tmp/perf-PID.map). */
void perf_map_append(const struct compiled *compiled, const struct program_code *code,
                     const char *name);

/* Where tile `number` starts within the memory. */
size_t tile_offset(const struct program_code *code, int number);

double clock_microseconds(void); /* monotonic */

#endif
