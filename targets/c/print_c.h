/* Loop programs as C: the text that TinyCC compiles, and that users read in an export.
 *
 * The text includes nothing and calls nothing outside itself but the caller's parallel-for. It
 * keeps to what TinyCC, gcc and clang all compile rightly and without warnings: pointers, longs,
 * floats and loops; no array initialisers of locals, no copies of structs.
 *
 *     int PREFIX_pack(const void *const *parameters, void *packed)
 *     int PREFIX_run(void *const *tensors, const void *packed, void *workspace,
 *                    const struct PREFIX_threads *threads)
 *
 * struct PREFIX_threads has the members of dlt_threads; several units in one text share one. */
#ifndef TARGETS_C_PRINT_C_H
#define TARGETS_C_PRINT_C_H

#include "ir/program.h"
#include "targets/target.h"

struct print_c_options {
    const char *prefix;               /* of every name that the unit defines */
    int code_count;                   /* machine code of the tiles, by tile_variant.code */
    const struct machine_code *codes; /* only read if tiles_as_bytes */
    bool tiles_as_bytes;              /* tiles in the text as bytes; else they are extern */
    const struct target *target;      /* not NULL: disassembly as comments above the bytes */
    const char *threads; /* not NULL: use this struct, declared by whoever includes the text */
};

/* DLT_ERROR_REFUSED for what the printer has no C for; DLT_ERROR_MEMORY. Allocates in `arena`. */
dlt_status print_c(struct arena *arena, const struct program *program,
                   const struct print_c_options *options, struct text *source, struct error *error);

#endif
